#!/bin/bash
# The story of no-ghosts-at-kamailio with two natboxes one after the other, on the router in front of
# the proxy's host and on the proxy's host.
export PROXY_HOST=proxy
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy -A TELL_BOUND
on_the_proxy() { # function, arguments
	NATBOX_HOST=proxy "$@"
}
{ relay_start && on_the_proxy relay_start; } || exit 1
baresip_start phone3 bob 4 600
expect_no_ghosts true alice_is_called
expect "the first natbox ran all the while, and stops cleanly" natbox_stop
expect "and so does the second" on_the_proxy natbox_stop
verdict
