#!/bin/bash
# natbox is killed (SIGKILL) 200 times at random moments, while phones register, move, subscribe, call
# and hang up through a real Kamailio. After each start phones see what the new one knows, by whether
# its keepalives reach them: nothing acknowledged more than 2 s before the kill is missing, nothing
# that had ended by then has come back. tests/programs/witness.c plays the phones. Eight natboxes are killed
# side by side, as most of it is waiting, each on a loopback of its own; half of them relay, in both
# modes that there are for it.
#
#     tests/killed.sh                                    all of it
#     tests/killed.sh relay|queue|sniff KILLS SEED NATBOX...   one, and how it is started
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/loopback.bash
proxy=203.0.113.1 client=198.51.100.7
lanes=8 kills=25 modes=(relay sniff queue sniff)

is_listening() {
	ip netns exec "$namespace" ss -Hlun sport = :5060 | grep -q 5060
}

prepare() {
	loopback_up $proxy $client || return
	ip netns exec "$namespace" kamailio -DD -E -f tests/lab/kamailio.cfg -Y "$work" \
		-P "$work/pid" -m 32 -M 4 -n 1 -l udp:$proxy:5060 >"$work/log" 2>&1 &
	pid=$!
	within 60 is_listening
}

# One natbox, as often as it is to be killed. The witness tells what it saw, and its status is ours.
kill_again_and_again() { # relay, queue or sniff, kills, seed, what starts natbox...
	local mode=$1 kills=$2 seed=$3 repairs=() status
	shift 3
	[ "$mode" = sniff ] || repairs=(-r)
	prepare || exit 2
	export work
	ip netns exec "$namespace" build/witness "${repairs[@]}" -k "$kills" -s "$seed" \
		$client $proxy:5060 "$@" -c /dev/null -o natbox.mode="$mode" -o natbox.user= \
		-o natbox.interface=lo -o natbox.proxy=$proxy:5060 -o keepalive.interval=1s \
		-o state.path="$work/state" -o control.socket= -o log.events="$work/events"
	status=$?
	if awk -F '[:,]' '$2 < 1e9 { early = 1 } END { exit !early }' "$work/events"; then
		echo "# events bear times that are none of the day's"
		status=3
	fi
	exit $status
}

# Two that the witness has to see through: one keeps nothing, the other starts with old state.
# shellcheck disable=SC2016 # the shell that runs them expands them
forgetful='exec "$0" "$@" -o state.path='
# shellcheck disable=SC2016
backward='cd "$work" && { [ -d old ] || cp -r state old; } 2>/dev/null && rm -r state && cp -r old state
	cd "$OLDPWD" && exec "$0" "$@"'

declare -A started
start() { # name, arguments for one
	local name=$1
	shift
	"$0" "$@" >"$work/$name" 2>&1 &
	started[$name]=$!
}

# Shows what a witness said, and whether it ended with that status and saw that.
expect() { # what it shows, name, status, pattern
	wait "${started[$2]}"
	[ $? -eq "$3" ] && grep -q "$4" "$work/$2"
	say $? "$1"
	sed 's/^[^#]/# &/' "$work/$2"
}

[ $# -eq 0 ] || kill_again_and_again "$@"
make -s natbox tools || exit 1
seen="killed $kills times.* 0 missing, 0 came back.* 0 requests failed"
: >"$work/log"
for ((lane = 1; lane <= lanes; lane++)); do
	start $lane "${modes[lane % 4]}" $kills $RANDOM "$natbox"
done
start forgetful relay 4 $RANDOM sh -c "$forgetful" "$natbox"
start backward sniff 4 $RANDOM sh -c "$backward" "$natbox"
for ((lane = 1; lane <= lanes; lane++)); do
	expect "killed $kills times under load, it knows what it knew ($lane)" $lane 0 "$seen"
done
expect "the witness misses what a natbox without state forgets" forgetful 1 " [1-9][0-9]* missing"
expect "the witness sees come back what old state brings back" backward 1 " [1-9][0-9]* came back"
exit 0
