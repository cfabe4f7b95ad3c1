#!/bin/bash
# A call forks to three phones behind two NATs, which all ring for longer than their NATs remember.
# Registrations do not count here: only the call keeps the phones.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
relay_start -o keepalive.registrations=no || exit 1
losers='phone1 phone3'

story_of_phone_is() { # phone, the story
	story_is "$(public_address "$1"):$(sip_port "$1")" "$2"
}

nats_remember_for_long
expect "three phones register for one address" desk_registers
expect "a call makes all three ring" carol_calls_desk
expect "from now on their NATs forget" nats_forget_again
pause 30
expect "30 s later one answers" phone2_takes_the_call
expect "the other two are told to stop" eventually each "$losers" baresip_saw 'CANCEL sip:'
pause 30
expect "30 s later the caller hangs up, and the phone that answered learns it" \
	carol_hangs_up
expect "those who did not answer were kept until then" \
	eventually each "$losers" story_of_phone_is 'add dialog, end dialog failed'
expect "the one that answered was kept until the BYE" \
	eventually story_of_phone_is phone2 'add dialog, end dialog ended'
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
