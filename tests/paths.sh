#!/bin/bash
# Keepalives at the link layer, in every mode, while gateways, routes and interfaces change. Phones
# are behind a NAT, which two routers lead to; the gateway's address .254 is the one's or the other's.
#
#     border (natbox, registrar)       router a, .2        nat (masquerades)      phones
#     10.9.1.1 ---------------- .254 < router b, .3 > ---- 10.9.2.10 ------------ 192.168.1.2
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s all build/registrar build/holder || exit 1
. tests/loopback.bash
. tests/holder.bash
proxy=10.9.1.1 gateway=10.9.1.254 phones=12 interval=2
border=$namespace switch=$namespace-switch phone=$namespace-phone

remove_network() {
	local host
	end_children TERM
	for host in a b nat phone switch; do
		ip netns pids "$namespace-$host" 2>/dev/null | xargs -r kill 2>/dev/null
		ip netns del "$namespace-$host" 2>/dev/null
	done
	cleanup
}
trap remove_network EXIT

on() { # host, command...
	ip netns exec "$namespace-$1" "${@:2}"
}
border() { # command...
	ip netns exec "$border" "$@"
}

plug() { # namespace, its interface, its address, bridge
	ip -n "$switch" link add "$2-${1##*-}" type veth peer name "$2" netns "$1" &&
		ip -n "$switch" link set "$2-${1##*-}" master "$4" up &&
		ip -n "$1" addr add "$3/24" dev "$2" && ip -n "$1" link set "$2" up
}

network_up() {
	local host
	ip netns add "$border" && ip -n "$border" link set lo up || return
	for host in a b nat phone switch; do
		ip netns add "$namespace-$host" && ip -n "$namespace-$host" link set lo up || return
	done
	for host in one two; do
		ip -n "$switch" link add $host type bridge && ip -n "$switch" link set $host up || return
	done
	plug "$border" wan $proxy one && plug "$namespace-nat" wan 10.9.2.10 two || return
	for host in a:2 b:3; do
		plug "$namespace-${host%:*}" one "10.9.1.${host#*:}" one &&
			plug "$namespace-${host%:*}" two "10.9.2.${host#*:}" two &&
			on "${host%:*}" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
				net.ipv4.conf.one.rp_filter=0 net.ipv4.conf.two.rp_filter=0 || return
	done
	ip -n "$phone" link add lan type veth peer name in netns "$namespace-nat" &&
		ip -n "$phone" addr add 192.168.1.2/24 dev lan && ip -n "$phone" link set lan up &&
		ip -n "$namespace-nat" addr add 192.168.1.1/24 dev in &&
		ip -n "$namespace-nat" link set in up && on nat sysctl -qw net.ipv4.ip_forward=1 &&
		ip -n "$phone" route add default via 192.168.1.1 &&
		ip -n "$namespace-nat" route add default via 10.9.2.3 &&
		ip -n "$border" route add default via $gateway
	on nat nft -f - <<-NFT
		table ip nat {
			chain out {
				type nat hook postrouting priority srcnat;
				oifname "wan" masquerade
			}
		}
	NFT
	# A neighbour that has not been heard of for a second or two is asked, and is gone 600 ms later.
	border sysctl -qw net.ipv4.neigh.wan.base_reachable_time_ms=1000 \
		net.ipv4.neigh.wan.delay_first_probe_time=1 net.ipv4.neigh.wan.retrans_time_ms=200
	ip -n "$namespace-a" addr add "$gateway/32" dev one
}

