#!/bin/bash
# Linphone takes its public address from the answer to its REGISTER and registers again with that. A
# registrar that compares as RFC 3261 says knows the Contact that natbox had repaired for the same.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with telling_registrar_start
relay_start || exit 1

# The second REGISTER has nothing to repair but Via.
registers_with() { # fields
	natbox_has_events 1 rewrite "\"dir\":\"in\",\"what\":\"REGISTER\",\"fields\":\[$1\]"
}

tells() { # how often at least, how many are bound
	[ "$(grep -c "^REGISTER of alice .*: $2 bound" "$LAB_DIR/proxy-border.log")" -ge "$1" ]
}

linphone_start phone1 alice
expect "Linphone registers with its private address" eventually registers_with '"contact","via"'
expect "and then with its public one" eventually registers_with '"via"'
expect "the registrar has one of it bound, and has it still" eventually tells 2 1
expect "and never two" not tells 1 2
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
