#!/bin/bash
# Keepalives as the phone sees them. It has two lines, one leaves after 8 s and the other after 21 s.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_start || exit 1
start seen phone1 tcpdump -Z root -n -tt -l 'dst port 5061 and udp[8:4] = 0x4e4f5449' # NOTI
eventually grep -q 'listening on' "$LAB_DIR/seen.log"

{
	phone_line phone1 alice 600 8 0
	phone_line phone1 bob 600 21 0
} | phone_start phone1
pause 22
keepalives=$(grep -c NOTIFY "$LAB_DIR/seen.log")
pause 12
grep NOTIFY "$LAB_DIR/seen.log"

gaps_at_least() { # seconds
	awk -v least="$1" '/NOTIFY/ { if (last && $1 - last < least) exit 1; last = $1 }' \
		"$LAB_DIR/seen.log"
}

none_but_from_proxy() {
	not grep -q -v 'IP 198.51.100.2.5060 >' <(grep NOTIFY "$LAB_DIR/seen.log")
}

expect "a phone is kept alive while it has a line" [ "$keepalives" -ge 3 ]
expect "two lines get one keepalive an interval" gaps_at_least 4.8
expect "keepalives come from the proxy's address and port" \
	none_but_from_proxy
expect "none comes once the last line has left" \
	[ "$(grep -c NOTIFY "$LAB_DIR/seen.log")" = "$keepalives" ]
expect "natbox let the phone go" [ "$(natbox_events endpoint-remove)" = 1 ]
expect "natbox saw every keepalive answered" [ "$(natbox_events reply)" = "$keepalives" ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
