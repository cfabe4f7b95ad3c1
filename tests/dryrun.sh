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
		-o log.events="$work/events" -o state.path="$work/state" "$@" 2>"$work/log" &
	pid=$!
	within 5 logged ready
}

stop() {
	kill "$pid" && wait "$pid"
	pid=
}

# Every phone registers once; none of them answers anything else.
register() {
	ip netns exec "$namespace" build/load -n $phones -u $phones -b $phones -r 1 \
		$client $proxy "$pid" >"$work/load"
}

notifies_within() { # seconds: how many NOTIFY requests are on the wire
	ip netns exec "$namespace" timeout "$1" tcpdump -i lo -n -A udp 2>/dev/null | grep -c '^.*NOTIFY sip:'
}

events() { # event
	grep -c "\"event\":\"$1\"" "$work/events"
}

loopback_up ${proxy%:*} $client || exit 1

start && register && [ "$(notifies_within 4)" -gt $phones ] && [ "$(events lost)" = $phones ]
say $? "without -n keepalives leave, and who does not answer is lost"
stop && [ -e "$work/state/state.mdb" ]
say $? "natbox stops cleanly, and its state is kept"
rm -r "$work/state"

start -n && register && [ "$(notifies_within 6)" = 0 ]
say $? "a dry run sends nothing"
[ "$(events endpoint-add)" = $phones ] && [ "$(events keepalive)" -ge $((phones * 4)) ]
say $? "its events show what would have been sent"
[ "$(events lost)" = 0 ] && [ "$(events endpoint-remove)" = 0 ]
say $? "nobody is lost in a dry run"
stop
say $? "a dry run stops cleanly"
[ ! -e "$work/state" ]
say $? "a dry run leaves no state"
exit 0
