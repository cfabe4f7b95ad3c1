#!/bin/bash
# Relay mode over IPv6, with NATs that translate that too.
export NAT66=yes
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
relay_start || exit 1
expect_calls_between_homes 6
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
