# baresip as its package brings it: its Contact is the address it has, so over IPv4 it is reachable
# only where no NAT is between. Sound goes from a bridge to itself, or comes from a file.
# shellcheck shell=bash

# Whether it answers calls by itself (auto), or rings until it is told to (manual).
BARESIP_ANSWERS=${BARESIP_ANSWERS:-auto}
# Whether it tells who subscribes that it is there (yes), and the URI of whom it subscribes to. With
# presence it has been seen to stay for minutes after it was told to end; see baresip_leave.
BARESIP_PRESENCE=${BARESIP_PRESENCE:-}
BARESIP_WATCHES=${BARESIP_WATCHES:-}

# Whether its Contact names its instance (yes), by which Kamailio knows a phone again that has moved.
BARESIP_INSTANCE=${BARESIP_INSTANCE-yes}
# After how many percent of its expiry it registers again, where not after baresip's own; 5 at least.
BARESIP_REFRESHES=${BARESIP_REFRESHES:-}
# Where what it says comes from, where not from the bridge.
BARESIP_SAYS=${BARESIP_SAYS:-}
# By which name it answers a challenge.
BARESIP_AUTH_USER=${BARESIP_AUTH_USER:-lab}

baresip_start() { # phone, user, [4 or 6], [expires]
	local phone=$1 user=$2 family=${3:-4} expires=${4:-60} directory=$LAB_DIR/$1.baresip
	mkdir -p "$directory"
	cat >"$directory/config" <<-END
		sip_listen $(listen_address "$phone" "$family")
		module_path /usr/lib/baresip/modules
		module g711.so
		module aubridge.so
		${BARESIP_SAYS:+module aufile.so}
		audio_player aubridge,sound
		audio_source ${BARESIP_SAYS:-aubridge,sound}
		audio_alert aubridge,sound
		${BARESIP_INSTANCE:+module_tmp uuid.so}
		module_tmp account.so
		${BARESIP_PRESENCE:+module_app contact.so}
		${BARESIP_PRESENCE:+module_app presence.so}
		module_app menu.so
		module_app ctrl_tcp.so
		ctrl_tcp_listen 127.0.0.1:4444
	END
	printf '%s;' "<sip:$user@$(proxy_address "$family")>" "regint=$expires" \
		"answermode=$BARESIP_ANSWERS" auth_user="$BARESIP_AUTH_USER" auth_pass=secret \
		${BARESIP_REFRESHES:+"rwait=$BARESIP_REFRESHES"} >"$directory/accounts"
	[ -z "$BARESIP_WATCHES" ] || echo "\"bob\" <$BARESIP_WATCHES>;presence=p2p" >"$directory/contacts"
	start "$phone" "$phone" baresip "-$family" -f "$directory" -s
}

# One that registers nowhere.
baresip_start_unregistered() { # phone, user
	baresip_start "$1" "$2" 4 0
	eventually baresip_saw "$1" 'baresip is ready'
}

# Ends a baresip, which first takes back what it asked for.
baresip_leave() { # phone
	baresip_do "$1" quit
	wait_until 20 is_gone "$(cat "$LAB_DIR/$1.pid")"
	stop "$1" KILL
}

baresip_listens() { # phone
	at "$1" ss -Hltn sport = :4444 | grep -q 4444
}

# Tells a baresip what to do: dial sip:..., hold, resume, hangup.
baresip_do() { # phone, command, [parameter]
	local text="{\"command\":\"$2\",\"params\":\"${3-}\"}"
	show "$1" "baresip: $2 ${3-}"
	if ! eventually baresip_listens "$1"; then
		echo "the baresip on $1 takes no commands; it has said:" >&2
		grep -ai 'ctrl\|tcp\|error\|fail' "$LAB_DIR/$1.log" | head -n 5 >&2
		return 1
	fi
	# The connection stays until baresip has answered: what it has not read by then would be lost, and
	# it tells of registrations and calls over it as well.
	# shellcheck disable=SC2016 # the inner shell is to expand it
	at "$1" bash -c 'exec 3<>/dev/tcp/127.0.0.1/4444 && printf "%d:%s," ${#1} "$1" >&3 &&
		until [[ ${said-} == *"\"response\":true"* ]]; do
			read -r -t 60 -d "}" -u 3 said || exit
		done' baresip "$text" || [ "$2" = quit ]
}

# How often a line that starts so stands in what baresip says and in the messages it shows.
baresip_count() { # phone, start of the line
	grep -ac "^$2" "$LAB_DIR/$1.log"
}

baresip_saw() { # phone, start of the line
	[ "$(baresip_count "$@")" -gt 0 ]
}

# Tells a baresip what to do, and waits until another one has seen something that it had not before.
baresip_makes() { # the other phone, start of the line, then as for baresip_do
	local other=$1 line=$2 before
	shift 2
	before=$(baresip_count "$other" "$line")
	baresip_do "$@" || return
	eventually baresip_has_more "$other" "$line" "$before"
}

baresip_has_more() { # phone, start of the line, how many there were
	[ "$(baresip_count "$1" "$2")" -gt "$3" ]
}
