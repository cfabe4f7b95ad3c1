#!/bin/bash
# natbox as a service: what ends it and with which status, what a taken-over process could still do,
# descriptors that run out, libraries that end their caller, another natbox on the same host. On the
# loopback of a network namespace.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox tools || exit 1
. tests/loopback.bash
proxy=203.0.113.1:5060 client=198.51.100.7
export ENDS=$work/ends
ulimit -c 0

inside() { ip netns exec "$namespace" "$@"; }

# What all have in common; the rest is the caller's.
common=(-c "$work/ini" -o natbox.user= -o control.socket=)

start() { # further arguments for natbox
	: >"$work/log"
	ip netns exec "$namespace" env LD_PRELOAD="${preload:-}" "$natbox" "${common[@]}" "$@" \
		2>"$work/log" &
	pid=$!
	eventually logged ready
}

# Status of the natbox that was started.
ended() {
	wait "$pid"
	local status=$?
	pid=
	return $status
}

stop() {
	kill -TERM "$pid" && ended
}

is_running() {
	kill -0 "$pid" 2>/dev/null
}

has_ended() {
	! is_running
}

# natbox ends by itself with that status, and one line that says why.
ends_with() { # status, words of the line, what stands before natbox..., --, further arguments
	local status=$1 words=$2 before=()
	shift 2
	while [ "$1" != -- ]; do before+=("$1"); shift; done
	shift
	inside timeout -k 1 20 env LD_PRELOAD="${preload:-}" "${before[@]}" "$natbox" \
		"${common[@]}" "$@" >/dev/null 2>"$work/log"
	[ $? -eq "$status" ] && [ "$(wc -l <"$work/log")" = 1 ] && logged "$words"
}

is_diverting() {
	inside nft list set inet natbox alive4 2>/dev/null | grep -q expires
}

is_not_diverting() {
	! is_diverting
}

has_rule() {
	inside ip rule | grep -q 'proto 110'
}

printf '[natbox]\nproxy = %s\ninterface = lo\n[state]\npath =\n' $proxy >"$work/ini"
loopback_up ${proxy%:*} $client || exit 1
relay=(-o natbox.mode=relay)

echo "# libraries that end their caller"
cc -shared -fPIC -o "$work/ends.so" tests/operation/ends.c -ldl || exit 1
preload=$work/ends.so
echo pcap_compile >"$ENDS"
ends_with 1 "cannot compile the filter of the capture: .*status 2" -- 
say $? "libpcap that exits is a fault that is tried again"
echo nft_run_cmd_from_buffer >"$ENDS"
ends_with 1 "cannot read the nftables rules of this host: .*status 2" -- "${relay[@]}"
say $? "and so is libnftables"
: >"$ENDS"
start "${relay[@]}" && is_diverting
say $? "natbox relays"
echo nft_run_cmd_from_buffer >"$ENDS"
inside nft delete table inet natbox
eventually logged "cannot install table inet natbox: .*status 2" && is_running
say $? "rules that cannot be put back, as libnftables exits, do not end it"
: >"$ENDS"
eventually is_diverting && is_running
say $? "and are put back once they can be"
echo nft_run_cmd_from_buffer >"$ENDS"
stop && is_not_diverting && ! has_rule
say $? "it stops cleanly where libnftables exits, and diverts nothing any more"
inside nft delete table inet natbox

# Rules of somebody else that take some megabytes to list.
{
	echo "table inet other { set many { type ipv4_addr; elements = {"
	for ((i = 0; i < 20000; i++)); do echo "10.9.$((i >> 8)).$((i & 255)),"; done
	echo "}; }; }"
} >"$work/many"
preload=
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
inside nft delete table inet other

echo "# state at the stop"
preload=$work/ends.so
: >"$ENDS"
start -o state.path="$work/state" -o state.sync=1m -o metrics.listen=127.0.0.1:9560
inside build/load -n 64 -u 64 -b 64 -r 1 $client $proxy "$pid" >"$work/load"
echo MHD_stop_daemon >"$ENDS"
kill -TERM "$pid"
ended
[ $? = 2 ] && preload='' start -o state.path="$work/state" && logged "state: 64 endpoints"
say $? "state is written before a library can end natbox at the stop"
stop
preload=

echo "# what natbox can no longer do"
for mode in sniff relay; do
	start -o natbox.mode=$mode
	[ "$(sed -n 's/^NoNewPrivs:\s*//p' "/proc/$pid/status")" = 1 ]
	say $? "nothing that it executes gains privileges, in mode $mode"
	stop
