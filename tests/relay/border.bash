# The border host of the relay's tests, its neighbours, and what is asked of them. mode: relay or queue.
# shellcheck shell=bash disable=SC2034,SC2086,SC2119,SC2120,SC2154 # shared with the caller
relay_program=${NULLRELAY:-build/nullrelay}
make -s natbox build/nullrelay build/peer build/holder build/asker || exit 1
. tests/holder.bash
way=() # how the null relay is to relay
[ "$mode" = relay ] || way=(-q)

id=relay-$$
near=10.9.1.1:5060 far=10.9.2.2:5060 near6="[fd09:1::1]:5060" far6="[fd09:2::2]:5060"
silent=10.9.2.2:5070 # a proxy's address where nobody answers
control=10.9.1.1:7070 # an address on the border that the relay has nothing to do with
# What has nothing in common with the relay but, maybe, the host.
natbox=("${NATBOX:-./natbox}" -c /dev/null -o natbox.mode="$mode" -o natbox.user= -o natbox.proxy="$far"
	-o relay.in-port=6062 -o relay.out-port=6063 -o relay.mark=0x6062 -o relay.own-mark=0x6063
	-o relay.table=6062 -o state.path= -o control.socket=)
caller=10.9.1.2:5070 caller6="[fd09:1::2]:5070"
dir=$(mktemp -d)
failed=0

phone() { ip netns exec "$id-phone" "$@"; }
border() { ip netns exec "$id-border" "$@"; }
proxy() { ip netns exec "$id-proxy" "$@"; }

start() { # host, command...
	local host=$1
	shift
	ip netns exec "$id-$host" "$@" &
}

