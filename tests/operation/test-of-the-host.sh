#!/bin/bash
# natbox -t looks at the file alone, natbox -t -t at this host, too.
. "$(dirname "$0")/service.bash"

tests_ok() { # further arguments
	inside "$natbox" "${common[@]}" -t -t "$@" >"$work/out" 2>"$work/log" &&
		[ "$(cat "$work/out")" = "$(printf '%s: ok\nthis host: ok' "$work/ini")" ] && [ ! -s "$work/log" ]
}
# Status 2, and so many lines that say each of the words.
finds() { # number of lines, words..., --, further arguments
	local lines=$1 words=()
	shift
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	new_log
	inside "${before[@]}" "$natbox" "${common[@]}" -t -t "$@" >"$work/out" 2>"$work/log"
	[ $? = 2 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/log")" = "$lines" ] || return
	for word in "${words[@]}"; do logged "$word" || return; done
}
before=()
chmod 711 "$work"
mkdir "$work/others" && chmod 700 "$work/others"
elsewhere=(-o natbox.user=nobody-such -i nowhere0 -o metrics.listen=192.0.2.9:9560
	-o log.events="$work/nowhere/events" -l "$work/nowhere/log" -o state.path="$work/ini"
	-o natbox.proxy=192.0.2.1)

tests_ok && tests_ok "${relay[@]}" && tests_ok -o natbox.user=nobody -o state.path="$work/new/state"
say $? "a host that all is well with, in either mode"
[ ! -e "$work/new" ] && ! inside nft list table inet natbox 2>/dev/null && ! has_rule
say $? "where the test leaves nothing behind"
inside "$natbox" -c "$work/ini" -t "${elsewhere[@]}" >"$work/out" 2>"$work/log"
say $? "the file alone can be tested on another machine"
finds 7 "no user nobody-such" "no such interface" "no such address" "log.events cannot be written" \
	"the log cannot be written" "state cannot be kept" "no route leads there" -- "${elsewhere[@]}"
say $? "all that is missing is told at once: user, interface, address, directories, route"
finds 2 "log.events cannot be written to $work/others/events: Permission denied.*user nobody" \
	"state cannot be kept in $work/others: Permission denied.*user nobody" -- -o natbox.user=nobody \
	-o log.events="$work/others/events" -o state.path="$work/others"
say $? "directories are to be writable for the user that natbox becomes"
finds 1 "log.events cannot be written to $work/others: Is a directory" -- -o log.events="$work/others"
say $? "and a file may not be one"
tests_ok -n -o state.path="$work/ini"
say $? "a dry run needs no state"
finds 1 "-n goes with natbox.mode = sniff" -- -n "${relay[@]}"
say $? "and only mode sniff has one"
finds 1 "state cannot be kept in $work/others/new/state: Permission denied.*user nobody" -- \
	-o natbox.user=nobody -o state.path="$work/others/new/state"
say $? "and one that is to be made has to be where that user may go"
before=(setpriv --bounding-set=-setgid --inh-caps=-setgid)
finds 1 "cannot become user nobody: natbox needs CAP_SETUID, CAP_SETGID" -- -o natbox.user=nobody
say $? "root has to be able to become that user"
before=()

finds 1 "cannot listen for control on $work/nowhere/a/sock: No such file" -- -o control.socket="$work/nowhere/a/sock" &&
	finds 1 "for control on $work/ini: what is there is no socket" -- -o control.socket="$work/ini" &&
	finds 1 "there is no group nobody-such" -- -o control.socket="$work/new/sock" -o metrics.group=nobody-such &&
	tests_ok -o control.socket="$work/new/sock" && [ ! -e "$work/new" ] && [ -s "$work/ini" ]
say $? "so are a control socket that cannot be made and its group; where it can be made it is not"
start -o control.socket="$work/sock" -o state.path="$work/kept"
finds 1 "state cannot be kept in $work/kept: another natbox uses it" -- -o state.path="$work/kept" -o natbox.proxy=203.0.113.1:5070
say $? "and a state directory that a natbox for other proxies uses"
finds 1 "for control on $work/sock: another natbox does" -- -o control.socket="$work/sock" -o natbox.proxy=203.0.113.1:5070
say $? "so is one that a natbox for other proxies listens on"
stop
warns_of_loopback() { # further arguments
	new_log
	inside "$natbox" "${common[@]}" -t -t "$@" >"$work/out" 2>"$work/log" && [ "$(wc -l <"$work/log")" = 1 ] &&
		logged "warning: the loopback interface is down.* proxy on this host, $proxy: it gets nothing"
}
inside ip link set lo down
warns_of_loopback "${relay[@]}" && tests_ok -i any && tests_ok -o natbox.mode=queue
say $? "in relay mode it warns of a loopback interface that is down, which the other modes do without"
start "${relay[@]}" && logged "warning: the loopback interface is down"
say $? "as natbox does when it starts"
stop
inside ip link set lo up

