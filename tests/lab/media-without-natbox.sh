#!/bin/bash
# A media relay alone, with the flag that natbox.8 shows: phones with private Contacts cannot call.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with media_proxy_start 'SIP-source-address'
expect "phones at two homes register" speakers_register
expect "bob's call does not reach alice" call_fails phone3 alice phone1
expect "alice's call does not reach bob" call_fails phone1 bob phone3
verdict
