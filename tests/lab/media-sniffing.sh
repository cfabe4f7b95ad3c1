#!/bin/bash
# Sniff mode: alice knows her public address for SIP, as one does who asks a STUN server, but not
# for sound. natbox keeps her reachable for bob's call, and the media relay learns where both are.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with media_proxy_start ''
natbox_start || exit 1

expect "alice registers, and says nothing more" alice_who_speaks_knows_her_address
expect "natbox keeps her reachable for longer than her NAT remembers" \
	eventually natbox_has_events 4 reply '"status":200'
expect "bob registers" bob_who_speaks_registers
expect "he calls her" bob_calls_alice_of_sipp
expect "they hear each other" they_hear_each_other
expect "he hangs up, and she learns it" bob_hangs_up_on_alice_of_sipp
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
