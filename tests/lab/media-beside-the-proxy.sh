#!/bin/bash
# Relay mode, natbox on the proxy's host, and a media relay there that needs no flags: two phones
# whose Contacts and session descriptions are private hear each other, and natbox changes only the
# Contacts.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with media_proxy_start ''
relay_start || exit 1

expect "both sides of natbox are captured" both_sides_are_captured
expect "phones at two homes register" speakers_register
expect "alice calls bob" alice_calls_bob
expect "they hear each other" they_hear_each_other
expect "alice puts him on hold with a re-INVITE" baresip_makes phone3 'INVITE sip:' phone1 hold
expect "meanwhile her NAT gives her sound other ports" nat_moves_the_sound
expect "she goes on with another" baresip_makes phone3 'INVITE sip:' phone1 resume
expect "they hear each other again" they_hear_each_other
expect "though her sound comes from another port" eventually sound_comes_from_port_5nnnn
expect "natbox left every session description as it was" natbox_left_descriptions_alone 6
expect "though it repaired the Contacts above them" natbox_repaired_contacts
expect "natbox stops cleanly" natbox_stop
expect "the sound goes on without natbox" they_hear_each_other
expect "bob hangs up, and alice learns it" bob_hangs_up
verdict
