# A border host that is not natbox's alone: what others have there that sees the same packets, set up as
# they do. Asked of the modes relay and queue, with the network of border.bash.
# shellcheck shell=bash disable=SC2034,SC2086,SC2119,SC2120,SC2154 # shared with the caller

is_relayed_everywhere() {
	local before
	reaches_all is_relayed || return
	before=$(counter sent)
	border build/peer ask 10.9.1.1:5080 $near 100 >/dev/null && counter_is sent $((before + 2))
}

# As on hosts with several uplinks: the mark of a flow comes back with each of its packets, where
# addresses are translated, too; and SIP has one of its own for routing and queues.
goes_on_beside_marks() {
	border nft -f - <<-'RULES'
		table inet marks {
			chain arriving {
				type filter hook prerouting priority mangle;
				meta mark set ct mark
			}
			chain sent {
				type route hook output priority mangle;
				meta mark set ct mark
			}
			chain leaving {
				type nat hook postrouting priority srcnat;
				oifname "uplink" masquerade
			}
		}
	RULES
	start_relay && is_relayed_everywhere
	ok $? "where others give flows their marks all is relayed once"
	stop_relay
	border nft -f - <<-'RULES'
		flush table inet marks
		add rule inet marks arriving meta l4proto udp meta mark set 0x1000
		add rule inet marks sent meta l4proto udp meta mark set 0x1000
		add chain inet marks shaped { type filter hook postrouting priority mangle; }
		add rule inet marks shaped meta l4proto udp meta mark set 0x1001
	RULES
	start_relay && is_relayed_everywhere
	ok $? "where others give SIP a mark, too"
	stop_relay
	border nft -f - <<-'RULES'
		flush table inet marks
		add rule inet marks shaped meta l4proto udp meta priority set 1:10
	RULES
	start_relay && is_relayed_everywhere
	ok $? "where others give packets a class all is relayed"
	stop_relay
	border nft delete table inet marks
}

# As firewalld has it of IPv6, and others of both: a packet whose mark leads its source elsewhere is
# not let in.
goes_on_beside_reverse_paths() {
	border nft -f - <<-'RULES'
		table inet reverse {
			chain arriving {
				type filter hook prerouting priority filter + 10;
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
				fib saddr . mark . iif oif missing drop
			}
		}
	RULES
	start_relay && is_relayed_everywhere
	ok $? "where a firewall looks by the mark which way a source is all is relayed"
	stop_relay
	border nft delete table inet reverse
}

# As with several uplinks: routing rules before all that most hosts have.
goes_on_beside_uplinks() {
	local family priority
	border ip route add default via 10.9.1.2 table 101
	border ip -6 route add default via fd09:1::2 table 101
	border ip rule add priority 10 from 10.9.1.1 lookup 101
	border ip -6 rule add priority 10 from fd09:1::1 lookup 101
	for family in -4 -6; do
		border ip $family rule add priority 11 iif in0 lookup 101
		border ip $family rule add priority 12 iif out0 lookup main
	done
	start_relay && reaches_all is_relayed
	ok $? "where others route by source and interface all is relayed"
	stop_relay
	for family in -4 -6; do
		for priority in 10 11 12; do border ip $family rule del priority $priority; done
		border ip $family route flush table 101
	done
}

# As of carriers: the proxies' network is a routing domain of its own, whose packets are seen at the port
# where they come in, and once more at the domain.
goes_on_beside_domains() {
	if ! border ip link add core type vrf table 102 2>/dev/null; then
		echo "# this kernel has no VRF"
		return
	fi
	border ip link set in0 master core
	border ip link set core up
	border ip addr add fd09:2::1/64 dev in0 nodad
	border ip route add 10.9.2.0/24 dev core
	border ip -6 route add fd09:2::/64 dev core
	border ip route add 10.9.1.0/24 dev out0 table 102
	border ip -6 route add fd09:1::/64 dev out0 table 102
	start_relay && eventually reaches "$caller6" "$far6" 100 1000 && reaches_all is_relayed
	ok $? "where the proxies are in a routing domain of their own all is relayed once"
	stop_relay
	if relaying; then
		asked=10.9.2.1:5060 warns "its own address 10.9.2.1:5060, as in a routing domain.*natbox.mode to queue"
		ok $? "of a proxy on this host that is in one natbox says that relay mode does not reach it"
	fi
	border ip link del core
	border ip rule del priority 1000 # the kernel's, for all domains, which stays
	border ip -6 rule del priority 1000
	border ip addr add fd09:2::1/64 dev in0 nodad
}

