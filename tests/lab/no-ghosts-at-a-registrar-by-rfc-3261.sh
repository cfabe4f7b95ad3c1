#!/bin/bash
# The story of no-ghosts-at-kamailio with a registrar that compares Contacts as RFC 3261 19.1.4 says.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with telling_registrar_start
relay_start || exit 1
expect_no_ghosts all_is_taken_back alice_answers_options
expect "what another phone took back was gone, too" star_was_taken
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
