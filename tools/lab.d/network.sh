# The network:
#
#   phone1 .11 ─┐ 192.168.1.0/24
#               ├─── nat  203.0.113.2 ──────┐
#   phone2 .12 ─┘                           │
#                                        internet ── 198.51.100.2 border (proxy, natbox)
#   phone3 .11 ───── nat2 203.0.113.18 ─────┤
#             192.168.1.0/24                │
#   phone4 203.0.113.34 ────────────────────┘
#
# In IPv6 nothing is translated, but nat and nat2 are firewalls that forget a flow just as fast:
# phone1 2001:db8:1::11, phone2 2001:db8:1::12, phone3 2001:db8:2::11, phone4 2001:db8:0:3::2,
# border 2001:db8:0:4::2. With NAT66=yes they do translate: phone1 fd00:1::11 and so on.
#
# Hosts for more than that, when wanted: proxy 198.51.100.34, a proxy on a host of its own behind
# border, its router; border2 198.51.100.18, another border; home 198.51.100.50, a proxy of proxies.
# shellcheck shell=bash
NAT66=${NAT66:-no}

# Seconds until a NAT forgets a flow with traffic one way, and one with both. Linux counts a flow
# as the latter once packets went both ways for more than two seconds.
NAT_UNREPLIED_S=8
NAT_STREAM_S=16

# The IPv6 network of a home, without the colons at its end.
home_network() { # NAT
	local number=1
	[ "$1" = nat ] || number=2
	[ "$NAT66" = yes ] && echo fd00:$number || echo 2001:db8:$number
}

# The address a host has itself.
own_address() { # host, [4 or 6]
	case ${2:-4}$1 in
	4phone[13]) echo 192.168.1.11 ;;
	4phone2) echo 192.168.1.12 ;;
	4nat) echo 203.0.113.2 ;;
	4nat2) echo 203.0.113.18 ;;
	4phone4) echo 203.0.113.34 ;;
	4border) echo 198.51.100.2 ;;
	4border2) echo 198.51.100.18 ;;
	4proxy) echo 198.51.100.34 ;;
	4home) echo 198.51.100.50 ;;
	6phone1) echo "$(home_network nat)::11" ;;
	6phone2) echo "$(home_network nat)::12" ;;
	6phone3) echo "$(home_network nat2)::11" ;;
	6nat) echo 2001:db8:0:1::2 ;;
	6nat2) echo 2001:db8:0:2::2 ;;
	6phone4) echo 2001:db8:0:3::2 ;;
	6border) echo 2001:db8:0:4::2 ;;
	6border2) echo 2001:db8:0:5::2 ;;
	6proxy) echo 2001:db8:0:6::2 ;;
	6home) echo 2001:db8:0:7::2 ;;
	esac
}

# Who stands between a phone and the internet, and translates its addresses; else itself.
translator() { # host, 4 or 6
	case $2$NAT66$1 in
	4*phone[12] | 6yesphone[12]) echo nat ;;
	4*phone3 | 6yesphone3) echo nat2 ;;
	*) echo "$1" ;;
	esac
}

# The address of a host as others see it.
public_address() { # host, [4 or 6]
	own_address "$(translator "$1" "${2:-4}")" "${2:-4}"
}

# The router at the other end of a host's network: its first address.
gateway() { # host, 4 or 6
	local address
	address=$(own_address "$1" "$2")
	case $address in
	*:*) echo "${address%::*}::1" ;;
	*) echo "${address%.*}.$((${address##*.} / 16 * 16 + 1))" ;;
	esac
}

# Connects a host to a router, which is its way to everywhere.
uplink() { # host, [router]
	local host=$1 router=${2:-internet}
	cable "$host" wan "$router" "$host"
	on "$router" ip address add "$(gateway "$host" 4)/28" dev "$host"
	on "$router" ip address add "$(gateway "$host" 6)/64" dev "$host"
	on "$host" ip address add "$(own_address "$host" 4)/28" dev wan
	on "$host" ip address add "$(own_address "$host" 6)/64" dev wan
	at "$host" ip route add default via "$(gateway "$host" 4)"
	at "$host" ip route add default via "$(gateway "$host" 6)"
}