warns() { # words of the one warning; none: there is none
	border "${natbox[@]}" -o natbox.proxy="${asked:-$near, $far, $near6, $far6}" -t -t >/dev/null 2>"$dir/warnings"
	sed 's/^/# /' "$dir/warnings"
	[ "$(grep -c warning "$dir/warnings")" -eq $# ] && { [ $# -eq 0 ] || grep -q -- "$1" "$dir/warnings"; }
}

warns_where_nothing_is_forwarded() {
	warns
	ok $? "of a host that forwards there is nothing to say"
	border sysctl -qw net.ipv4.ip_forward=0
	warns "$far, gets nothing.*sysctl -w net.ipv4.ip_forward=1"
	ok $? "where a host does not forward, that and what to do is said"
	border sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=0
	warns "${far6#\[}, gets nothing.*sysctl -w net.ipv6.conf.all.forwarding=1"
	ok $? "and of IPv6"
	border sysctl -qw net.ipv6.conf.all.forwarding=1
}

# As where it is in a routing domain: the routes of others have it.
warns_where_no_route_leads_to_a_proxy_here() {
	local address
	plug border in0 10.9.3.1/32 fd09:3::1/128
	for address in 10.9.3.1 fd09:3::1; do
		asked=$address
		warns
		ok $? "of proxy $address on this host there is nothing to say"
		border ip route del local $address table local
		if relaying; then warns "its own address .*$address.*set natbox.mode to queue"; else warns; fi
		ok $? "where no route leads there, mode relay says that and what to do"
	done
	asked=
	border ip addr del 10.9.3.1/32 dev in0
	border ip addr del fd09:3::1/128 dev in0
}

says_where_to_look() {
	grep -q "not sent.*.ip route get. tells why" "$dir/log"
}

# Of mode relay: what it sends on has a route of this host's. Queued packets go on by themselves.
says_what_has_no_route() {
	local kind
	for kind in blackhole prohibit unreachable; do
		: >"$dir/log"
		start border "${natbox[@]}" 2>>"$dir/log"
		natbox_pid=$!
		eventually says_ready
		border ip route add $kind ${far%:*}
		! phone build/peer ask -m 100 $caller $far 100 && eventually says_where_to_look
		ok $? "of a route that is $kind it is said where to look"
		border ip route del $kind ${far%:*}
		kill "$natbox_pid"
		wait "$natbox_pid" 2>/dev/null
	done
}

says_what_is_lost() { # to, from
	grep -q "on its way $1 a proxy is lost.*what bears the mark" "$dir/log"
}

# Asks again and again, as phones do, until that has been said.
says_while_asked() { # to, from
	phone build/peer ask -m 300 $caller $far 100 >/dev/null
	says_what_is_lost "$1"
}

# Of mode relay: what is diverted has to pass the firewall's input.
says_what_a_firewall_drops() {
	: >"$dir/log"
	start border "${natbox[@]}" 2>>"$dir/log"
	natbox_pid=$!
	eventually says_ready
	phone build/peer ask -m 10000 $caller $far 100
	border nft add table inet firewall
	border nft add chain inet firewall input '{ type filter hook input priority 0; policy drop; }'
	border nft add rule inet firewall input udp dport ${far##*:} accept
	eventually says_while_asked from && ! says_what_is_lost to
	ok $? "of a firewall that lets in what is for the proxy alone it is said that the rest is lost"
	border nft flush chain inet firewall input
	eventually says_while_asked to
	ok $? "of one that lets in nothing that is said, too"
	border nft delete table inet firewall
	phone build/peer ask -m 10000 $caller $far 100 && [ "$(grep -c "is lost" "$dir/log")" -eq 2 ]
	ok $? "once each, and nothing when it has gone"
	kill "$natbox_pid"
	wait "$natbox_pid" 2>/dev/null
}

goes_on_beside_others() {
	warns_where_nothing_is_forwarded
	warns_where_no_route_leads_to_a_proxy_here
	goes_on_beside_marks
	goes_on_beside_reverse_paths
	goes_on_beside_uplinks
	goes_on_beside_domains
	! relaying || says_what_has_no_route
	! relaying || says_what_a_firewall_drops
}
