#!/bin/bash
# The call of two-borders through a border2 where no natbox is. The other border's is of no use to it.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with borders_up
relay_start || exit 1

expect "two phones register through border, and alice subscribes to bob there" \
	alice_watches_bob 600
expect "alice calls bob through border2" alice_calls_bob_through_border2
pause 40
expect "after 40 s of silence bob hangs up, and alice never learns it" bob_hangs_up_in_vain
expect "bob goes away, and alice learns that, through border" bob_goes_away
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
