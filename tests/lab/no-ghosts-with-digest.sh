#!/bin/bash
# The story of no-ghosts-at-kamailio where each REGISTER is answered 401 first.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND -A WITH_DIGEST -A NONCES_ONCE
relay_start || exit 1
baresip_start phone3 bob 4 600

# There is one for each REGISTER that was taken.
each_was_challenged() {
	[ "$(baresip_count phone1 'SIP/2.0 401')" -ge "$(told_of_alice | grep -c .)" ]
}

expect_no_ghosts true alice_is_called
expect "each of her REGISTERs was challenged" each_was_challenged
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
