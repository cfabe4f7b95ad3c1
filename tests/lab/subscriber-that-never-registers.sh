#!/bin/bash
# A phone that registers nowhere and only watches who is there: its subscription alone keeps it.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
relay_start || exit 1
alice=$(public_address phone1):5061

expect "a phone subscribes to another's presence" alice_watches_bob 0
pause 40
expect "after 40 s of silence bob goes away, and it learns it" bob_goes_away
baresip_leave phone1
expect "natbox kept it for the subscription alone, and until its end" \
	eventually story_is "$alice" 'add subscription, end subscription ended'
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
