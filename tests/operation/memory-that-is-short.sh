#!/bin/bash
# Memory is short of something else at each limit: what the start fails of may pass.
. "$(dirname "$0")/service.bash"

# Rules of somebody else that take some megabytes to list.
{
	echo "table inet other { set many { type ipv4_addr; elements = {"
	for ((i = 0; i < 20000; i++)); do echo "10.9.$((i >> 8)).$((i & 255)),"; done
	echo "}; }; }"
} >"$work/many"
inside nft -f "$work/many"

# Each limit has it fail somewhere else.
fails_at_every_limit() { # further arguments
	local limit status told=
	for ((limit = 2000000; limit < 60000000; limit = limit * 5 / 4)); do
		: >"$work/log"
		ip netns exec "$namespace" prlimit --data=$limit "$natbox" "${common[@]}" -o limits.endpoints=100 \
			-o limits.transactions=100 "$@" >/dev/null 2>"$work/log" &
		pid=$!
		eventually ready_or_ended || return
		if is_running; then
			stop || return
			continue
		fi
		ended
		status=$?
		told+=" $status"
		[ $status = 1 ] || { echo "# $limit: status $status"; return 1; }
	done
	echo "# statuses:$told"
	[ -n "$told" ]
}

ready_or_ended() {
	logged ready || has_ended
}

fails_at_every_limit -o "natbox.proxy=$(printf '203.0.113.%d:5060,' {1..99})203.0.113.100:5060"
say $? "whatever memory is short of at the start, sniffing, it is tried again"
fails_at_every_limit "${relay[@]}"
say $? "and relaying"
exit 0
