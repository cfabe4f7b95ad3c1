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
# border 2001:db8:0:4::2.
# shellcheck shell=bash

# Seconds until a NAT forgets a flow with traffic one way, and one with both. Linux counts a flow
# as the latter once packets went both ways for more than two seconds.
NAT_UNREPLIED_S=8
NAT_STREAM_S=16

# The address of a host as the border sees it.
public_address() { # host, [4 or 6]
	case ${2:-4}$1 in
	4phone[12]) echo 203.0.113.2 ;;
	4phone3) echo 203.0.113.18 ;;
	4phone4) echo 203.0.113.34 ;;
	4border) echo 198.51.100.2 ;;
	6phone1) echo 2001:db8:1::11 ;;
	6phone2) echo 2001:db8:1::12 ;;
	6phone3) echo 2001:db8:2::11 ;;
	6phone4) echo 2001:db8:0:3::2 ;;
	6border) echo 2001:db8:0:4::2 ;;
	esac
}

# The address a host has itself.
own_address() { # host, [4 or 6]
	case ${2:-4}$1 in
	4phone[13]) echo 192.168.1.11 ;;
	4phone2) echo 192.168.1.12 ;;
	*) public_address "$@" ;;
	esac
}

# Connects a host to the internet, which is its way to everywhere.
uplink() { # host, its address, the internet's, the same in IPv6
	cable "$1" wan internet "$1"
	on internet ip address add "$3/28" dev "$1"
	on internet ip address add "$5/64" dev "$1"
	on "$1" ip address add "$2/28" dev wan
	on "$1" ip address add "$4/64" dev wan
	at "$1" ip route add default via "$3"
	at "$1" ip route add default via "$5"
}

# A home router: to the outside one address; what comes from there unasked is dropped and counted.
nat_router() { # host, network of its phones in IPv6
	on "$1" ip link add name lan type bridge
	on "$1" ip address add 192.168.1.1/24 dev lan
	on "$1" ip address add "$2::1/64" dev lan
	on "$1" ip link set lan up
	show "$1" 'nft: masquerade; drop what comes unasked'
	at "$1" nft -f - <<-'END'
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
				meta nfproto ipv4 oifname wan masquerade
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
	at "$2" ip route add default via "$(public_address "$2" 6 | sed 's/::.*/::1/')"
}

network_up() {
	local host
	for host in internet nat nat2; do
		router_add $host || return
	done
	for host in border phone1 phone2 phone3 phone4; do
		host_add $host || return
	done

	uplink nat 203.0.113.2 203.0.113.1 2001:db8:0:1::2 2001:db8:0:1::1
	uplink nat2 203.0.113.18 203.0.113.17 2001:db8:0:2::2 2001:db8:0:2::1
	uplink phone4 203.0.113.34 203.0.113.33 2001:db8:0:3::2 2001:db8:0:3::1
	uplink border 198.51.100.2 198.51.100.1 2001:db8:0:4::2 2001:db8:0:4::1
	nat_router nat 2001:db8:1
	nat_router nat2 2001:db8:2
	on internet ip route add 2001:db8:1::/64 via 2001:db8:0:1::2
	on internet ip route add 2001:db8:2::/64 via 2001:db8:0:2::2
	phone_behind nat phone1
	phone_behind nat phone2
	phone_behind nat2 phone3
}

# What a NAT remembers about a phone's flow to the proxy; empty once forgotten. The id tells an
# entry that lived on from one that was made anew.
nat_binding() { # NAT, phone's SIP port
	at "$1" conntrack -L -p udp --orig-port-src "$2" -o id 2>/dev/null
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
