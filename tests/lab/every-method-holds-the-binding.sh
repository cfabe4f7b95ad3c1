#!/bin/bash
# Each keepalive method in turn, for longer than the NAT remembers.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy

for method in OPTIONS CRLF ZERO; do
	natbox_start -o keepalive.method=$method || exit 1
	phone_line phone1 alice 600 | phone_start phone1
	expect "$method: a phone registers" eventually phone_saw phone1 'SIP/2.0 200 OK'
	binding=$(nat_binding_id nat 5061)
	expect "$method: its NAT has a binding" [ -n "$binding" ]
	pause 20
	expect "$method: 20 s later its NAT has the same binding" \
		[ "$(nat_binding_id nat 5061)" = "$binding" ]
	expect "$method: natbox stops cleanly" natbox_stop
	stop phone1
	show nat 'conntrack -F'
	at nat conntrack -F 2>/dev/null
done
verdict
