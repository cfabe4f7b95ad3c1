#!/bin/bash
# The story of no-ghosts-of-a-phone-that-learns-its-address-at-kamailio with a registrar that compares
# Contacts as RFC 3261 19.1.4 says: to it, what is taken back is equal to what takes its place.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with telling_registrar_start
relay_start || exit 1
expect_none_of_a_phone_that_learns
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
