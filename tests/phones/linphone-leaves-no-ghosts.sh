#!/bin/bash
# Linphone behind a NAT that gives it another port, at a registrar that compares Contacts byte by byte:
# it learns each of its places, is bound once, and not at all when it has left.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with telling_registrar_start -b
relay_start || exit 1
expect_none_of_linphone
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
