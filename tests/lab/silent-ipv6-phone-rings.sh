#!/bin/bash
# Over IPv6 no address is translated, but the firewall of phone3's home forgets flows like any NAT.
# baresip's Contact is right by itself there, so this is a phone as it comes out of its package.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_start -o keepalive.scope=all || exit 1

baresip_start phone3 carol 6 600
expect "baresip registers" eventually baresip_saw phone3 'SIP/2.0 200 OK'
binding=$(nat_binding_id nat2 5063)
expect "its firewall knows the flow" [ -n "$binding" ]
pause 40
expect "40 s later it is still the same flow" [ "$(nat_binding_id nat2 5063)" = "$binding" ]
expect "a call for baresip is answered, and hung up" phone_calls phone4 carol 6
expect "baresip rang" baresip_saw phone3 'INVITE sip:'
expect "its firewall dropped nothing" [ "$(nat_dropped nat2)" = 0 ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
