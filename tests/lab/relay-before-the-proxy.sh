#!/bin/bash
# Relay mode, natbox on the router in front of the proxy's host.
export PROXY_HOST=proxy
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
relay_start || exit 1
expect_calls_between_homes
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