inside ip rule add priority 800 fwmark 0x6e62 lookup 100
inside nft 'add table inet other; add chain inet other input { type filter hook input priority 0; };
	add rule inet other input meta mark set 0x6e63; add rule inet other input meta mark set 0x6e62'
ip -n "$namespace" link add strict0 type veth peer name strict1
inside sysctl -qw net.ipv4.conf.strict0.src_valid_mark=1
inside ip route add 198.51.100.0/24 dev lo table 5060
ip netns exec "$namespace" perl -MSocket -e 'for (5062, 5063) { socket($s[$_], PF_INET, SOCK_DGRAM, 0) &&
	bind($s[$_], sockaddr_in($_, INADDR_ANY)) or die } $| = 1; print "taken\n"; sleep' >"$work/taken" &
taker=$!
eventually grep -q taken "$work/taken"
finds 7 "relay.mark 0x6e62 is in use" "relay.own-mark 0x6e63 is set" "relay.table 5060 has routes" \
	"relay.mark 0x6e62 is set" "on interface strict0" "UDP port 5062" "UDP port 5063" -- "${relay[@]}"
say $? "all that relay mode needs and somebody else uses is told at once: marks, table, a sysctl, ports"
finds 3 "on interface strict0" "UDP port 5062" "UDP port 5063" -- "${relay[@]}" -o relay.rules=manual &&
	finds 1 "relay.own-mark 0x6e63 is set" -- -o natbox.mode=queue
say $? "of marks and table nothing where the operator has the rules, and in mode queue its own mark alone"
tests_ok
say $? "and does not matter to sniff mode"
kill $taker && wait $taker
inside ip rule del priority 800
inside nft delete table inet other
inside ip route flush table 5060
ip -n "$namespace" link del strict0

before=(setpriv --reuid nobody --clear-groups)
finds 1 "no permission" -- && finds 1 "no privilege" -- "${relay[@]}"
say $? "no privilege is one fault"
finds 2 "cannot become user daemon: start natbox as root" -- -o natbox.user=daemon
say $? "nor can just anybody become another user"
before=()

start "${relay[@]}" -o metrics.listen=127.0.0.1:9560 -o state.path="$work/state"
finds 1 "another natbox (process $pid)" -- "${relay[@]}" -o metrics.listen=127.0.0.1:9560 \
	-o state.path="$work/state"
say $? "another natbox is one fault, whatever else that one has in use"
finds 2 "another natbox (process $pid)" "192.0.2.1:5060 is no address of this host" -- "${relay[@]}" -o natbox.proxy=192.0.2.1
say $? "but not all that is in the way"
is_running && eventually is_diverting && stop
say $? "which is not disturbed by the test"
start
finds 2 "another natbox (process $pid)" "cannot capture on nowhere0" -- -i nowhere0
say $? "nor does one that sniffs hide an interface that is not there"
stop

# As of tunnels, which have the address of their near end in common.
for i in $(seq 1100); do echo "addr add 10.2.0.1 peer 10.3.$((i / 200)).$((i % 200)) dev lo"; done | ip -n "$namespace" -b -
new_log
inside "$natbox" "${common[@]}" -t -t -o 'natbox.proxy=*:5060' >"$work/out" 2>"$work/log" &&
	! logged "more than 1024"
say $? "one address of many tunnels counts once"
ip -n "$namespace" addr flush to 10.2.0.1 dev lo

# Each address twice, by its ports.
for i in $(seq 520); do echo "addr add 10.1.$((i / 200)).$((i % 200))/32 dev lo"; done | ip -n "$namespace" -b -
new_log
inside "$natbox" "${common[@]}" -t -t -o 'natbox.proxy=*:5060, *:5070' >"$work/out" 2>"$work/log" &&
	[ "$(wc -l <"$work/log")" = 1 ] && logged "warning: natbox.proxy means more than 1024 addresses"
say $? "it warns of more addresses than natbox has room for"
start -o 'natbox.proxy=*:5060, *:5070' && logged "warning: natbox.proxy means more than 1024 addresses"
say $? "and so does natbox when it starts"
stop
exit 0
