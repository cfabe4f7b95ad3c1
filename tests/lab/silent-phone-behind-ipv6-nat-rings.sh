#!/bin/bash
# NAT66: IPv6 addresses are translated too.
export NAT66=yes
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_start || exit 1

phone_line phone1 alice 600 '' '' 6 | phone_start phone1 6
expect "a phone registers" eventually phone_saw phone1 'SIP/2.0 200 OK'
binding=$(nat_binding_id nat 5061)
expect "its NAT has a binding" [ -n "$binding" ]
pause 40
expect "40 s later it is still the same binding" [ "$(nat_binding_id nat 5061)" = "$binding" ]
expect "a call for it from behind another NAT is answered, and hung up" phone_calls phone3 alice 6
expect "the phone rang" phone_rang phone1
expect "its NAT dropped nothing" [ "$(nat_dropped nat)" = 0 ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
