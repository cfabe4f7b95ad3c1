#!/bin/bash
# Files, FIFOs and links that somebody else has a hand in: who does not read, does not write, or lays
# links does not stop natbox, and gets nothing that he may not have. natbox sniffs on a network
# namespace's loopback here, as a dry run.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s build/load || exit 1
. tests/loopback.bash
proxy=203.0.113.1 phone=198.51.100.7
nobody=$(id -u nobody)

say() { # status, what it shows; level debug has too much to say
	[ "$1" -ne 0 ] || { echo "ok - $2"; return; }
	echo "not ok - $2"
	failed=1
	grep -v debug: "$work/log" | cut -c -200
}

clean_up_all() { # what waits for a reader hears of no SIGTERM
	end_children KILL
	exec 5<&- 6>&-
	cleanup
}
trap clean_up_all EXIT

# Standard error is the caller's to redirect.
launch() { # further arguments
	: >"$work/log"
	ip netns exec "$namespace" "$natbox" -n -c "$work/ini" "$@" &
	pid=$!
}

start() { # further arguments
	launch -l "$work/log" "$@"
	eventually logged ready
}

is_gone() { ! kill -0 "$pid" 2>/dev/null; }

# Stops in time, with this exit status; is killed otherwise.
stops_with() { # exit status
	local status
	kill -TERM "$pid"
	eventually is_gone || { kill -KILL "$pid"; echo "# had to be killed"; }
	wait "$pid"
	status=$?
	pid=
	[ $status = "$1" ] || { echo "# exit status $status"; return 1; }
}

# Each user registers from a port of its own: two events, and packets that level debug has a line of.
register() { # how many
	ip netns exec "$namespace" build/load -g -n $((2 * $1)) -u "$1" -b 64 -r 1 $phone $proxy:5060 "$pid" \
		>/dev/null
}

send_malformed() { # how many
	ip netns exec "$namespace" bash -c 'for ((i = 0; i < '"$1"'; i++)); do
		printf "INVITE sip:a SIP/2.0" >/dev/udp/'$proxy'/5060
	done'
}

# Nobody waits for the other end of this FIFO while descriptor 6 is both.
open_to_read() { # FIFO, as descriptor 5
	exec 6<>"$1" 5<"$1"
}

# Every line is an event from its first byte to its last.
holds_whole_events() { # file
	[ -s "$1" ] && ! grep -qv '^{"time":[0-9]*\.[0-9]*,"event":"[a-z-]*",.*}$' "$1"
}

cat >"$work/ini" <<INI
[natbox]
proxy = $proxy:5060
interface = lo
user =
[state]
path =
[control]
socket =
INI
loopback_up $proxy $phone || exit 1
chmod 755 "$work"

# --- A configuration that nobody writes: this one waits while the other tests run.
mkfifo "$work/unwritten"
timeout 300 "$natbox" -t -c "$work/unwritten" >"$work/unwritten.out" 2>&1 &
unwritten=$!

# --- The event stream
mkfifo "$work/fifo"
start -d -o log.events="$work/fifo" -o log.events-of=all &&
	eventually logged "warning: nobody reads $work/fifo yet"
say $? "a FIFO that nobody reads does not hold up the start, and natbox says so"
register 64
exec 5<"$work/fifo"
IFS= read -r -t 60 line <&5 && [[ $line == *endpoint-add* ]]
say $? "who reads it later finds what was written before"
register 3000
eventually logged "events lost: cannot write to $work/fifo: its reader does not read"
say $? "a reader that does not read loses events, and natbox says so"
[ "$(grep -c "events lost" "$work/log")" = 1 ]
say $? "once"
(exec cat <&5) >"$work/read" &
reader=$!
exec 5<&-
eventually logged "events are written to $work/fifo again: [0-9]* were lost"
say $? "when he reads again, natbox says how many were lost"
stops_with 0
say $? "and it stops cleanly"
wait $reader
lost=$(sed -n 's/.*again: \([0-9]*\) were lost.*/\1/p' "$work/log")
events=$(grep -c 'debug: [a-z-]* [0-9.:]* at ' "$work/log") # level debug has a line of each
holds_whole_events "$work/read" && [ $(($(wc -l <"$work/read") + 1 + lost)) = "$events" ]
say $? "what he got is whole lines, and with those that were lost it is all"

