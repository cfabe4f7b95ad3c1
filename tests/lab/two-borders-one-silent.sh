#!/bin/bash
# The call of two-borders through a border2 whose natbox repairs what phones send, but keeps nothing
# alive: only its keepalives could have held the call's binding.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with borders_up
{ relay_start && on_border2 relay_start -o keepalive.scope=off; } || exit 1

expect "two phones register through border, and alice subscribes to bob there" \
	alice_watches_bob 600
expect "alice calls bob through border2" alice_calls_bob_through_border2
pause 40
dropped=$(nat_dropped nat)
expect "after 40 s of silence bob hangs up, and alice never learns it" bob_hangs_up_in_vain
expect "her NAT has dropped what she was sent" [ "$(nat_dropped nat)" -gt "$dropped" ]
expect "bob goes away, and alice learns that, through border" bob_goes_away
expect "both natboxes ran all the while, and stop cleanly" natboxes_stop
verdict
