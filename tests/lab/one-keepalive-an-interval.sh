#!/bin/bash
# Keepalives as the phone sees them. It has two lines, one leaves after 8 s and the other after 21 s.
# Another phone stays, and shows by what it gets that natbox goes on.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_start || exit 1
client=$(contact_address phone1) other=$(contact_address phone2)
start seen phone1 tcpdump -Z root -n -tt -l 'dst port 5061 and udp[8:4] = 0x4e4f5449' # NOTI
eventually grep -q 'listening on' "$LAB_DIR/seen.log"

phone_line phone2 carol 600 | phone_start phone2
{
	phone_line phone1 alice 600 8 0
	phone_line phone1 bob 600 21 0
} | phone_start phone1
expect "natbox lets the phone go when its last line has left" \
	eventually natbox_has_events 1 endpoint-remove "$client"
later=$(($(natbox_events keepalive "$other") + 3))
expect "and goes on with another one" eventually natbox_has_events $later keepalive "$other"
keepalives=$(natbox_events keepalive "$client")
grep NOTIFY "$LAB_DIR/seen.log"

gaps_at_least() { # seconds
	awk -F '[:,]' -v client="$client" -v least="$1" '
		/"event":"keepalive"/ && index($0, client) {
			if (last && $2 - last < least) exit 1
			last = $2
		}' "$(natbox_event_file)"
}

none_but_from_proxy() {
	not grep -q -v 'IP 198.51.100.2.5060 >' <(grep NOTIFY "$LAB_DIR/seen.log")
}

# As many as natbox says it sent.
phone_got_all() {
	[ "$(grep -c NOTIFY "$LAB_DIR/seen.log")" = "$keepalives" ]
}

none_after_it_left() {
	sed '1,/"event":"endpoint-remove","client":"'"$client"'"/ d' "$(natbox_event_file)" |
		not grep -q "\"event\":\"keepalive\",\"client\":\"$client\""
}

expect "a phone is kept alive while it has a line" [ "$keepalives" -ge 3 ]
expect "what natbox says it sent is what the phone gets" eventually phone_got_all
expect "two lines get one keepalive an interval" gaps_at_least 4.8
expect "keepalives come from the proxy's address and port" \
	none_but_from_proxy
expect "none comes once the last line has left" none_after_it_left
expect "natbox saw every keepalive answered" [ "$(natbox_events reply "$client")" = "$keepalives" ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
