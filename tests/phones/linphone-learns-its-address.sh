#!/bin/bash
# The story of linphone-leaves-no-ghosts at a registrar that compares Contacts as RFC 3261 says, to which
# the Contact that natbox had repaired and the one that Linphone has learnt are the same.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with telling_registrar_start
relay_start || exit 1
expect_none_of_linphone
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