cleanup() {
	# shellcheck disable=SC2046
	kill -9 $(jobs -rp) 2>/dev/null
	wait 2>/dev/null
	for host in phone border proxy; do ip netns del "$id-$host" 2>/dev/null; done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() { # exit status, what it shows
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else
		echo "not ok - $2"
		failed=1
	fi
}

build_network() {
	for host in phone border proxy; do
		ip netns add "$id-$host" || exit 1
		ip -n "$id-$host" link set lo up
	done
	ip -n "$id-phone" link add up0 type veth peer name out0 netns "$id-border"
	ip -n "$id-proxy" link add up0 type veth peer name in0 netns "$id-border"
	plug phone up0 10.9.1.2/24 fd09:1::2/64
	plug proxy up0 10.9.2.2/24 fd09:2::2/64
	plug proxy up0 10.9.2.3/24 fd09:2::3/64
	plug border out0 10.9.1.1/24 fd09:1::1/64
	plug border in0 10.9.2.1/24 fd09:2::1/64
	# The border's own default route points to where forgeries come from.
	route phone 10.9.1.1 fd09:1::1
	route proxy 10.9.2.1 fd09:2::1
	route border 10.9.1.2 fd09:1::2
	border sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.out0.rp_filter=0
}

plug() { # host, interface, addresses
	ip -n "$id-$1" addr add "$3" dev "$2"
	ip -n "$id-$1" addr add "$4" dev "$2" nodad
	ip -n "$id-$1" link set "$2" up
}

route() { # host, gateways
	ip -n "$id-$1" route add default via "$2"
	ip -n "$id-$1" route add default via "$3"
}

# Waits for what comes at once on a quiet machine, as long as a busy one may take.
eventually() { # command...
	for _ in $(seq 600); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

is_gone() { # pid: ended, though maybe nobody has asked how
	! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

# A natbox there sleeps, and has not been ready yet.
waits_for_another() { # host
	local pid
	for pid in $(ip netns pids "$id-$1"); do
		[ "$(cat "/proc/$pid/comm")" != natbox ] || ! grep -q nanosleep "/proc/$pid/wchan" ||
			says_ready || return 0
	done
	return 1
} 2>/dev/null

listens() { # host, address and port
	ip netns exec "$id-$1" ss -Hlun | grep -qF " $2 "
}

start_echo() { # host, address and port
	start "$1" build/peer echo "$2"
	eventually listens "$1" "$2"
}

# The rules live.
relays() {
	border nft list set inet natbox alive4 2>/dev/null | grep -q expires
}

launch_relay() { # options
	start border "$relay_program" "${way[@]}" "$@" "$near" "$far" "$near6" "$far6" "$silent" \
		>"$dir/counters" 2>"$dir/errors"
	relay=$!
}

start_relay() { # options
	launch_relay "$@"
	eventually relays
}

has_said() { # how often, text
	[ "$(grep -c -- "$2" "$dir/errors")" -eq "$1" ]
}

stop_relay() {
	kill "$relay"
	eventually is_gone "$relay"
}

counter() { # name: of the running relay
	: >"$dir/counters"
	kill -USR1 "$relay"
	eventually [ -s "$dir/counters" ]
	sed -n "s/.*\<$1 \([0-9]*\).*/\1/p" "$dir/counters" | tail -1
}

counter_is() { # name, number
	[ "$(counter "$1")" -eq "$2" ]
}

# Asks each proxy once, and checks who it heard from and whom the phone did.
reaches() { # caller, proxy, bytes, [how long to wait]
	: >"$dir/heard"
	local answer
	answer=$(phone build/peer ask -m "${4:-10000}" "$1" "$2" "$3") || return 1
	[ "${answer% * *}" = "$2 $3" ] && grep -qF "$1 $3 " "$dir/heard"
}

is_relayed() { # caller, proxy, bytes
	local before
	before=$(counter sent)
	reaches "$@" && [ "$(counter sent)" -eq $((before + 2)) ]
}

reassembled() { # on the proxy behind the border: datagrams put together from fragments
	proxy cat /proc/net/snmp /proc/net/snmp6 | awk '
		/^Ip: / && !column { for (i = 1; i <= NF; i++) if ($i == "ReasmOKs") column = i; next }
		/^Ip: / { sum += $column } /^Ip6ReasmOKs/ { sum += $2 } END { print sum }'
}

traces() { # what of natbox is in the border's kernel
	border nft list tables | grep natbox
	border ip rule | grep 'proto 110'
	border ip -6 rule | grep 'proto 110'
	border ip route show table 5060 2>/dev/null
	border ip -6 route show table 5060 2>/dev/null
}

relays_everywhere() {
	local where caller_is
	for where in "$near" "$far" "$near6" "$far6"; do
		caller_is=$caller
		[ "${where#\[}" = "$where" ] || caller_is=$caller6
		for bytes in 0 500 3000 60000; do
			# Held up on a busy machine for as long as it counts as alive, natbox is passed by, as it should.
			is_relayed "$caller_is" "$where" $bytes || is_relayed "$caller_is" "$where" $bytes
			ok $? "$bytes bytes reach $where and the answer returns, addresses as they were"
		done
	done
}

keeps_hop() { # caller, proxy, ttl that arrives, ttl that comes back
	: >"$dir/heard"
	local answer
	answer=$(phone build/peer ask -l 50 -t 0x68 "$1" "$2" 100)
	grep -qF "$1 100 $3 0x68" "$dir/heard" && [ "$answer" = "$2 100 $4 0" ]
}

relaying() { [ "$mode" = relay ]; }

names_each_datagram() { # caller, proxy
	: >"$dir/tcpdump"
	proxy timeout 60 tcpdump -lnv -Q in -c 8 -i up0 "udp and dst port ${2#*:}" \
		>"$dir/datagrams" 2>"$dir/tcpdump" &
	local tcpdump=$!
	eventually grep -q listening "$dir/tcpdump"
	phone build/peer ask "$1" "$2" 100 8 1 >/dev/null
	wait $tcpdump
	[ "$(grep -c 'id [1-9][0-9]*, offset 0, flags \[none\]' "$dir/datagrams")" -eq 8 ] &&
		[ "$(grep -o ' id [0-9]*' "$dir/datagrams" | sort -u | wc -l)" -eq 8 ]
}

has_forged_more_than() { # number
	[ "$(counter forged)" -gt "$1" ]
}

# The counter is read at each renewal. What comes after the forgery to the same victim is heard.
forgery_goes_nowhere() { # caller, forged source, to whom
	local before
	: >"$dir/victim"
	before=$(counter forged)
	phone build/peer forge "$2" "$3" 100
	eventually has_forged_more_than "$before" && phone build/peer ask -m 10000 "$1" "$3" 50 >/dev/null &&
		[ "$(grep -c . "$dir/victim")" = 1 ] && grep -qF "$1 50 " "$dir/victim"
}

# What the asker heard from each: a number of lines each.
are_answered() { # by the control, one proxy and the other: at least so many times
	[ "$(grep -c " $control\$" "$dir/asking")" -ge "$1" ] &&
		[ "$(grep -c " $near\$" "$dir/asking")" -ge "$2" ] &&
		[ "$(grep -c " $far\$" "$dir/asking")" -ge "$3" ]
}

# All answer, for longer than the rules live that nobody renews.
asking_goes_on() {
	eventually are_answered $(($(grep -c " $control\$" "$dir/asking") + 30)) \
		$(($(grep -c " $near\$" "$dir/asking") + 30)) $(($(grep -c " $far\$" "$dir/asking") + 30))
}

# gap becomes the longest time in milliseconds without an answer of one of both proxies while something
# is done to the relay, as the control's answers count it (tests/programs/asker.c). Fails where they
# answer no more.
measure_gap() { # command...
	local asking status
	: >"$dir/asking"
	start phone build/asker "$caller" "$control" "$near" "$far" >>"$dir/asking"
	asking=$!
	asking_goes_on && "$@" && asking_goes_on
	status=$?
	kill "$asking"
	wait "$asking"
	gap=$(awk '
		function ends(name) { if (name in last && $1 - last[name] > gap) gap = $1 - last[name] }
		$2 == "end" { for (name in last) ends(name); next }
		{ ends($2); last[$2] = $1 }
		END { printf "%d\n", gap }' "$dir/asking")
	return $status
}

flows_around() { # what happened, milliseconds, command...
	local what=$1 most=$2
	shift 2
	measure_gap "$@" && [ "$gap" -lt "$most" ]
	ok $? "$what: SIP flows around within $most ms to both proxies"
	echo "# longest gap $gap ms"
}

# How long the first of the proxies counts as alive, in milliseconds; empty: none does.
left_to_live() {
	border nft list set inet natbox alive4 | awk '
		match($0, /expires [0-9ms]+/) {
			time = substr($0, RSTART + 8, RLENGTH - 8)
			print (time ~ /[0-9]s/ ? 1000 * time : 0) + (match(time, /[0-9]+ms/) ? substr(time, RSTART) : 0)
			exit
		}'
}

are_renewed() { # times, without being gone at any look
	local renewals=0 left before=9999
	while [ $renewals -lt "$1" ]; do
		left=$(left_to_live)
		[ -n "$left" ] || return
		[ "$left" -le "$before" ] || renewals=$((renewals + 1))
		before=$left
	done
}

# Within a second natbox has to list the addresses of this host anew.
address_comes() {
	border ip addr add 10.9.3.1/32 dev lo && hold_interfaces
}

waits_for_no_interface() {
	flows_around "an address that comes while others change interfaces and routes" 1000 address_comes
	are_renewed 6
	ok $? "however long that takes, natbox stays in its place"
	# By themselves the sets would run out after 1.5 to 2 s.
	flows_around "an orderly stop meanwhile" 1400 kill "$relay"
	release_interfaces
	wait "$relay" 2>/dev/null
	border ip addr del 10.9.3.1/32 dev lo
	start_relay
	is_relayed $caller $near 100 && is_relayed "$caller6" "$far6" 100
	ok $? "started again it takes over"
}

# To close one of nftables waits for what is under way there, and has all others wait, whatever network
# namespace they are of (nft_rcv_nl_event() and nf_tables_valid_genid() of the kernel).
keeps_its_sockets() {
	local before
	cc -shared -fPIC -o "$dir/sockets.so" tests/relay/sockets.c -ldl || exit 1
	stop_relay
	SOCKETS=$dir/sockets LD_PRELOAD=$dir/sockets.so start_relay
	before=$(wc -l <"$dir/sockets") && [ "$before" -gt 0 ] && are_renewed 6 &&
		[ "$(wc -l <"$dir/sockets")" -eq "$before" ]
	ok $? "it renews the rules over the sockets that it has"
}

passes_by() { # caller, proxy, bytes
	local before
	before=$(counter sent)
	reaches "$1" "$2" "$3" 1000 && [ "$(counter sent)" -eq "$before" ]
}

steps_aside() { # a setting with which nothing that is diverted arrives, one with which all does
	border sysctl -qw "$1"
	eventually passes_by $caller $far 100 && has_said 1 "sysctl -w $2; SIP flows past"
	ok $? "with ${1%=*} SIP flows past, and that is said once"
	border sysctl -qw "$2"
	eventually is_relayed $caller $far 100
	ok $? "and is relayed again when that is out of the way"
}

refuses() { # what it shows, words of the fault line, exit status when not 1
	timeout -k 1 60 ip netns exec "$id-border" ${wrapper:-} "${refused[@]}" \
		>/dev/null 2>"$dir/fault"
	local status=$?
	sed 's/^/# /' "$dir/fault"
	[ $status -eq "${3:-1}" ] && [ "$(wc -l <"$dir/fault")" -eq 1 ] && grep -q "$2" "$dir/fault"
	ok $? "$1 is refused with one line that says what to do"
}
refused=("$relay_program" "${way[@]}" "$near")
# Before a command that runs on a host of its own, with nothing but loopback.
elsewhere=(unshare --net sh -c 'ip link set lo up && exec "$@"' sh)

says_ready() {
	grep -q "ready: " "$dir/log"
}

is_ready() { # process, which is ended again
	eventually says_ready
	kill "$1"
	wait "$1" 2>/dev/null
	sed 's/^/# /' "$dir/log"
	says_ready
}

gets_ready() { # host, options: a natbox, which is ended again
	: >"$dir/log"
	start "$1" "${natbox[@]}" "${@:2}" 2>>"$dir/log"
	is_ready $!
}

# A REGISTER of so many bytes, with a private Contact, which grows when it is repaired.
write_register() { # bytes
	local message
	message=$(printf '%s\r\n' "REGISTER sip:example.org SIP/2.0" \
		"Via: SIP/2.0/UDP 192.168.1.10:5070;rport;branch=z9hG4bK$RANDOM$RANDOM" \
		"From: <sip:alice@example.org>;tag=1" "To: <sip:alice@example.org>" \
		"Call-ID: $RANDOM@192.168.1.10" "CSeq: 1 REGISTER" \
		"Contact: <sip:alice@192.168.1.10:5070>" "Content-Length: 0" "X-Pad: ")
	printf '%s%0*d\r\n\r\n' "$message" $(($1 - ${#message} - 4)) 0
}

heard_longer() { # from whom, bytes
	awk -v from="$1" -v bytes="$2" '$1 == from && $2 > bytes { longer = 1 } END { exit !longer }' \
		"$dir/heard"
}

grown_arrives() { # caller, proxy, bytes
	: >"$dir/heard"
	write_register "$3" | phone build/peer forge "$1" "$2" -
	eventually heard_longer "$1" "$3"
}

# What fits the MTU when it comes, and then no longer, and what never does.
grown_arrive() { # bytes over IPv4, over IPv6
	local before
	before=$(reassembled)
	grown_arrives $caller $near "$1" && grown_arrives $caller $far "$1" &&
		grown_arrives "$caller6" "$near6" "$2" && grown_arrives "$caller6" "$far6" "$2" &&
		[ "$(reassembled)" -eq $((before + 2)) ]
}

is_routed() {
	[ -n "$(border ip rule list priority 1)" ] &&
		[ -n "$(border ip -6 route show table 5060)" ]
}

# Packets as they come to the border and leave it.
capture_packets() { # interface, direction, file, what
	: >"$dir/tcpdump-$3"
	border timeout 60 tcpdump -lnx -Q "$2" -c 4 -i "$1" "udp and dst port 5060" \
		>"$dir/packets-$3" 2>"$dir/tcpdump-$3" &
	eventually grep -q listening "$dir/tcpdump-$3"
}

# Without TTL and header checksum, and without UDP's, which a network card of these hosts would fill in.
without_hop() { # file: what tcpdump printed
	awk '$1 == "0x0000:" { ipv4 = substr($2, 1, 1) == "4" }
		ipv4 && $1 == "0x0000:" { $6 = substr($6, 3); $7 = "" }
		ipv4 && $1 == "0x0010:" { $8 = "" }
		!ipv4 && $1 == "0x0000:" { $5 = substr($5, 1, 2) }
		!ipv4 && $1 == "0x0020:" { $9 = "" }
		/^\t/ { $1 = $1; print }' "$dir/packets-$1"
}

stays_as_it_is() { # caller, proxy, where it comes in, where it leaves
	local in out
	capture_packets "$3" in arrived
	in=$!
	capture_packets "$4" out left
	out=$!
	phone build/peer ask -t 0x68 "$1" "$2" 700 4 1 >/dev/null
	wait "$in" "$out"
	[ "$(wc -l <"$dir/packets-arrived")" -gt 150 ] &&
		[ "$(without_hop arrived)" = "$(without_hop left)" ]
}

reaches_all() { # command that takes a caller, a proxy and bytes
	"$1" $caller $near 3000 && "$1" $caller $far 3000 && "$1" "$caller6" "$near6" 3000 &&
		"$1" "$caller6" "$far6" 3000
}

has_queue() {
	border grep -q '^ *5060 ' /proc/self/net/netfilter/nfnetlink_queue
}

# Of mode relay: the firewall sees what is diverted on its way in and out of this host.
passes_firewalls_by_marks() {
	border nft -f - <<-'RULES'
		table inet firewall {
			chain input {
				type filter hook input priority filter; policy drop;
				iif "lo" accept
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
				meta mark 0x6e62 accept
			}
			chain forward {
				type filter hook forward priority filter; policy drop;
			}
		}
	RULES
	start_relay
	reaches_all is_relayed
	ok $? "a firewall that drops all else lets through what bears the mark"
	border nft delete table inet firewall
	border nft -f - <<-'RULES'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
			}
			chain output {
				type filter hook output priority filter; policy drop;
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
			}
		}
	RULES
	sed -n 's/^# \(nft add rule inet filter .*\)/\1/p' natbox.8 >"$dir/advice"
	grep mark "$dir/advice" >"$dir/marks"
	border sh -e "$dir/marks" && is_relayed $caller $far 3000 && ! reaches $caller $near 100 2000 &&
		[ "$(grep -c "$caller 100 " "$dir/heard")" -eq 0 ]
	ok $? "where the firewall passes the marks alone, a proxy on this host hears nothing"
	grep -v mark "$dir/advice" >"$dir/ports"
	border sh -e "$dir/ports" && reaches_all is_relayed
	ok $? "with all the rules of the manual, a firewall that drops all else lets SIP through"
	border nft delete table inet filter
}

# Of mode queue: a firewall for SIP that knows nothing of natbox, with and without conntrack, and
# translation of what is none.
passes_a_firewall_that_forwards() {
	border nft -f - <<-'RULES'
		table inet firewall {
			chain input {
				type filter hook input priority filter; policy drop;
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
				udp dport 5060 accept
			}
			chain output {
				type filter hook output priority filter; policy drop;
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
				ct state established accept
			}
			chain forward {
				type filter hook forward priority filter; policy drop;
				ct state established accept
				udp dport 5060 accept
			}
			chain translated {
				type nat hook postrouting priority srcnat;
				udp dport != 5060 masquerade
			}
		}
	RULES
	start_relay
	reaches_all is_relayed
	ok $? "a firewall for SIP that forwards by state and translates the rest needs no rule for natbox"
	border nft delete table inet firewall
	border nft flush chain inet other input
	stop_relay
	start_relay
	eventually is_untracked && reaches_all is_relayed
	ok $? "without conntrack fragments are put together, too"
	border nft add rule inet other input ct state established accept
}

overran() {
	[ "$(counter overruns)" -gt 0 ]
}

waits_in_queue() {
	border awk '$1 == 5060 && $3 > 0 { found = 1 } END { exit !found }' \
		/proc/self/net/netfilter/nfnetlink_queue
}

# Of mode queue: nothing is lost while natbox stands still, whether there is room or not.
keeps_what_waits() {
	local asking status
	kill -STOP "$relay"
	start phone build/peer ask -m 10000 $caller $far 100 >"$dir/answer"
	asking=$!
	eventually waits_in_queue
	kill -CONT "$relay"
	wait $asking && grep -q "^$far 100 " "$dir/answer"
	ok $? "what comes while it stands still waits, and goes on when it does"
	kill -STOP "$relay"
	: >"$dir/heard"
	phone build/peer ask -m 0 $caller $far 60000 300 >/dev/null
	eventually heard_longer $caller 59999
	status=$?
	kill -CONT "$relay"
	[ $status -eq 0 ] && eventually overran
	ok $? "what a full queue has no room for passes, and is counted"
	eventually is_relayed $caller $far 100
	kill -STOP "$relay"
	: >"$dir/heard"
	phone build/peer ask -m 0 $caller $far 77 >/dev/null
	eventually waits_in_queue
	kill -9 "$relay"
	wait "$relay" 2>/dev/null
	reaches $caller $far 78 && ! grep -q "$caller 77 " "$dir/heard"
	ok $? "what waits when it is killed is lost, and what comes then flows past"
	border nft delete table inet natbox # so that the next one is not taken for ready too early
	start_relay
}

has_rule_of_queue() { # and no other
	[ "$(border nft list chain inet natbox to_natbox 2>/dev/null | grep -ci queue)" -eq 1 ]
}

# Of mode queue, by hand: the sets that natbox fills are there, but not the chain for its rule.
waits_for_its_chain() {
	border nft -f - <<-'RULES'
		table inet natbox {
			set alive4 { type ipv4_addr . inet_service; flags timeout; }
			set alive6 { type ipv6_addr . inet_service; flags timeout; }
		}
	RULES
	launch_relay -m
	eventually has_said 1 "cannot queue: table inet natbox has no chain to_natbox"
	ok $? "where the chain for natbox's own rule is missing that is said"
	border nft add chain inet natbox to_natbox
	eventually has_rule_of_queue
	ok $? "and the rule gets there once there is one"
	stop_relay
	wait "$relay" 2>/dev/null
	border nft delete table inet natbox
}

is_untracked() {
	border conntrack -F 2>/dev/null
	reaches $caller $far 100 && [ -z "$(border conntrack -L 2>/dev/null | grep 'port=5060')" ]
}
