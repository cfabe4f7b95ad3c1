#!/bin/bash
# A stop and start in relay mode: SIP flows in the gap, and phones that registered before it are
# reachable after it, though they say nothing.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_control
expect "natbox relays" relay_start -o "state.path=$NATBOX_STATE"
expect "phones at two homes register" homes_register
pause 10
expect "SIP flows before, meanwhile and after, and never stands still" \
	no_gap_beyond 1000 natbox_upgrade
# shellcheck disable=SC2154 # gap is what measure_gap_while measures
echo "# SIP stood still for $gap ms"
pause 35
expect "after 40 s of silence bob calls alice" bob_calls_alice
expect "they registered once" phones_registered_once
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
