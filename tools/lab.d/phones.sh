# Phones. Those of SIPp do exactly what a scenario says; each has a SIP port of its own, which the
# NAT keeps, so that a phone knows its public address as one configured by hand does. With
# PHONE_CONTACT=own their Contact is the address they have, as most phones' is.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh

PHONE_CONTACT=${PHONE_CONTACT:-public}

sip_port() { # phone
	echo "506${1#phone}"
}

with_port() { # address, port
	case $1 in
	*:*) echo "[$1]:$2" ;;
	*) echo "$1:$2" ;;
	esac
}

contact_address() { # phone, [4 or 6]
	if [ "$PHONE_CONTACT" = public ]; then
		with_port "$(public_address "$@")" "$(sip_port "$1")"
	else
		listen_address "$@"
	fi
}

listen_address() { # phone, [4 or 6]
	with_port "$(own_address "$@")" "$(sip_port "$1")"
}

proxy_address() { # [4 or 6]
	with_port "$(own_address "$PROXY_HOST" "$@")" 5060
}

# A line of a phone: it registers, is silent, registers again with another expiry (0: leaves).
# Without the last two it stays silent.
phone_line() { # phone, user, expires, [silence in seconds, next expires], [4 or 6]
	local silence=${4:-3600}
	echo "$2;$(contact_address "$1" "${6:-4}");$3;${silence}000;${5:-$3}"
}

# A header of the phone's own in what it sends; a long one makes long messages.
PHONE_HEADER='Supported: path'
# Another in what it answers calls with.
PHONE_SESSION='Supported: timer'

# What a phone does when it is called: a scenario.
PHONE_ANSWERS=${PHONE_ANSWERS:-answer}

# The command line of a SIPp phone, into sipp.
sipp_command() { # phone, 4 or 6, scenario
	fresh "$LAB_DIR/$1.messages"
	sipp=(sipp "$(proxy_address "$2")" -sf "$lab_root/tests/lab/sipp/$3.xml" -nostdin
		-i "$(own_address "$1" "$2")" -p "$(sip_port "$1")"
		-key contact "$(contact_address "$1" "$2")" -key address "$(own_address "$1" "$2")"
		-key header "$PHONE_HEADER" -key session "$PHONE_SESSION" -trace_msg -message_file "$LAB_DIR/$1.messages")
}

# Starts a phone with the lines on standard input; it rings when it is called.
phone_start() { # phone, [4 or 6]
	local sipp lines=$LAB_DIR/$1.lines
	{ echo SEQUENTIAL && cat; } >"$lines"
	sipp_command "$1" "${2:-4}" register
	start "$1" "$1" "${sipp[@]}" -oocsf "$lab_root/tests/lab/sipp/$PHONE_ANSWERS.xml" -inf "$lines" \
		-m $(($(wc -l <"$lines") - 1))
}

# Whether a phone was sent, or sent, a message that starts so.
phone_saw() { # phone, start line
	grep -q "^$2" "$LAB_DIR/$1.messages" 2>/dev/null
}

phone_rang() { # phone
	phone_saw "$1" 'INVITE sip:'
}

# Calls a user from a phone, and is done when the call was answered and hung up, or failed.
phone_calls() { # phone, user, [4 or 6], [scenario]
	local sipp
	sipp_command "$1" "${3:-4}" "${4:-call}"
	show "$1" "${sipp[@]}" -m 1 -s "$2"
	at "$1" timeout 60 "${sipp[@]}" -m 1 -s "$2" >"$LAB_DIR/$1.log" 2>&1
}

# The same for a call that the proxy refuses: SIPp says then that a call has failed, and not that it
# could not try.
phone_calls_in_vain() { # as for phone_calls
	phone_calls "$@"
	[ $? = 1 ]
}
