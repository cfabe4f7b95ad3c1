#!/bin/bash
# What does not go away by itself is status 2, what may is status 1.
. "$(dirname "$0")/service.bash"

echo "# what does not go away by itself is status 2"
ends_with 2 "no user nobody-such" -- -o natbox.user=nobody-such
say $? "a user that there is not"
ends_with 2 "no such interface" "${booted[@]}" -- -i nowhere0
say $? "an interface that there is not"
ends_with 1 "no such interface" "${booting[@]}" -- -i nowhere0
say $? "but while the host boots it may be still to come"
ends_with 2 "no such address" "${booted[@]}" -- -o metrics.listen=192.0.2.9:9560
say $? "an address for metrics that the host has not"
ends_with 1 "no such address" "${booting[@]}" -- -o metrics.listen=192.0.2.9:9560
say $? "but while the host boots that may be still to come"
ends_with 2 "cannot open log" -- -l "$work/nowhere/log"
say $? "a directory of the log that there is not"
ends_with 2 "cannot open event stream" -- -o log.events="$work/nowhere/events"
say $? "one of the event stream"
mkdir "$work/read-only"
# shellcheck disable=SC2016 # the shell that it starts expands it
read_only=(unshare --mount sh -c 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"' "$work/read-only")
ends_with 2 "log.*Read-only" "${read_only[@]}" -- -l "$work/read-only/log" &&
	ends_with 2 "stream.*Read-only" "${read_only[@]}" -- -o log.events="$work/read-only/events"
say $? "one where nobody may write"
inside ip rule add priority 800 fwmark 0x6e62 lookup 100
ends_with 2 "relay.mark" -- "${relay[@]}"
say $? "a mark that a routing rule uses"
inside ip rule del priority 800
inside nft 'add table inet other; add chain inet other input { type filter hook input priority 0; };
	add rule inet other input meta mark set 0x6e63'
ends_with 2 "relay.own-mark" -- "${relay[@]}"
say $? "a mark that an nftables rule sets"
inside nft delete table inet other
inside ip route add 198.51.100.0/24 dev lo table 5060
ends_with 2 "relay.table" -- "${relay[@]}"
say $? "a routing table that somebody uses"
inside ip route flush table 5060
inside ip addr flush dev lo scope global
ends_with 2 "no address but loopback" "${booted[@]}" -- "${relay[@]}" -o 'natbox.proxy=*:5060'
say $? "a host that has no address that a proxy could have, in relay mode"
ends_with 1 "no address but loopback" "${booting[@]}" -- "${relay[@]}" -o 'natbox.proxy=*:5060'
say $? "but while the host boots it may be still to come"
inside ip addr add ${proxy%:*}/32 dev lo && inside ip addr add $client/32 dev lo
for mode in sniff relay; do
	ends_with 2 "CAP_NET_RAW" setpriv --bounding-set=-net_admin,-net_raw \
		--inh-caps=-net_admin,-net_raw -- -o natbox.mode=$mode
	say $? "no privilege, in mode $mode"
done


echo "# what may, is status 1"
mkdir "$work/full"
# shellcheck disable=SC2016 # the shell that it starts expands it
full=(unshare --mount sh -c 'mount -t tmpfs -o nr_inodes=1 tmpfs "$0" && exec "$@"' "$work/full")
ends_with 1 "log.*No space left on device; " "${full[@]}" -- -l "$work/full/log" &&
	ends_with 1 "stream.*No space left on device; " "${full[@]}" -- -o log.events="$work/full/events" &&
	ends_with 1 "control.*No space left on device; " "${full[@]}" -- -o control.socket="$work/full/socket"
say $? "a disk without room for the log, the event stream or the control socket"
inside ip link add lan type veth peer name far
ends_with 1 "it is down" -- -i lan
say $? "an interface that is down"
inside ip link set lan up && start -i lan -l "$work/log" && inside ip link del lan && eventually logged "it is gone"
say $? "one that goes away is waited for"
mv "$work/log" "$work/log.1" && kill -USR1 "$pid" && kill -HUP "$pid" && eventually [ -e "$work/log" ] && is_running
say $? "also where the log is rotated meanwhile"
cat "$work/log.1" >>"$work/log"
is_running && inside ip link add lan type veth peer name far && eventually has_ended
say $? "until it is there again"
ended
[ $? = 1 ] && logged "cannot capture on lan any more"
say $? "then natbox ends, to be started anew"
inside ip link set lan up && start -i lan && inside ip link del lan && eventually logged "it is gone"
stop
[ $? = 1 ]
say $? "or until it is told to stop"
exit 0
