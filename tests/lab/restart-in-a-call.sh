#!/bin/bash
# natbox is stopped and started in the middle of a call, and knows the call again: it holds the
# caller's binding on, and the BYE from the far side reaches her.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_restarts_in_a_call 4 natbox_stop relay_start -o "state.path=$NATBOX_STATE"
expect "bob hangs up, and alice learns it" bob_hangs_up
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
