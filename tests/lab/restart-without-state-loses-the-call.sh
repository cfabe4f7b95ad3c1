#!/bin/bash
# The story of restart-in-a-call with a natbox that may keep nothing: alice never learns that bob hung
# up, which is what the state is for.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_restarts_in_a_call 4 natbox_stop relay_start -o state.path=
expect "bob hangs up, and alice does not learn it" bob_hangs_up_in_vain
expect "the BYE got as far as her NAT" [ "$(nat_dropped nat)" -gt 0 ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
