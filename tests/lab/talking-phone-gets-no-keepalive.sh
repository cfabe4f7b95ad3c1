#!/bin/bash
# baresip refreshes its registration every few seconds, which holds its binding open by itself.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_start -o keepalive.interval=12s || exit 1

baresip_start phone2 bob 4 10
expect "a phone registers" eventually baresip_saw phone2 'SIP/2.0 200 OK'
pause 35
expect "it refreshed by itself" [ "$(natbox_events reason-refresh)" -ge 3 ]
expect "natbox sent it nothing" [ "$(natbox_events keepalive)" = 0 ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
