#!/bin/bash
# What a service manager is told by natbox, which runs as another user by then.
. "$(dirname "$0")/service.bash"

# Takes its part: each datagram is a line of $work/told, with blanks for ends of lines.
chmod 711 "$work"
perl -MSocket -e '
	socket($s, PF_UNIX, SOCK_DGRAM, 0) && bind($s, pack_sockaddr_un($ARGV[0])) or die;
	chmod 0777, $ARGV[0];
	$| = 1;
	while (defined recv($s, $words, 4096, 0)) { print $words =~ tr/\n/ /r, "\n" }' \
	"$work/notify" >"$work/told" &
manager=$!
trap 'kill $manager; cleanup' EXIT
export NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=600000
# It is told by itself that the manager is there, whichever process natbox's wrappers leave it.
unset WATCHDOG_PID

told() { grep -q -- "$1" "$work/told"; }
times_told() { grep -c -- "$1" "$work/told"; }
is_fed() { [ "$(times_told WATCHDOG=1)" -gt "$fed" ]; }
eventually_is_fed() { fed=$(times_told WATCHDOG=1) && eventually is_fed; }
answers() { [ "$(inside curl -s --max-time 2 -o /dev/null -w '%{http_code}' http://127.0.0.1:9560/healthz)" = "$1" ]; }
is_told_of_a_reload() { [ "$(grep -xcE 'READY=1|RELOADING=1 MONOTONIC_USEC=[0-9]+' "$work/told")" = "$1" ]; }
manage() { # further arguments
	: >"$work/told"
	start -o natbox.user=nobody "$@"
}

eventually test -S "$work/notify"
preload_ends
manage -o 'natbox.proxy=*:5060' -o metrics.listen=127.0.0.1:9560
eventually told '^READY=1$'
say $? "it is told once packets are handled"
eventually told '^STATUS=0 endpoints, 0 of them lost$'
say $? "and how many endpoints there are"
eventually_is_fed && eventually_is_fed
say $? "the turns of the loop feed the watchdog"
kill -HUP "$pid"
eventually is_told_of_a_reload 3 && [ "$(grep -E '^(READY|RELOADING)' "$work/told" | tail -n 1)" = READY=1 ]
say $? "it is told of a reload, and of its end"
echo bogus >>"$work/ini"
kill -HUP "$pid"
eventually is_told_of_a_reload 5 && logged "stays as it was"
say $? "also of one that changes nothing, as the file is wrong"
sed -i '$d' "$work/ini"
eventually answers 200 && echo getifaddrs >"$ENDS" && eventually answers 503 && fed=$(times_told WATCHDOG=1)
eventually answers 503 && answers 503 && ! is_fed
say $? "a loop that stalls feeds it no more, whatever other threads do"
: >"$ENDS"
kill -9 "$pid" && { ended 2>/dev/null || :; }

preload=''
manage
stop && told '^STOPPING=1$'
say $? "it is told of the end"
inside ip link add lan type veth peer name far && inside ip link set lan up && manage -i lan &&
	inside ip link del lan && eventually told '^STATUS=interface lan is gone' && eventually_is_fed
say $? "to wait for an interface is no stall"
stop
ends_with 2 "no such interface" "${booted[@]}" -- -i nowhere0 && eventually told '^STATUS=cannot capture on nowhere0'
say $? "and what it ended with is told as well"

echo "# a start that takes long"
preload_ends
echo slow >"$ENDS"
start -o state.path="$work/state" && stop && ! logged "did not run"
say $? "is no pause"
exit 0
