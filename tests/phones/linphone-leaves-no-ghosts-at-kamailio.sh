#!/bin/bash
# The story of linphone-leaves-no-ghosts at Kamailio as it comes, which compares what Linphone names as
# its instance.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND
relay_start || exit 1
expect_none_of_linphone
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
