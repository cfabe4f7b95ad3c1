#!/bin/bash
# natbox -n beside phones that register: its events show the keepalives, nothing leaves, nobody is lost
# for not answering them, and no state is touched.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox tools || exit 1
. tests/loopback.bash
proxy=203.0.113.1:5060 client=198.51.100.7 phones=64

start() { # further arguments for natbox
	: >"$work/log"
	: >"$work/events"
	ip netns exec "$namespace" "$natbox" -c /dev/null -i lo -o natbox.proxy=$proxy -o natbox.user= \
		-o keepalive.interval=1s -o keepalive.reply-timeout=500ms -o keepalive.drop-lost=yes \
		-o log.events="$work/events" -o log.events-of=all -o state.path="$work/state" "$@" \
		2>>"$work/log" &
	pid=$!
	eventually logged ready
}

stop() {
	kill "$pid" && wait "$pid"
	pid=
}

# Every phone registers once; none of them answers anything else.
register() {
	ip netns exec "$namespace" build/load -g -n $phones -u $phones -b $phones -r 1 \
		$client $proxy "$pid" >"$work/load"
}

# Writes down what is on the wire from now on.
watch() {
	unwatch
	: >"$work/wire"
	: >"$work/tcpdump"
	ip netns exec "$namespace" tcpdump -Z root -i lo -n -l -A udp >>"$work/wire" 2>>"$work/tcpdump" &
	watcher=$!
	eventually grep -q "listening on" "$work/tcpdump"
}

unwatch() {
	[ -z "$watcher" ] || { kill "$watcher" && wait "$watcher"; } 2>/dev/null
	watcher=
}
watcher=
trap 'unwatch; cleanup' EXIT

on_the_wire() { # method, at least
	[ "$(grep -c "$1 sip:" "$work/wire")" -ge "$2" ]
}

events() { # event
	grep -c "\"event\":\"$1\"" "$work/events"
}

has_events() { # event, at least
	[ "$(events "$1")" -ge "$2" ]
}

loopback_up ${proxy%:*} $client || exit 1

watch && start && register && eventually on_the_wire NOTIFY $((phones + 1)) &&
	eventually has_events lost $phones && [ "$(events lost)" = $phones ]
say $? "without -n keepalives leave, and who does not answer is lost"
eventually logged "$client:[0-9]* did not answer 3 keepalives in a row: sip:.*@"
say $? "which the log says"
stop && [ -e "$work/state/state.db" ]
say $? "natbox stops cleanly, and its state is kept"
rm -r "$work/state"

# Twice as many keepalives as it takes to be lost.
watch && start -n && register && eventually on_the_wire REGISTER $phones &&
	eventually has_events keepalive $((phones * 6)) && [ "$(events endpoint-add)" = $phones ]
say $? "the events of a dry run show what would have been sent"
! on_the_wire NOTIFY 1
say $? "a dry run sends nothing"
[ "$(events lost)" = 0 ] && [ "$(events endpoint-remove)" = 0 ]
say $? "nobody is lost in a dry run"
stop
say $? "a dry run stops cleanly"
[ ! -e "$work/state" ]
say $? "a dry run leaves no state"
exit 0
