#!/bin/bash
# The story of silent-phone-without-natbox, with natbox beside the proxy: its keepalives hold the
# binding open, and the phone rings.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_start || exit 1

phone_line phone1 alice 600 | phone_start phone1
expect "a phone registers" eventually phone_saw phone1 'SIP/2.0 200 OK'
binding=$(nat_binding_id nat 5061)
expect "its NAT has a binding" [ -n "$binding" ]
pause 40
expect "40 s later it is still the same binding" [ "$(nat_binding_id nat 5061)" = "$binding" ]
expect "a call for it from behind another NAT is answered, and hung up" phone_calls phone3 alice
expect "the phone rang" phone_rang phone1
expect "its NAT dropped nothing" [ "$(nat_dropped nat)" = 0 ]
expect "natbox saw it answer the keepalives" eventually natbox_has_events 5 reply '"status":200'
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
