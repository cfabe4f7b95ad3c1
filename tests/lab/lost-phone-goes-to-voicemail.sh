#!/bin/bash
# A phone is unplugged. Once natbox has lost it, it answers for it, and the proxy forwards its calls at
# once, without waiting for the phone. Plugged in again it rings.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"

# Three keepalives are missed sooner than with the defaults.
lab_with_proxy -A WITH_VOICEMAIL
relay_start -o relay.lost-answer=430 -o keepalive.interval=2s -o keepalive.reply-timeout=1s || exit 1

calls_to() { # phone
	grep -c '^INVITE sip:' "$LAB_DIR/$1.messages"
}

# A call for alice reaches the one phone, and not the other.
rings_and_not() { # phone, other phone
	local rang other
	rang=$(calls_to "$1") other=$(calls_to "$2")
	phone_calls phone3 alice && [ "$(calls_to "$1")" -gt "$rang" ] &&
		[ "$(calls_to "$2")" = "$other" ]
}

# When the last message of a phone's that starts so was sent or came, in milliseconds of the day.
seen_at() { # phone, start line
	awk -v start="$2" '/^-----/ { time = $3 } index($0, start) == 1 { last = time }
		END { split(last, part, ":"); printf "%d", ((part[1] * 60 + part[2]) * 60 + part[3]) * 1000 }' \
		"$LAB_DIR/$1.messages"
}

unplug() { # NAT, phone
	on "$1" ip link set "$2" down
}

plug_in() { # NAT, phone
	on "$1" ip link set "$2" up
}

lost=$(contact_address phone1)
phone_line phone4 voicemail 600 | phone_start phone4
phone_line phone1 alice 600 | phone_start phone1
expect "a phone and a voicemail register" \
	eventually each 'phone1 phone4' phone_saw 'SIP/2.0 200 OK'
expect "the phone answers keepalives" eventually natbox_has_events 2 reply "$lost"
expect "a call for it rings there" rings_and_not phone1 phone4

unplug nat phone1
expect "unplugged, it is lost" eventually natbox_has_events 1 lost "$lost"
expect "a call for it goes to voicemail" rings_and_not phone4 phone1
echo "# it rang there $(($(seen_at phone4 'INVITE sip:') - $(seen_at phone3 'INVITE sip:'))) ms after the call began"
expect "so does the next one" rings_and_not phone4 phone1

replies=$(natbox_events reply "$lost")
plug_in nat phone1
expect "plugged in again it answers keepalives" \
	eventually natbox_has_events $((replies + 1)) reply "$lost"
expect "a call for it rings there again" rings_and_not phone1 phone4
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
