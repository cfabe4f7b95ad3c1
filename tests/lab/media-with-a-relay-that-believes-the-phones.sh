#!/bin/bash
# The flag that no phone behind NAT can live with: the media relay sends the sound where the session
# descriptions say, though it comes from elsewhere.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with media_proxy_start asymmetric
relay_start || exit 1
expect "phones at two homes register" speakers_register
expect "alice calls bob" alice_calls_bob
expect "both speak for 2 s, and neither hears anything" they_speak_and_hear_nothing
expect "bob hangs up, and alice learns it" bob_hangs_up
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
