#!/bin/bash
# Relay mode, natbox and the proxy on one host: phones with private Contacts, which no proxy could
# reach by itself, call each other.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
relay_start || exit 1
expect_calls_between_homes
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
