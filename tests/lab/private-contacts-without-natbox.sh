#!/bin/bash
# The phones of the relay scenarios without natbox: their Contacts lead nowhere from the beginning.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
expect "phones at two homes register" homes_register
expect "bob's call does not reach alice" call_fails phone3 alice phone1
expect "alice's call does not reach bob" call_fails phone1 bob phone3
verdict