# Registers, and answers whatever it is asked from then on. What cat writes is one datagram.
answer_as() { # user
	exec 3<>"/dev/udp/$proxy/5060"
	printf '%s\r\n' "REGISTER sip:$proxy SIP/2.0" "Via: SIP/2.0/UDP 192.168.1.2;rport;branch=z9hG4bK-$1" \
		"From: <sip:$1@$proxy>;tag=1" "To: <sip:$1@$proxy>" "Call-ID: $1" "CSeq: 1 REGISTER" \
		"Contact: <sip:$1@192.168.1.2>;expires=3600" "Content-Length: 0" "" | cat >&3
	# shellcheck disable=SC2016 # these are perl's
	exec perl -e '
		open(my $socket, "+<&=", 3);
		while (sysread($socket, my $request, 65535)) {
			next unless $request =~ /^(NOTIFY|OPTIONS) /;
			my @copied = grep(/^(Via|From|To|Call-ID|CSeq):/, split(/\r\n/, $request));
			syswrite($socket, join("\r\n", "SIP/2.0 200 OK", @copied,
				"Content-Length: 0", "", ""));
		}'
}

configure() { # path, mode
	cat >"$work/ini" <<-INI
		[natbox]
		mode = $2
		proxy = $proxy:5060
		interface = any
		user =
		[keepalive]
		interval = ${interval}s
		reply-timeout = 1s
		max-lost = 2
		path = $1
		[state]
		path = $work/state
		[control]
		socket = $work/socket
	INI
}

start() { # path, mode
	configure "$1" "$2"
	: >"$work/log"
	ip netns exec "$border" "$natbox" -c "$work/ini" 2>>"$work/log" &
	pid=$!
	eventually logged ready
}

stop() {
	kill "$pid" && wait "$pid"
	pid=
}

ask() { # natboxctl's command
	./natboxctl -s "$work/socket" "$@" >>"$work/asked"
}

figure() { # name
	./natboxctl -s "$work/socket" stats | sed -n "s/^\(natbox_\)\?$1 \+//p"
}

grows() { # name, by
	local before
	before=$(figure "$1")
	eventually has_grown "$1" $((before + $2))
}
has_grown() { # name, to
	[ "$(figure "$1")" -ge "$2" ]
}

# So many answers that everybody has been asked, most of them at the link layer.
is_round() { # keepalives at the link layer at least
	local linked
	linked=$(figure keepalives_linked_total)
	grows keepalive_replies_total $((phones + 2)) &&
		[ $(($(figure keepalives_linked_total) - linked)) -ge "$1" ]
}

# The same in one of ten rounds, as others may let the kernel wait with what that takes; and that
# nobody has left two keepalives in a row unanswered meanwhile.
all_answer() { # keepalives at the link layer at least
	local lost
	lost=$(figure endpoints_lost_total)
	within 1 is_round "$1" && [ "$(figure endpoints_lost_total)" = "$lost" ]
}

