#!/bin/bash
# A phone that registers and subscribes through one border and calls through another: each border's
# natbox keeps it reachable for what went that way.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with borders_up
{ relay_start && on_border2 relay_start; } || exit 1
alice=$(public_address phone1):5061

expect "two phones register through border, and alice subscribes to bob there" \
	alice_watches_bob 600
expect "alice calls bob through border2" alice_calls_bob_through_border2
pause 40
expect "after 40 s of silence bob hangs up, and alice learns it" bob_hangs_up
expect "bob goes away, and alice learns it" bob_goes_away
expect "bob calls alice, who is reached through border" bob_calls_alice
expect "border kept her for all but her own call" \
	eventually story_is "$alice" 'add registration, add subscription, add dialog'
expect "border2 kept her for her own call alone, and let her go" \
	eventually on_border2 story_is "$alice" 'add dialog, end dialog ended'
expect "border2 kept nobody else" [ "$(on_border2 natbox_events endpoint-add)" = 1 ]
expect "both natboxes ran all the while, and stop cleanly" natboxes_stop
verdict
