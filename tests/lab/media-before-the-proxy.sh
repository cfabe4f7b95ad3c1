#!/bin/bash
# Relay mode, natbox on the router in front of the proxy and the media relay, with the flags that
# natbox.8 speaks of: nothing goes to private addresses, and in the midst of the call alice's NAT
# gives her sound other ports.
export PROXY_HOST=proxy
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with media_proxy_start 'SIP-source-address media-handover'
relay_start || exit 1

expect "both sides of natbox are captured" both_sides_are_captured
expect "nothing the media relay sends to private addresses is missed" sound_astray_is_counted
expect "phones at two homes register" speakers_register
expect "bob calls alice" bob_calls_alice
expect "they hear each other for 4 s, and the media relay is sure where they are" \
	they_hear_each_other 200
expect "alice's NAT gives her sound other ports" nat_moves_the_sound
expect "her sound comes from there" eventually sound_comes_from_port_5nnnn
expect "they hear each other still" they_hear_each_other
expect "nothing went to a private address" nothing_went_astray
expect "bob hangs up, and alice learns it" bob_hangs_up
expect "natbox left every session description as it was" natbox_left_descriptions_alone 2
expect "though it repaired the Contacts above them" natbox_repaired_contacts
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
