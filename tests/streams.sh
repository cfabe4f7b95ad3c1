#!/bin/bash
# Standard output and standard error that are full, closed, or read by nobody: what is lost is said and
# shows in the exit status, nothing goes into a file that it is not meant for, and natbox runs on.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
capture=pcaps/register-then-called
. tests/loopback.bash

# The exit status is 1, and one line says why.
is_a_fault() { # command...
	"$@" 2>"$work/log"
	[ $? -eq 1 ] && [ "$(wc -l <"$work/log")" = 1 ] &&
		grep -q "cannot write to standard output" "$work/log"
}

has_logged() { # count, text
	[ "$(grep -c -- "$2" "$work/log")" = "$1" ]
}

# Starts natbox, sniffing on a loopback of its own; the caller redirects.
start() { # further arguments
	: >"$work/log"
	ip netns exec "$namespace" "$natbox" -c "$work/ini" -l "$work/log" "$@" &
	pid=$!
	eventually logged ready
}

ends_with() { # exit status
	kill -TERM "$pid" && wait "$pid"
	local status=$?
	pid=
	[ $status = "$1" ]
}

# A message without what it needs is an event. dd makes one datagram of it; nobody takes it.
make_an_event() {
	printf 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n' | ip netns exec "$namespace" \
		bash -c 'dd bs=1000 status=none >/dev/udp/127.0.0.1/5060'
}

loses_an_event() {
	make_an_event && eventually logged "events lost"
}

for option in -h -V "-t -c /dev/null" "--rules -c /dev/null -o natbox.proxy=192.0.2.1:5060" \
	"-r $capture.pcap -c $capture.ini"; do
	# shellcheck disable=SC2086
	is_a_fault "$natbox" $option >/dev/full
	say $? "${option%% *} says when standard output is full"
	# shellcheck disable=SC2086
	is_a_fault "$natbox" $option >&-
	say $? "${option%% *} says when standard output is closed"
done

"$natbox" -r $capture.pcap -c $capture.ini -w "$work/open.pcap" >"$work/events"
is_a_fault "$natbox" -r $capture.pcap -c $capture.ini -w "$work/closed.pcap" >&- &&
	cmp "$work/open.pcap" "$work/closed.pcap"
say $? "-w writes the same capture where standard output is closed"

printf '[natbox]\nproxy = 127.0.0.1:5060\ninterface = lo\nuser =\n[control]\nsocket =\n' >"$work/ini"
loopback_up || exit 1

start -o state.path="$work/state" 2>&- >&-
[ "$(stat -Lc %t:%T "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" = 1:3 ] # /dev/null
say $? "no file of natbox's takes the place of a closed standard error"
ends_with 0
say $? "and it stops cleanly"

start -o log.events=/dev/full -o state.path= && loses_an_event
say $? "a full disk loses events, and natbox says so"
ends_with 0
say $? "and runs on, and stops cleanly"

# The limit is that of a file: the log is far from it.
head -c 100000 /dev/zero >"$work/limited"
start -o log.events="$work/limited" -o state.path=
prlimit --pid "$pid" --fsize=100000:unlimited
for n in 1 2 3; do make_an_event && eventually has_logged $n malformed; done
has_logged 1 events && logged "events lost: cannot write to $work/limited"
say $? "one line says that events are lost, however many"
prlimit --pid "$pid" --fsize=unlimited
make_an_event && eventually logged "events are written to $work/limited again: 3 were lost"
say $? "and one how many were, once they are written again"
ends_with 0

mkfifo "$work/pipe"
cat <"$work/pipe" >/dev/null &
reader=$!
start -o log.events=- -o state.path= >"$work/pipe"
kill $reader
wait $reader
loses_an_event
say $? "a reader that has left loses events, and natbox says so"
ends_with 0
say $? "and natbox runs on, and stops cleanly"
