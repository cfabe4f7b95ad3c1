# Phones. Those of SIPp do exactly what a scenario says; each has a SIP port of its own, which the
# NAT keeps, so that a phone knows its public address as one configured by hand does.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh

sip_port() { # phone
	echo "506${1#phone}"
}

with_port() { # address, port
	case $1 in
	*:*) echo "[$1]:$2" ;;
	*) echo "$1:$2" ;;
	esac
}

# What a phone's Contact has to be for others to reach it.
contact_address() { # phone, [4 or 6]
	with_port "$(public_address "$@")" "$(sip_port "$1")"
}

listen_address() { # phone, [4 or 6]
	with_port "$(own_address "$@")" "$(sip_port "$1")"
}

proxy_address() { # [4 or 6]
	with_port "$(public_address border "$@")" 5060
}

# A line of a phone: it registers, is silent, registers again with another expiry (0: leaves).
# Without the last two it stays silent.
phone_line() { # phone, user, expires, [silence in seconds, next expires], [4 or 6]
	local silence=${4:-3600}
	echo "$2;$(contact_address "$1" "${6:-4}");$3;${silence}000;${5:-$3}"
}

# A header of the phone's own in what it sends; a long one makes long messages.
PHONE_HEADER='Supported: path'

# Starts a phone with the lines on standard input; it rings when it is called.
phone_start() { # phone, [4 or 6], further arguments for sipp
	local phone=$1 family=${2:-4} lines
	shift $(($# < 2 ? $# : 2))
	lines=$LAB_DIR/$phone.lines
	{ echo SEQUENTIAL && cat; } >"$lines"
	start "$phone" "$phone" sipp "$(proxy_address "$family")" -sf "$lab_root/tests/lab/sipp/register.xml" \
		-oocsf "$lab_root/tests/lab/sipp/answer.xml" -inf "$lines" -m $(($(wc -l <"$lines") - 1)) \
		-i "$(own_address "$phone" "$family")" -p "$(sip_port "$phone")" -nostdin \
		-key contact "$(contact_address "$phone" "$family")" -key header "$PHONE_HEADER" \
		-trace_msg -message_file "$LAB_DIR/$phone.messages" "$@"
}

# Whether a phone was sent, or sent, a message that starts so.
phone_saw() { # phone, start line
	grep -q "^$2" "$LAB_DIR/$1.messages" 2>/dev/null
}

phone_rang() { # phone
	phone_saw "$1" 'INVITE sip:'
}

# Calls a user from a phone, and is done when the call was answered and hung up, or failed.
phone_calls() { # phone, user, [4 or 6]
	local phone=$1 family=${3:-4}
	on "$phone" timeout 20 sipp "$(proxy_address "$family")" -sf "$lab_root/tests/lab/sipp/call.xml" -m 1 \
		-i "$(own_address "$phone" "$family")" -p "$(sip_port "$phone")" -nostdin -s "$2" \
		-key contact "$(contact_address "$phone" "$family")" -key header "$PHONE_HEADER" \
		-trace_msg -message_file "$LAB_DIR/$phone.messages" >"$LAB_DIR/$phone.log" 2>&1
}

# Starts baresip as a user's phone, as it is after installing it: its Contact is the address it has,
# so over IPv4 it is reachable only where no NAT is between. It answers calls by itself; sound goes
# from a bridge to itself. Commands of its own may follow: "/dial sip:..." calls.
baresip_start() { # phone, user, [4 or 6], [commands...]
	local phone=$1 user=$2 family=${3:-4} directory=$LAB_DIR/$1.baresip command commands=()
	shift $(($# < 3 ? $# : 3))
	mkdir "$directory"
	cat >"$directory/config" <<-END
		sip_listen $(listen_address "$phone" "$family")
		module_path /usr/lib/baresip/modules
		module g711.so
		module aubridge.so
		audio_player aubridge,sound
		audio_source aubridge,sound
		audio_alert aubridge,sound
		module_tmp uuid.so
		module_tmp account.so
		module_app menu.so
	END
	echo "<sip:$user@$(proxy_address "$family")>;auth_pass=$user;regint=60;answermode=auto" \
		>"$directory/accounts"
	for command; do
		commands+=(-e "$command")
	done
	start "$phone" "$phone" baresip "-$family" -f "$directory" -s "${commands[@]}"
}
