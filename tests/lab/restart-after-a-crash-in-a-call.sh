#!/bin/bash
# The story of restart-in-a-call, with a natbox that had no time to save anything.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_restarts_in_a_call 4 natbox_crash relay_start -o "state.path=$NATBOX_STATE"
expect "bob hangs up, and alice learns it" bob_hangs_up
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
