#!/bin/bash
# The story of no-ghosts-at-kamailio with a Kamailio that binds one Contact of a user's and refuses
# another: one that stayed would keep her from registering.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND -A ONE_CONTACT
relay_start || exit 1
baresip_start phone3 bob 4 600
expect_no_ghosts true alice_is_called
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