# How long NATs remember, from the next packet of a flow on.
nats_remember() { # seconds with traffic one way, and with both
	local host
	for host in nat nat2; do
		at $host sysctl -qw "net.netfilter.nf_conntrack_udp_timeout=$1" \
			"net.netfilter.nf_conntrack_udp_timeout_stream=$2"
	done
}

# While a scenario is set up, which a busy machine takes its time for, nothing is forgotten.
nats_remember_for_long() {
	nats_remember 600 600
}

# From now on they forget as usual. What they know already they forget as usual once a packet has
# come that way, such as a keepalive, which is waited for.
nats_forget_again() {
	nats_remember $NAT_UNREPLIED_S $NAT_STREAM_S
	eventually nats_remember_nothing_for_long
}

nats_remember_nothing_for_long() {
	local host
	for host in nat nat2; do
		at $host conntrack -L -p udp 2>/dev/null |
			awk -v most=$NAT_STREAM_S '$3 > most { long = 1 } END { exit long }' || return
	done
}

# A home router: to the outside one address; what comes from there unasked is dropped and counted.
nat_router() { # host
	local translate='meta nfproto ipv4'
	[ "$NAT66" != yes ] || translate=''
	on "$1" ip link add name lan type bridge
	on "$1" ip address add 192.168.1.1/24 dev lan
	on "$1" ip address add "$(home_network "$1")::1/64" dev lan
	on "$1" ip link set lan up
	show "$1" 'nft: masquerade; drop what comes unasked'
	at "$1" nft -f - <<-END
		table inet home {
			counter unsolicited { }
			chain input {
				type filter hook input priority filter
				iifname wan meta l4proto udp ct state new counter name unsolicited drop
			}
			chain forward {
				type filter hook forward priority filter; policy drop
				iifname lan accept
				ct state established,related accept
				counter name unsolicited
			}
			chain postrouting {
				type nat hook postrouting priority srcnat
				$translate oifname wan masquerade
			}
		}
	END
	on "$1" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=$NAT_UNREPLIED_S \
		net.netfilter.nf_conntrack_udp_timeout_stream=$NAT_STREAM_S
}

phone_behind() { # NAT, phone
	cable "$2" eth0 "$1" "$2"
	on "$1" ip link set "$2" master lan
	on "$2" ip address add "$(own_address "$2")/24" dev eth0
	on "$2" ip address add "$(own_address "$2" 6)/64" dev eth0
	at "$2" ip route add default via 192.168.1.1
	at "$2" ip route add default via "$(gateway "$2" 6)"
}

network_up() {
	local host
	for host in internet nat nat2; do
		router_add $host || return
	done
	for host in border phone1 phone2 phone3 phone4; do
		host_add $host || return
	done

	for host in nat nat2 phone4 border; do
		uplink $host
	done
	for host in nat nat2; do
		nat_router $host
		on internet ip route add "$(home_network $host)::/64" via "$(own_address $host 6)"
	done
	phone_behind nat phone1
	phone_behind nat phone2
	phone_behind nat2 phone3
}

# A host for the proxy alone, behind border.
network_add_proxy() {
	host_add proxy
	on border sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	uplink proxy border
	on internet ip route add 198.51.100.32/28 via "$(own_address border 4)"
	on internet ip route add 2001:db8:0:6::/64 via "$(own_address border 6)"
}

# Another border, or home.
network_add() { # host
	host_add "$1" && uplink "$1"
}

# What a NAT remembers about a phone's flow to the proxy; empty once forgotten. The id tells an
# entry that lived on from one that was made anew. A phone may try others, who do not answer.
nat_binding() { # NAT, phone's SIP port
	at "$1" conntrack -L -p udp --orig-port-src "$2" -o id 2>/dev/null | grep -v UNREPLIED
}

nat_binding_exists() { # NAT, phone's SIP port
	[ -n "$(nat_binding "$@")" ]
}

nat_binding_id() { # NAT, phone's SIP port
	nat_binding "$@" | sed -n 's/.* id=\([0-9]*\).*/\1/p'
}

# How many packets a NAT dropped because nobody behind it had asked for them.
nat_dropped() { # NAT
	at "$1" nft list counter inet home unsolicited | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
