# Packets as few send them, and paths between phones, border and proxies other than plain Ethernet: what
# the tests of the modes relay and queue ask of both, with natbox itself and the network of border.bash.
# shellcheck shell=bash disable=SC2034,SC2086,SC2119,SC2120,SC2154 # shared with the caller

near_proxies="$near, $near6, 10.9.5.1:5060, [fd09:5::1]:5060"
far_proxies="$far, $far6, 10.9.4.2:5060, [fd09:4::2]:5060"
sent=0 # REGISTERs, each of which is to be repaired on its way there and restored on its way back

start_natbox() {
	: >"$dir/log"
	sent=0
	start border "${natbox[@]}" -o natbox.proxy="$near_proxies, $far_proxies" -o keepalive.scope=off \
		2>>"$dir/log"
	natbox_pid=$!
	eventually says_ready
}

# That a message is there does not say yet that its echo is back.
ends_having_repaired_all() {
	local status
	phone build/peer ask $caller $near 0 >/dev/null
	phone build/peer ask "$caller6" "$far6" 0 >/dev/null
	kill "$natbox_pid"
	wait "$natbox_pid" 2>/dev/null
	grep -q " $((2 * sent)) SIP, 0 malformed, $((2 * sent)) rewritten;" "$dir/log"
	status=$?
	sed -n '$s/^/# /p' "$dir/log"
	return $status
}

send_register() { # bytes, caller, proxy, options of peer's forge
	write_register "$1" | phone build/peer forge "${@:4}" "$2" "$3" - && sent=$((sent + 1))
}

hears() { # how many datagrams that are longer than that
	[ "$(awk -v least="$2" '$2 > least' "$dir/heard" | wc -l)" -eq "$1" ]
}

# To both proxies: short, above the MTU once it is repaired, and above it from the beginning.
arrive_at_both() { # caller, near, far, bytes that grow above the MTU, options
	local bytes before=$sent
	: >"$dir/heard"
	for bytes in 600 "$4" 3000; do
		send_register "$bytes" "$1" "$2" "${@:5}" && send_register "$bytes" "$1" "$3" "${@:5}" || return
	done
	eventually hears $((sent - before)) 620
}

come_in_odd_packets() {
	arrive_at_both $caller $near $far 1440 -o
	ok $? "messages in packets with IPv4 options are repaired and arrive, grown above the MTU or not"
	: >"$dir/heard"
	send_register 600 "$caller6" "$near6" -x && send_register 600 "$caller6" "$far6" -x &&
		send_register 1420 "$caller6" "$near6" -x && send_register 1420 "$caller6" "$far6" -x &&
		eventually hears 4 620
	ok $? "and in packets with IPv6 extension headers"
	# Linux loses such fragments where they are for this host, once netfilter has put them together.
	if ! relaying; then
		send_register 3000 "$caller6" "$far6" -x && eventually hears 1 3000
		ok $? "and in fragments, to a proxy behind this host"
	fi
	arrive_at_both $caller $near $far 1440 -z
	ok $? "and in packets without a UDP checksum"
	: >"$dir/heard"
	send_register 600 $caller $near -p 37 && send_register 600 $caller $far -p 37 &&
		send_register 600 "$caller6" "$near6" -p 37 && send_register 600 "$caller6" "$far6" -p 37 &&
		eventually hears 4 620 && hears 0 660
	ok $? "and in packets that go on behind the end of their datagram"
}

has_come_as_one() { # IP or IP6
	grep -q " $1 " "$dir/coalesced"
}

# Again until they have: where the phone or the kernel waits for a processor in between, they come
# one by one.
send_until_coalesced() { # IP or IP6, from, to
	local tries
	for tries in {1..50}; do
		phone build/peer ask -m 0 "$2" "$3" 500 8 >/dev/null
		sent=$((sent + 8))
		eventually hears $sent 499 || return
		! has_come_as_one "$1" || return 0
	done
	echo "# $tries times one by one"
	return 1
}