# What passes the border's own firewall on its way out.
passed() {
	border nft list counter inet operator keepalives | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

network_up || exit 1
ip netns exec "$border" build/registrar $proxy:5060 >"$work/registrar" &
start link queue
for ((i = 0; i < phones; i++)); do
	ip netns exec "$phone" bash -c "$(declare -f answer_as); proxy=$proxy; answer_as user$i" &
done
eventually has_grown endpoints $phones && all_answer $((phones / 2))
say $? "keepalives at the link layer reach phones behind a NAT, and are answered"

border nft -f - <<-NFT
	table inet operator {
		counter keepalives { }
		chain out {
			type filter hook output priority 0;
			udp sport 5060 ip daddr 10.9.2.10 counter name keepalives
		}
	}
NFT
before=$(passed)
all_answer $((phones / 2)) && [ $(($(passed) - before)) -lt $((phones / 2)) ]
say $? "with keepalive.path = link they go past the firewall"

reload() { # path, text
	configure "$1" queue
	: >"$work/log"
	kill -HUP "$pid" && eventually logged "$2"
}
reload auto "through the kernel, as chain out of nftables table inet operator" &&
	linked=$(figure keepalives_linked_total) && before=$(passed) && all_answer 0 &&
	[ $(($(passed) - before)) -ge $phones ] && [ "$(figure keepalives_linked_total)" = "$linked" ]
say $? "with auto a rule that is to see them does"
border nft flush chain inet operator out
eventually logged "leave at the link layer" && all_answer $((phones / 2))
say $? "once it is gone they leave at the link layer"
reload raw "leave through the kernel" && linked=$(figure keepalives_linked_total) &&
	all_answer 0 && [ "$(figure keepalives_linked_total)" = "$linked" ]
say $? "with raw they leave through the kernel"
reload link "leave at the link layer" && all_answer $((phones / 2))
say $? "SIGHUP switches back"
border nft delete table inet operator

echo "# gateways"
move_gateway() { # from, to
	ip -n "$namespace-$1" addr del "$gateway/32" dev one
	ip -n "$namespace-$2" addr add "$gateway/32" dev one
}
# A link that comes up takes no packet for up to a second. Nobody listens at port 9, and says so.
up_again() { # host, its address there
	ip -n "$namespace-$1" link set one up && eventually refuses "$2"
}
refuses() { # address
	border bash -c "</dev/tcp/$1/9" 2>&1 | grep -q refused
}
ethernet_of() { # host
	on "$1" cat /sys/class/net/one/address
}
# As VRRP does it: the new one tells of itself. The kernel hears nothing new of a neighbour for a
# second after the last.
announced_by() { # host
	ip -n "$namespace-$1" link set one address "$(ethernet_of "$1")"
	ip -n "$border" neigh show $gateway | grep -q "$(ethernet_of "$1")"
}
on b sysctl -qw net.ipv4.conf.one.arp_notify=1
move_gateway a b
eventually announced_by b && ip -n "$namespace-a" link set one down && all_answer $((phones / 2))
say $? "a gateway that gets another Ethernet address, and says so, is followed"
# Longer than the kernel takes to find out.
interval=6
up_again a 10.9.1.2 && reload link "read again" && ip -n "$namespace-nat" route replace default via 10.9.2.2 &&
	move_gateway b a && ip -n "$namespace-b" link set one down && all_answer $((phones / 3))
say $? "one that does not say so is followed within an interval"

echo "# routes"
interval=2
up_again b 10.9.1.3 && ip -n "$namespace-nat" route replace default via 10.9.2.3 &&
	reload link "read again" && ip -n "$border" route replace default via 10.9.1.3 &&
	ip -n "$namespace-a" link set one down && all_answer $((phones / 2))
say $? "a route that changes is followed"
ip -n "$border" route replace default via $gateway &&
	ip -n "$border" route add default via 10.9.1.3 table 100 &&
	ip -n "$border" rule add from $proxy lookup 100
all_answer $((phones / 2))
say $? "a second default route that a rule chooses by the source is taken"
up_again a 10.9.1.2 && ip -n "$border" rule del from $proxy lookup 100 && all_answer $((phones / 2))
say $? "and left when the rule is gone"

echo "# interfaces"
interval=6
reload link "read again" && ip -n "$border" link set wan down && ip -n "$border" link set wan up &&
	ip -n "$border" route add default via $gateway && all_answer $((phones / 2))
say $? "an interface that was down for a moment is used again"
interval=2
reload link "read again" && all_answer $((phones / 2))
ip -n "$border" link set wan mtu 1400 && all_answer $((phones / 2)) && hold_interfaces &&
	all_answer $((phones / 2)) && kill -0 "$holder_pid"
say $? "of one that has changed natbox need not ask, while others change interfaces and routes"
release_interfaces
plug "$border" other 10.9.1.9 one && ask keepalive off &&
	ip -n "$border" route replace default via $gateway dev other && hold_interfaces &&
	ask keepalive on && all_answer 0 && kill -0 "$holder_pid"
say $? "nor does it wait for one that it has not used before"
release_interfaces
all_answer $((phones / 2))
say $? "which it uses once others have done"
stop
say $? "natbox stops cleanly"

echo "# modes"
for mode in relay sniff; do
	start auto $mode && eventually logged "leave at the link layer" && all_answer $((phones / 2))
	say $? "in mode $mode keepalives leave at the link layer too"
	stop
done
exit 0
