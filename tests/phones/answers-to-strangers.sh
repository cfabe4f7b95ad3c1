#!/bin/bash
# shellcheck disable=SC2154 # lab_root comes from lab.sh
# What phones answer to keepalives for their own user, and to those for one that they have never
# heard of; natbox.8 has the table.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
nats_remember_for_long
natbox_start -o keepalive.scope=off || exit 1
linphone_start phone1 alice
baresip_start phone2 carol 4 600
jami_start phone3 bob

# The first line of what a phone answers, once the proxy has ended: what asks has its port.
answer_of() { # phone, method, user
	fresh "$LAB_DIR/ask.messages"
	cp "$lab_root/tests/lab/sipp/ask.xml" "$LAB_DIR/ask.xml"
	[ "$2" = NOTIFY ] ||
		sed -i '/Event:/d; /Subscription-State:/d; s/NOTIFY/OPTIONS/' "$LAB_DIR/ask.xml"
	at border timeout 20 sipp "$(contact_address "$1")" -sf "$LAB_DIR/ask.xml" -nostdin \
		-i "$(own_address border)" -p 5060 -s "$3" -m 1 -trace_msg \
		-message_file "$LAB_DIR/ask.messages" >"$LAB_DIR/ask.log" 2>&1
	grep -o '^SIP/2.0 [0-9]*' "$LAB_DIR/ask.messages" | sort -u | cut -d' ' -f2
}

answers() { # phone, method, user, status, or nothing
	local answer
	answer=$(answer_of "$1" "$2" "$3")
	echo "# $2 for $3: ${answer:-no answer}"
	[ "$answer" = "${4-}" ]
}

expect "Linphone, baresip and Jami register" eventually natbox_has_events 3 reason-add
expect "natbox stops cleanly" natbox_stop
stop proxy-border
# baresip registers with a user part of its own making.
carol=$(grep -aom1 'carol-0x[0-9a-f]*' "$LAB_DIR/phone2.log")

for method in OPTIONS NOTIFY; do
	expect "Linphone answers $method with 200" answers phone1 $method alice 200
	expect "and for a stranger, too" answers phone1 $method stranger 200
	expect "Jami answers $method with 200" answers phone3 $method bob 200
	expect "but nothing at all for a stranger" answers phone3 $method stranger
done
expect "baresip answers OPTIONS with 200" answers phone2 OPTIONS "$carol" 200
expect "but with 404 for a stranger" answers phone2 OPTIONS stranger 404
expect "and NOTIFY with 481" answers phone2 NOTIFY "$carol" 481
expect "for a stranger, too" answers phone2 NOTIFY stranger 481
verdict
