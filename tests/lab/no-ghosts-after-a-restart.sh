#!/bin/bash
# The story of no-ghosts-at-kamailio with a natbox that is stopped and started in the midst, and knows
# what is bound.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND
start_natbox=(relay_start -o "state.path=$NATBOX_STATE")
"${start_natbox[@]}" || exit 1
baresip_start phone3 bob 4 600

# No REGISTER passes while it is away: Kamailio would bind what nobody has repaired.
natbox_starts_again() {
	natbox_stop && "${start_natbox[@]}"
}

expect_no_ghosts natbox_starts_again alice_is_called
expect "natbox has started again" [ -s "$LAB_DIR/natbox.log.before" ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