# The kernel holds what comes back for a third of a second, and makes one packet of it.
come_coalesced() {
	local tcpdump sent=0 path=/sys/class/net/out0
	border ethtool -k out0 | grep -q '^rx-udp-gro-forwarding: off'
	ok $? "that the kernel makes one packet of several datagrams has to be asked for"
	border ethtool -K out0 gro on rx-udp-gro-forwarding on
	border sh -c "echo 300000000 >$path/gro_flush_timeout && echo 1 >$path/napi_defer_hard_irqs"
	: >"$dir/tcpdump"
	start border timeout 600 tcpdump -nl -Q in -i out0 'udp and greater 1600' \
		>"$dir/coalesced" 2>"$dir/tcpdump"
	tcpdump=$!
	eventually grep -q listening "$dir/tcpdump"
	: >"$dir/heard"
	send_until_coalesced IP $caller $far && send_until_coalesced IP6 "$caller6" "$far6" && hears 0 500
	ok $? "then it goes on datagram by datagram"
	kill $tcpdump
	border sh -c "echo 0 >$path/gro_flush_timeout && echo 0 >$path/napi_defer_hard_irqs"
	border ethtool -K out0 gro off rx-udp-gro-forwarding off
}

watch_checksums() { # host
	start "$1" timeout 600 tcpdump -lnvv -Q in -i up0 "udp and not port 4789" >"$dir/sums-$1" 2>"$dir/tcpdump-$1"
	watchers+=($!)
	eventually grep -q listening "$dir/tcpdump-$1"
}

has_good_checksums() { # host, how many at least
	[ "$(grep -c 'udp sum ok' "$dir/sums-$1")" -ge "$2" ] && ! grep -q 'bad udp cksum' "$dir/sums-$1"
}

# A proxy on this host leaves them to the network card, which veth only pretends to have.
leave_with_checksums() {
	watchers=()
	: >"$dir/tcpdump-phone" >"$dir/tcpdump-proxy"
	border ethtool -k out0 | grep -q '^tx-checksumming: on'
	ok $? "checksums are left to the network card"
	watch_checksums phone
	watch_checksums proxy
	phone build/peer ask $caller $near 100 4 >/dev/null
	phone build/peer ask "$caller6" "$near6" 100 4 >/dev/null
	arrive_at_both $caller $near $far 1400 && arrive_at_both "$caller6" "$near6" "$far6" 1380 &&
		eventually has_good_checksums phone 14 && eventually has_good_checksums proxy 3
	ok $? "no packet leaves with a wrong checksum, repaired or not"
	kill "${watchers[@]}"
	wait "${watchers[@]}" 2>/dev/null
}

plug_tunnel() { # host, its address, the border's towards it, number
	ip -n "$id-$1" link add vx0 type vxlan id "$4" local "$2" remote "$3" dstport 4789 dev up0
	ip -n "$id-border" link add "vx$4" type vxlan id "$4" local "$3" remote "$2" dstport 4789
	plug "$1" vx0 "10.9.$4.2/24" "fd09:$4::2/64"
	plug border "vx$4" "10.9.$4.1/24" "fd09:$4::1/64"
}

# Phone and proxy have another network each, whose packets come and leave in those of the first.
build_tunnels() {
	local address
	plug_tunnel proxy 10.9.2.2 10.9.2.1 4
	plug_tunnel phone 10.9.1.2 10.9.1.1 5
	ip -n "$id-phone" route add 10.9.4.0/24 via 10.9.5.1
	ip -n "$id-phone" route add fd09:4::/64 via fd09:5::1
	ip -n "$id-proxy" route add 10.9.5.0/24 via 10.9.4.1
	ip -n "$id-proxy" route add fd09:5::/64 via fd09:4::1
	for address in 10.9.5.1:5060 "[fd09:5::1]:5060"; do start_echo border "$address" >>"$dir/heard"; done
	for address in 10.9.4.2:5060 "[fd09:4::2]:5060"; do start_echo proxy "$address" >>"$dir/heard"; done
}

