#!/bin/bash
# natbox in a container with users of its own, as LXC and rootless engines make them: root there has
# its rights over the container's network alone, and not over the host.
. "$(dirname "$0")/service.bash"

unshare --user --map-root-user --net sleep infinity &
container=$!
contained=(nsenter --target "$container" --user --net)
is_made() { ! [ "/proc/$container/ns/net" -ef /proc/self/ns/net ]; }
diverts() { "${contained[@]}" nft list set inet natbox alive4 2>/dev/null | grep -q expires; }
asks() { "${contained[@]}" timeout 60 build/peer ask $client:6000 $proxy 300 "$@" >/dev/null; }
answers() { asks 1 2>/dev/null; }

eventually is_made && "${contained[@]}" ip link set lo up || exit 1
for address in ${proxy%:*} $client; do
	"${contained[@]}" ip addr add "$address/32" dev lo || exit 1
done
"${contained[@]}" build/peer echo $proxy >"$work/heard" &
eventually answers || exit 1
for mode in relay queue; do
	[ "$("${contained[@]}" "$natbox" "${common[@]}" -t -t -o natbox.mode=$mode | tail -n 1)" = \
		"this host: ok" ]
	say $? "it finds what it needs there for mode $mode"
	new_log
	"${contained[@]}" "$natbox" "${common[@]}" -o natbox.mode=$mode 2>"$work/log" &
	pid=$!
	eventually logged ready && eventually diverts &&
		asks 100 1
	say $? "and serves a proxy there"
	kill -USR1 $pid && eventually logged "200 packets"
	say $? "each message passes through it"
	stop
	say $? "it stops cleanly"
done
exit 0
