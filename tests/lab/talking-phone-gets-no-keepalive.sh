#!/bin/bash
# baresip refreshes its registration every few seconds, which holds its binding open by itself; and
# each time it bears the nonce that it was sent.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A WITH_DIGEST
natbox_start -o keepalive.interval=12s || exit 1

baresip_start phone2 bob 4 10
expect "a phone registers" eventually baresip_saw phone2 'SIP/2.0 200 OK'
expect "it refreshes by itself" eventually natbox_has_events 4 reason-refresh

# On a machine that stood still it may have been silent for an interval. That begins with the
# request, which is a moment before its answer.
none_while_it_talked() {
	awk -F '[:,]' '
		/"event":"reason-(add|refresh)"/ { heard = $2 }
		/"event":"keepalive"/ { sent++ }
		/"event":"keepalive"/ && $2 - heard < 11.5 { print "# " $0; early = 1 }
		END { if (sent) print "# " sent " keepalives"; exit early }' "$(natbox_event_file)"
}

expect "natbox sent it nothing" none_while_it_talked
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