tear_tunnels_down() {
	ip -n "$id-phone" link del vx0
	ip -n "$id-proxy" link del vx0
	border ip link del vx4
	border ip link del vx5
}

come_through_tunnels() {
	arrive_at_both 10.9.5.2:5070 10.9.5.1:5060 10.9.4.2:5060 1400 &&
		arrive_at_both "[fd09:5::2]:5070" "[fd09:5::1]:5060" "[fd09:4::2]:5060" 1380
	ok $? "through a tunnel to the phone and another to the proxy all arrive"
}

meet_another_mtu() {
	border ip link set in0 mtu 1300
	proxy ip link set up0 mtu 1300
	: >"$dir/heard"
	send_register 1240 $caller $far && send_register 1230 "$caller6" "$far6" && eventually hears 2 1270
	ok $? "where the MTU is another than before, messages that grow above it arrive"
	border ip link set in0 mtu 1500
	proxy ip link set up0 mtu 1280
	: >"$dir/heard"
	send_register 3000 "$caller6" "$far6" && eventually hears 1 3000
	ok $? "what is above the MTU over IPv6 leaves in fragments that every path takes"
	if ! relaying; then
		: >"$dir/heard"
		send_register 1200 "$caller6" "$far6" && send_register 1420 "$caller6" "$far6" &&
			eventually hears 2 1240
		ok $? "and so does what has grown to more than those, though the interface takes it"
	fi
	proxy ip link set up0 mtu 1500
	phone ip route flush cache
	phone ip -6 route flush cache
}

move_to_bridge() { # interface, bridge, addresses
	border ip link add "$2" type bridge
	border ip addr flush dev "$1"
	border ip link set "$1" master "$2"
	plug border "$2" "$3" "$4"
}

# An interface that comes up anew gets back its link-local address, without which the kernel asks for no
# IPv6 neighbour of whom it forwards to.
move_back() { # interface, bridge, addresses
	border ip link del "$2"
	border ip link set "$1" down
	plug border "$1" "$3" "$4"
}

forget_neighbours() {
	border ip -6 neigh flush dev out0
	border ip -6 neigh flush dev in0
	border ip neigh flush dev out0
	border ip neigh flush dev in0
}

answer_again() {
	eventually phone build/peer ask -m 1000 $caller $near 0 >/dev/null &&
		eventually phone build/peer ask -m 1000 $caller $far 0 >/dev/null &&
		eventually phone build/peer ask -m 1000 "$caller6" "$near6" 0 >/dev/null &&
		eventually phone build/peer ask -m 1000 "$caller6" "$far6" 0 >/dev/null
}

move_back_from_bridges() {
	move_back out0 bridge1 10.9.1.1/24 fd09:1::1/64
	move_back in0 bridge2 10.9.2.1/24 fd09:2::1/64
	border ip route replace default via 10.9.1.2
	border ip -6 route replace default via fd09:1::2
	forget_neighbours
}

# As where containers are: the hooks see what comes in at a bridge while it is still in there.
come_over_bridges() {
	move_to_bridge out0 bridge1 10.9.1.1/24 fd09:1::1/64
	move_to_bridge in0 bridge2 10.9.2.1/24 fd09:2::1/64
	border sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
	answer_again && arrive_at_both $caller $near $far 1440 &&
		arrive_at_both "$caller6" "$near6" "$far6" 1420
	ok $? "over bridges that netfilter looks into all arrive"
	move_back_from_bridges
	answer_again
	ok $? "and without them again, with neighbours that have to be found anew"
}

says_what_a_bridge_loses() {
	reaches $caller $far 100 500
	grep -q "lost on this host.*0x6062.*; ip link set bridge1 type bridge nf_call_iptables 0" "$dir/log"
}

