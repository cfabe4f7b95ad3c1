#!/bin/bash
# Sniff mode hears what the host's firewall drops afterwards. A REGISTER and a 200 that somebody else
# forges from outside make no endpoint, though they are all that it takes.
#
#     outside          border (natbox, a proxy)         inside (another proxy, behind it)
#     10.9.1.2 ------- 10.9.1.1    10.9.2.1 ----------- 10.9.2.2
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox build/peer || exit 1
. tests/loopback.bash
here=10.9.1.1:5060 behind=10.9.2.2:5060
border=$namespace outside=$namespace-outside inside=$namespace-inside

remove_network() {
	ip netns del "$outside" 2>/dev/null
	ip netns del "$inside" 2>/dev/null
	cleanup
}
trap remove_network EXIT

plug() { # host, its interface, the border's, its network
	ip netns add "$1" && ip -n "$1" link set lo up &&
		ip -n "$1" link add "$2" type veth peer name "$3" netns "$border" &&
		ip -n "$1" addr add "$4.2/24" dev "$2" && ip -n "$1" link set "$2" up &&
		ip -n "$border" addr add "$4.1/24" dev "$3" && ip -n "$border" link set "$3" up &&
		ip -n "$1" route add default via "$4.1"
}

# Phones are behind the outside. What it sends in the name of a phone goes through, what it sends in
# that of a proxy is dropped, and so is who registers at 10.9.1.99.
network_up() {
	loopback_up && plug "$outside" up0 out0 10.9.1 && plug "$inside" up0 in0 10.9.2 || return
	ip -n "$border" route add 192.0.2.0/24 via 10.9.1.2
	ip netns exec "$border" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.out0.rp_filter=0 net.ipv4.conf.in0.rp_filter=0
	ip netns exec "$border" nft -f - <<-NFT
		table inet firewall {
			chain early {
				type filter hook prerouting priority -400;
				iifname "out0" ip saddr { 10.9.1.1, 10.9.2.2 } drop
				iifname "out0" ip saddr 192.0.2.99 drop
			}
		}
	NFT
}

start() { # interface
	: >"$work/log"
	: >"$work/events"
	ip netns exec "$border" "$natbox" -c /dev/null -i "$1" -o natbox.proxy="$here, $behind" \
		-o natbox.user= -o log.events="$work/events" -o state.path= -o control.socket= \
		2>>"$work/log" &
	pid=$!
	eventually logged ready
}

message() { # start line, phone
	printf '%s\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-%s;rport\r\n' "$1" "$2"
	printf 'From: <sip:%s@x>;tag=1\r\nTo: <sip:%s@x>\r\nCall-ID: %s\r\nCSeq: 1 REGISTER\r\n' "$2" "$2" "$2"
	printf 'Contact: <sip:%s@10.0.0.1>;expires=7776000\r\nContent-Length: 0\r\n\r\n' "$2"
}

send() { # from where, source, destination, start line, phone
	message "$4" "$5" | ip netns exec "$1" build/peer forge "$2" "$3" -
}

# A REGISTER from outside, and its 200 from a host.
register() { # phone's number, proxy, host that answers
	local phone=192.0.2.$1:5060
	send "$outside" "$phone" "$2" "REGISTER sip:x SIP/2.0" "phone-$1" &&
		send "$3" "$2" "$phone" "SIP/2.0 200 OK" "phone-$1"
}

has_endpoint() { # phone's number
	grep -q "\"endpoint-add\",\"client\":\"192.0.2.$1:5060\"" "$work/events"
}

network_up || exit 1
for interface in any out0; do
	start $interface
	say $? "natbox sniffs on $interface"
	register 10 $here "$outside"
	register 99 $here "$outside"
	[ $interface = out0 ] || register 11 $behind "$outside"
	register 20 $here "$border" && eventually has_endpoint 20
	say $? "$interface: who registers with the proxy of this host has an endpoint"
	register 21 $behind "$inside" && eventually has_endpoint 21
	say $? "$interface: so has who registers with the one behind it"
	! has_endpoint 10 && ! has_endpoint 11
	say $? "$interface: but not who is named in an answer that came from outside"
	! has_endpoint 99
	say $? "$interface: nor in a REGISTER that was dropped as well"
	kill "$pid" && wait "$pid"
	say $? "$interface: natbox stops cleanly"
	pid=
done
exit 0