done
readelf -hldW --dyn-syms "$natbox" >"$work/elf"
: >"$work/log"
elf_has() { grep -q -- "$1" "$work/elf"; }
elf_has 'Type: *DYN (Position-Independent' && elf_has GNU_RELRO && elf_has 'Flags:.*NOW' &&
	elf_has __stack_chk_fail && elf_has '__[a-z]*_chk@' && ! elf_has 'GNU_STACK.* RWE'
say $? "the binary is hardened: position, relocations, stack, buffers"

echo "# no descriptor is free"
start "${relay[@]}" -o metrics.listen=127.0.0.1:9560
listen=http://127.0.0.1:9560/healthz
answers() { [ "$(inside curl -s --max-time 2 -o /dev/null -w '%{http_code}' $listen)" = 200 ]; }
lowest_free_descriptor() {
	local fd=0
	while [ -e "/proc/$pid/fd/$fd" ]; do ((fd++)); done
	echo $fd
}
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
answers
say $? "metrics are served"
prlimit --pid "$pid" --nofile="$(lowest_free_descriptor)":
inside ip rule del priority 506 && eventually has_rule
say $? "a routing rule that somebody removed is put back"
inside nft delete table inet natbox && eventually is_diverting
say $? "so is the table"
answers # it was waited for with a descriptor
ticks_before=$(ticks)
! answers && ! answers && is_diverting && [ $(($(ticks) - ticks_before)) -lt $(($(getconf CLK_TCK))) ]
say $? "a connection that cannot be taken costs no time"
prlimit --pid "$pid" --nofile=1024:
eventually answers
say $? "and is taken once it can be"
stop
say $? "it stops cleanly"

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
for mode in sniff relay; do
	ends_with 2 "CAP_NET_RAW" setpriv --bounding-set=-net_admin,-net_raw \
		--inh-caps=-net_admin,-net_raw -- -o natbox.mode=$mode
	say $? "no privilege, in mode $mode"
done

echo "# what may, is status 1"
inside ip link add lan type veth peer name far
ends_with 1 "it is down" -- -i lan
say $? "an interface that is down"
inside ip link set lan up && start -i lan && inside ip link del lan && eventually logged "it is gone"
say $? "one that goes away is waited for"
is_running && inside ip link add lan type veth peer name far && eventually has_ended
say $? "until it is there again"
ended
[ $? = 1 ] && logged "cannot capture on lan any more"
say $? "then natbox ends, to be started anew"
inside ip link set lan up && start -i lan && inside ip link del lan && eventually logged "it is gone"
stop
[ $? = 1 ]
say $? "or until it is told to stop"

echo "# another natbox"
first() { # further arguments
	start "$@"
	first=$pid
}
second_is_refused() { # further arguments
	ends_with 2 "another natbox (process $first)" -- "$@"
}
second_starts() { # further arguments
	start "$@"
	local status=$?
	stop
	pid=$first
	return $status
}
any="natbox.proxy=*:5060"
first
second_is_refused
say $? "for the same proxy it does not start"
second_is_refused -o natbox.proxy=192.0.2.1,203.0.113.1
say $? "nor for one of several"
second_is_refused -o "$any"
say $? "nor for all addresses of the host, of which the proxy is one"
second_is_refused "${relay[@]}"
say $? "nor in the other mode"
second_starts -n
say $? "a dry run goes on beside it"
second_starts -o natbox.proxy=203.0.113.1:5070
say $? "one for another port starts"
second_starts "${relay[@]}" -o natbox.proxy=*:5070
say $? "and one that relays for others"
stop
first -o "$any"
second_is_refused
say $? "where one serves all addresses of the host, none starts for one of them"
second_is_refused -o "$any"
say $? "nor for all of them"
second_starts -o natbox.proxy=192.0.2.1
say $? "one for a proxy elsewhere starts"
{ sleep 1 && kill -9 "$first"; } &
start
say $? "one waits a moment for another that is being killed"
stop
wait
stranger() { # purpose
	ip netns exec "$namespace" setpriv --reuid nobody --clear-groups perl -MSocket -e '
		socket($s, PF_UNIX, SOCK_SEQPACKET, 0) or die;
		bind($s, pack("S a*", AF_UNIX, "\0natbox/$ARGV[0]")) or die;
		listen($s, 1) if $ARGV[1];
		open($f, ">", "/dev/stdout"); print $f "taken\n"; close($f);
		sleep' "$@" >"$work/taken" &
	strangers+=($!)
	eventually grep -q taken "$work/taken"
}
strangers=()
stranger "serve $proxy" 1 && stranger "serve *:5060" 0
start && logged "whether another natbox"
say $? "a stranger who takes the name of the claim keeps no natbox from starting"
stop
kill "${strangers[@]}"
exit 0
