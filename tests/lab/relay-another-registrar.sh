#!/bin/bash
# Nothing is tuned to Kamailio: relay mode before a registrar that gives back what it gets.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with registrar_start
relay_start || exit 1

baresip_start phone1 alice 4 600
expect "a phone registers" eventually baresip_saw phone1 'SIP/2.0 200 OK'
expect "the registrar knows its public address" \
	grep -q "^Contact: <sip:alice[^@]*@$(contact_address phone1)[;>]" "$LAB_DIR/border.messages"
expect "the 200 gives the phone its own Contact back" contact_is_its_own phone1
binding=$(nat_binding_id nat 5061)
pause 20
expect "20 s later its NAT has the same binding" [ "$(nat_binding_id nat 5061)" = "$binding" ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
