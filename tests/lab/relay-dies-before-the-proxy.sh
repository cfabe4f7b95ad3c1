#!/bin/bash
# natbox is killed, and hangs, on the router in front of the proxy's host.
export PROXY_HOST=proxy
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_control
expect_sip_to_flow_around_natbox
verdict