rm -f "$work/fifo" && mkfifo "$work/fifo"
exec 5<>"$work/fifo"
start -o log.events=- -o metrics.listen=127.0.0.1:9560 >"$work/fifo"
register 3000
eventually logged "events lost: cannot write to standard output: its reader does not read"
say $? "nor does a pipe as standard output hold natbox up"
answers_healthz() {
	ip netns exec "$namespace" curl -sf -o /dev/null http://127.0.0.1:9560/healthz
}
lost_figure() {
	ip netns exec "$namespace" curl -s http://127.0.0.1:9560/metrics |
		grep -q '^natbox_event_lines_lost_total [1-9]'
}
eventually lost_figure
say $? "a figure counts the lines that were lost"
flags=$(sed -n 's/^flags:.*\(.....\)$/\1/p' "/proc/$pid/fdinfo/1")
[ $((8#$flags & 8#4000)) = 0 ]
say $? "and nothing is changed on what natbox shares with others"
stops_with 0
say $? "it stops cleanly while the pipe is full"
exec 5<&-
mkfifo "$work/full"
exec 5<>"$work/full"
timeout 1 dd if=/dev/zero bs=4096 of="$work/full" 2>/dev/null
start -o log.events="$work/full"
register 64
stops_with 0 && logged "error: events lost: cannot write to $work/full: its reader does not read"
say $? "and where the stop is the first to meet that"
launch -d -l "$work/full" -o metrics.listen=127.0.0.1:9560
eventually answers_healthz
say $? "a log that is full already does not hold up the start"
stops_with 0
say $? "nor the stop"
exec 5<&-

: >"$work/events"
start -o log.events="$work/events"
send_malformed 200
told() { # how many events of the kind the file tells of, written or left out
	awk -v n=0 '/"malformed"/ { n++ } match($0, /"left_out":[0-9]+/) {
		n += substr($0, RSTART + 11, RLENGTH - 11) } END { exit n != '"$1"' }' "$work/events"
}
eventually told 200
say $? "of malformed messages the event stream tells each, in lines or as left out"
[ "$(grep -c malformed "$work/events")" -lt 100 ]
say $? "and it does not have a line for each"
stops_with 0

# --- The log
mkfifo "$work/errors"
open_to_read "$work/errors"
launch -d 2>"$work/errors"
exec 6<&-
until IFS= read -r -t 60 line <&5 && [[ $line == "natbox: ready"* ]] || [ -z "$line" ]; do :; done
[[ $line == "natbox: ready"* ]]
say $? "natbox logs to a pipe"
register 1000
stops_with 0
say $? "a reader of standard error that does not read holds nothing up, SIGTERM included"
exec 5<&-

rm "$work/errors" && mkfifo "$work/errors"
open_to_read "$work/errors"
launch -d 2>"$work/errors"
exec 6<&-
until IFS= read -r -t 60 line <&5 && [[ $line == "natbox: ready"* ]] || [ -z "$line" ]; do :; done
register 1000
(exec cat <&5) >"$work/log" &
reader=$!
exec 5<&-
tells_lost() { kill -USR1 "$pid" && logged "natbox: warning: [0-9]* lines of this log were lost"; }
eventually tells_lost
say $? "once he reads again, the log says how many lines were lost"
stops_with 0
wait $reader
! grep -qv '^natbox: ' "$work/log"
say $? "and has whole lines"

mkfifo "$work/log.fifo"
launch -l "$work/log.fifo"
exec 5<"$work/log.fifo"
IFS= read -r -t 60 line <&5 && [[ $line == *ready* ]]
say $? "a FIFO that nobody reads is a log as well"
exec 5<&-
stops_with 0

# --- The configuration
wait $unwritten
[ $? = 2 ] && [ "$(cat "$work/unwritten.out")" = "$work/unwritten: is a FIFO that nobody writes to; \
name a file with -c, or see that all of it is written at once" ]
say $? "a FIFO that nobody writes to is no configuration"
for other in /dev/zero:device "$work:directory"; do
	[ "$("$natbox" -t -c "${other%:*}" 2>&1)" = "${other%:*}: is a ${other#*:}; name a file with -c" ]
	say $? "nor is a ${other#*:}"
done
"$natbox" -t -c <(sleep 0.5; cat "$work/ini") >/dev/null &&
	"$natbox" -t -c /dev/stdin >/dev/null < <(cat "$work/ini") && "$natbox" -t -c /dev/null >/dev/null
say $? "what a program writes is one, and so is /dev/null"

start
cp "$work/ini" "$work/ini.kept"
rm "$work/ini" && mkfifo "$work/ini"
kill -HUP "$pid"
eventually logged "error: $work/ini: is a FIFO that nobody writes to" &&
	eventually logged "the configuration stays as it was"
say $? "a FIFO in the place of the configuration does not hold SIGHUP up"
open_to_read "$work/ini"
cat "$work/ini.kept" >&6
exec 6<&-
kill -HUP "$pid"
eventually logged "configuration read again"
say $? "and one that is written is read"
exec 5<&-
rm "$work/ini" && mv "$work/ini.kept" "$work/ini"
stops_with 0

# --- Links, laid by the user that natbox becomes, while it is still root
as_nobody=(-o natbox.user=nobody -o log.level=debug)
reset() { # the files of root, and a directory of that user's
	rm -rf "$work/theirs" "$work/ours"
	install -d -m 755 "$work/ours"
	install -d -o nobody -m 755 "$work/theirs"
	echo precious >"$work/ours/precious"
	chmod 600 "$work/ours/precious"
}
is_untouched() {
	[ "$(cat "$work/ours/precious")" = precious ] &&
		[ "$(stat -c %a:%u "$work/ours/precious")" = 600:0 ]
}
lay() { # link or ln's other arguments, as that user
	setpriv --reuid "$nobody" --clear-groups ln "$@"
}
ends() { # does not start
	eventually is_gone || { kill -KILL "$pid"; echo "# had to be killed"; }
	wait "$pid"
	pid=
}

reset && lay -s ../ours/precious "$work/theirs/link"
launch "${as_nobody[@]}" -o log.events="$work/theirs/link" 2>"$work/log" && ends
is_untouched && logged "natbox: error: cannot open event stream $work/theirs/link: "
say $? "the event stream does not go where that user's link leads to"
reset && lay -s ../ours/precious "$work/theirs/link"
launch "${as_nobody[@]}" -l "$work/theirs/link" 2>"$work/log" && ends
is_untouched && logged "natbox: error: cannot open log $work/theirs/link: "
say $? "nor does the log"
reset && lay -s ../ours "$work/theirs/directory"
launch "${as_nobody[@]}" -o log.events="$work/theirs/directory/new" 2>"$work/log" && ends
[ ! -e "$work/ours/new" ]
say $? "nor by a link to a directory"
reset && ln "$work/ours/precious" "$work/theirs/link"
launch "${as_nobody[@]}" -o log.events="$work/theirs/link" 2>"$work/log" && ends
is_untouched && logged "natbox: error: cannot open event stream $work/theirs/link: "
say $? "nor by a second name of a file"
reset && lay -s ../ours/precious "$work/theirs/link"
"$natbox" -r pcaps/two-winners.pcap -c /dev/null -o natbox.user=nobody -w "$work/theirs/link" \
	>/dev/null 2>"$work/log"
is_untouched && logged "cannot create $work/theirs/link"
say $? "nor does what -w writes"
reset && install -d -m 1777 "$work/shared" &&
	setpriv --reuid 12345 --clear-groups ln -s "$work/ours/precious" "$work/shared/link"
launch "${as_nobody[@]}" -l "$work/shared/link" 2>"$work/log" && ends
is_untouched && logged "it is a symbolic link of somebody else"
say $? "nor does anything by a stranger's link"
reset && ln "$work/ours/precious" "$work/shared/name"
launch "${as_nobody[@]}" -l "$work/shared/name" 2>"$work/log" && ends
is_untouched && logged "natbox: error: cannot open log $work/shared/name: "
say $? "nor by a second name in a directory that is everybody's"

reset
echo '{}' >"$work/theirs/events" && chmod 666 "$work/theirs/events"
start "${as_nobody[@]}" -o log.events="$work/theirs/events" &&
	[ "$(stat -c %u "$work/theirs/events")" = 0 ]
say $? "a file of root's in that user's directory is not given to him"
stops_with 0
reset
start "${as_nobody[@]}" -o log.events="$work/theirs/events" &&
	[ "$(stat -c %U "$work/theirs/events")" = nobody ]
say $? "a file that he may make himself is his"
stops_with 0
reset && ln -s ours "$work/elsewhere"
start "${as_nobody[@]}" -o log.events="$work/elsewhere/events" &&
	[ "$(stat -c %U "$work/ours/events")" = nobody ]
say $? "a directory that is root's link is as good as any"
stops_with 0
reset && lay -s ../ours "$work/theirs/state"
: >"$work/log"
ip netns exec "$namespace" "$natbox" -c "$work/ini" "${as_nobody[@]}" -o keepalive.scope=off \
	-o state.path="$work/theirs/state/new" -l "$work/log" &
pid=$!
eventually logged ready && [ ! -e "$work/ours/new" ]
say $? "nor is a state directory made by that user's link"
stops_with 0

# --- Who is to be told
errors_of() { # natbox's arguments
	"$natbox" "$@" 2>"$work/errors.file"
	cat "$work/errors.file"
}
: >"$work/errors.file"
[[ $(errors_of -r /nowhere) == "natbox: error: "* ]]
say $? "an error says that it is one"
JOURNAL_STREAM=$(stat -c %d:%i "$work/errors.file")
export JOURNAL_STREAM
[[ $(errors_of -r /nowhere) == "<3>natbox: error: "* ]] &&
	[[ $(errors_of -t -c /nowhere) == "<3>/nowhere: "* ]] && [[ $(errors_of -x) == "<3>natbox: unknown option"* ]]
say $? "the journal gets its priority"
JOURNAL_STREAM=1:1
[[ $(errors_of -r /nowhere) == "natbox: error: "* ]]
say $? "and nobody else"
