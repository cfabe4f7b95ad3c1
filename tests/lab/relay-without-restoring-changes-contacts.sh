#!/bin/bash
# With nat.restore off the phones' 200s name other Contacts than they registered: that they get their
# own back in the relay scenarios is natbox's doing.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
relay_start -o nat.restore=no || exit 1
expect "phones at two homes register" homes_register
expect "the 200 gives alice another Contact" not contact_is_its_own phone1
expect "the 200 gives bob another Contact" not contact_is_its_own phone3
expect "it is her public address" \
	grep -aq "^Contact: <sip:alice[^@]*@$(contact_address phone1)[;>]" "$LAB_DIR/phone1.log"
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
