#!/bin/bash
# A phone behind a NAT registers and is then silent for several of the NAT's time-outs. Nobody keeps
# its binding open, so a call for it ends at the NAT. With natbox it rings: that is the test beside.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy

phone_line phone1 alice 600 | phone_start phone1
expect "a phone registers" eventually phone_saw phone1 'SIP/2.0 200 OK'
expect "its NAT has a binding" nat_binding_exists nat 5061
expect "the NAT forgets it" eventually not nat_binding_exists nat 5061
expect "a call for it from behind another NAT fails" phone_calls_in_vain phone3 alice
expect "the INVITE got as far as the NAT" [ "$(nat_dropped nat)" -gt 0 ]
expect "the phone never rang" not phone_rang phone1
verdict
