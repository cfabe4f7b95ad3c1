#!/bin/bash
# The story of restart-in-a-call in sniff mode, where nothing is repaired: over IPv6, whose addresses
# are right by themselves.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_restarts_in_a_call 6 natbox_stop \
	natbox_start -o keepalive.scope=all -o "state.path=$NATBOX_STATE"
expect "bob hangs up, and alice learns it" bob_hangs_up
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
