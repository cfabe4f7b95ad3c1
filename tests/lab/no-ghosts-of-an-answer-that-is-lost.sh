#!/bin/bash
# A phone whose router gives it another port before it has seen the answer to its REGISTER, which it sends
# again; at Kamailio as it comes, which compares Contacts byte by byte.
export PHONE_CONTACT=own
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND
relay_start || exit 1
expect_none_of_an_answer_that_is_lost
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
