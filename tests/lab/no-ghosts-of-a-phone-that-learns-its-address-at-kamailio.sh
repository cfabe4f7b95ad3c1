#!/bin/bash
# A phone that takes its public address from the answer to its REGISTER, as Linphone does, and names
# no instance, at Kamailio as it comes, which compares Contacts byte by byte.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND
relay_start || exit 1
expect_none_of_a_phone_that_learns
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