# Not known to lead to phones before there are some.
names_a_bridge_that_loses() {
	border ip route replace default via 10.9.2.2
	border ip link set bridge1 type bridge nf_call_iptables 1
	start_natbox
	eventually says_what_a_bridge_loses
	ok $? "a bridge towards phones that is not the default route is named once what comes there is lost"
	kill "$natbox_pid"
	wait "$natbox_pid" 2>/dev/null
	border ip link set bridge1 type bridge nf_call_iptables 0
	border ip route replace default via 10.9.1.2
}

# Relay mode cannot: prerouting is over before such a packet has come up to this host.
refuses_bridges() {
	move_to_bridge out0 bridge1 10.9.1.1/24 fd09:1::1/64
	move_to_bridge in0 bridge2 10.9.2.1/24 fd09:2::1/64
	border ip route replace default via 10.9.1.2
	border sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
	refused=("$relay_program" "$near")
	refuses "a bridge towards phones that netfilter looks into" \
		"bridge1.*sysctl -w net.bridge.bridge-nf-call-iptables=0"
	refused=("$relay_program" "$far6")
	refuses "and one towards a proxy" "bridge2.*sysctl -w net.bridge.bridge-nf-call-ip6tables=0"
	border sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
	border ip link set bridge2 type bridge nf_call_ip6tables 1
	refuses "also by its own setting" "ip link set bridge2 type bridge nf_call_ip6tables 0"
	border ip link set bridge2 type bridge nf_call_ip6tables 0
	names_a_bridge_that_loses
	start_relay && answer_again && is_relayed $caller $far 500 && is_relayed "$caller6" "$far6" 500
	ok $? "over bridges that it does not look into all is relayed"
	stop_relay
	border sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
	move_back_from_bridges
}

is_answered_by() { # caller, whom it asks
	local answer
	answer=$(phone build/peer ask "$1" "$2" 100) && [ "${answer% * *}" = "$2 100" ]
}

# A proxy behind this host and one on it are reached at ports of this host, and the first sees its
# phones with the border's address.
come_through_translation() {
	border nft -f - <<-'RULES'
		table inet translation {
			chain arriving {
				type nat hook prerouting priority dstnat;
				udp dport 5062 dnat ip to 10.9.2.2:5060
				udp dport 5062 dnat ip6 to [fd09:2::2]:5060
				udp dport 5064 redirect to :5060
			}
			chain leaving {
				type nat hook postrouting priority srcnat;
				oif "in0" udp dport 5060 masquerade
			}
		}
	RULES
	arrive_at_both 10.9.1.2:5072 10.9.1.1:5064 10.9.1.1:5062 1440
	ok $? "messages to ports that are translated to those of the proxies are repaired and arrive"
	: >"$dir/heard"
	send_register 600 "[fd09:1::2]:5072" "[fd09:1::1]:5062" &&
		send_register 600 "[fd09:1::2]:5072" "[fd09:1::1]:5064" && eventually hears 2 620
	ok $? "and over IPv6"
	is_answered_by 10.9.1.2:5072 10.9.1.1:5062 && is_answered_by 10.9.1.2:5072 10.9.1.1:5064 &&
		is_answered_by "[fd09:1::2]:5072" "[fd09:1::1]:5062" &&
		is_answered_by "[fd09:1::2]:5072" "[fd09:1::1]:5064"
	ok $? "and the answers come from there"
	border nft delete table inet translation
}

comes_by_odd_ways() {
	build_tunnels
	start_natbox
	come_in_odd_packets
	come_coalesced
	leave_with_checksums
	come_through_tunnels
	meet_another_mtu
	relaying || come_over_bridges
	relaying || come_through_translation
	ends_having_repaired_all
	ok $? "each was repaired once on its way there and restored once on its way back"
	tear_tunnels_down
}
