#!/bin/bash
# A phone whose router gives it a new port ten times, and Kamailio as it comes, which binds as many
# Contacts of a user's as there are: it has one of hers, and a call reaches her. In the midst, while
# her REGISTER is on its way from a new port, another phone takes back all with "Contact: *".
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND
relay_start || exit 1
baresip_start phone3 bob 4 600
expect_no_ghosts all_is_taken_back alice_is_called
expect "what another phone took back was gone, too" star_was_taken
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
