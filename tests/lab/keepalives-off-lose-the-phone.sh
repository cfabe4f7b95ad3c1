#!/bin/bash
# natbox runs but sends nothing: the phone is lost as if it were not there.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
natbox_start -o keepalive.scope=off || exit 1

phone_line phone1 alice 600 | phone_start phone1
expect "a phone registers" eventually phone_saw phone1 'SIP/2.0 200 OK'
expect "its NAT forgets the binding" eventually not nat_binding_exists nat 5061
expect "a call for the phone fails" phone_calls_in_vain phone4 alice
expect "the phone never rang" not phone_rang phone1
expect "natbox sent nothing" [ "$(natbox_events keepalive)" = 0 ]
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
