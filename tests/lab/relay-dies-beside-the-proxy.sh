#!/bin/bash
# natbox is killed, and hangs, on the proxy's own host.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_control
expect_sip_to_flow_around_natbox
verdict
