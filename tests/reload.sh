#!/bin/bash
# SIGHUP: what can change while natbox runs does, what cannot is named, a bad file changes nothing, and
# rotated files are opened anew. natbox sniffs on a network namespace's loopback here; nothing is sent.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/loopback.bash

configure() { # lines under [log] and what may follow
	printf '[natbox]\nproxy = 127.0.0.1:5060\ninterface = lo\nuser =\n[state]\npath =\n[log]\n%b' \
		"$1" >"$work/ini"
}

reload() { # text that the log is to show
	: >"$work/log"
	kill -HUP "$pid" && eventually logged "$1"
}

loopback_up || exit 1
configure "events = $work/events\n"
ip netns exec "$namespace" "$natbox" -c "$work/ini" -o control.socket="$work/socket" \
	2>>"$work/log" &
pid=$!
eventually logged ready
say $? "natbox starts"

configure "events = $work/events\n[nat]\ndetect = nonsense\n[class a]\nscope = all\n"
reload "stays as it was" && grep -q "ini:10: .*nonsense" "$work/log" &&
	grep -q "ini:11: class a: is for nobody" "$work/log"
say $? "a bad file changes nothing and says why"

configure "$(printf 'key%d = 1\\n' {1..70})"
reload "stays as it was" && [ "$(grep -c 'unknown key "key' "$work/log")" = 64 ] && logged "error: and 6 more$"
say $? "of many errors the first are told, and how many more there are"

configure "events = $work/events\nlevel = debug\n[keepalive]\ninterval = 7s\n[class a]\naor = *\nscope = all\n"
sed -i 's/^path =/&\nsync = 3s/' "$work/ini"
reload "read again" && ! grep -q restart "$work/log"
say $? "what can change does"

fixed="[relay]\nin-port = 5070\n[limits]\nendpoints = 2000000\n"
fixed+="[metrics]\nlisten = 127.0.0.1:9560\n"
configure "events = $work/events\n$fixed"
reload "read again" && grep -q "relay.in-port changes only with a restart" "$work/log" &&
	grep -q "limits.endpoints changes only with a restart" "$work/log" &&
	grep -q "metrics.listen changes only with a restart" "$work/log"
say $? "what cannot is named"

configure "events = $work/events\n[nat]\nmax-expires = 1h\nspread-expires = 20\n[relay]\nlost-answer = 430\n"
reload "read again" && logged "nat.max-expires does nothing in mode sniff" &&
	logged "nat.spread-expires does nothing" && logged "relay.lost-answer does nothing"
say $? "so is what this mode makes nothing of"

mv "$work/events" "$work/events.1"
configure "events = $work/events\n"
reload "read again" && [ -e "$work/events" ] && ! grep -qE 'error|fault' "$work/log"
say $? "the event stream is opened anew after rotation"

mv "$work/events" "$work/events.2"
configure "events = $work/events\n[nat]\ndetect = nonsense\n"
reload "stays as it was" && eventually [ -e "$work/events" ]
say $? "also where the file has an error"

mv "$work/events" "$work/events.3"
mkdir "$work/events"
configure "events = $work/events\n"
reload "cannot open event stream $work/events: Is a directory" && eventually logged "read again" &&
	logged "until then events go where they went"
say $? "where it cannot be opened again that is told"
rmdir "$work/events"

configure "events = $work/elsewhere\n"
reload "read again" && [ -e "$work/elsewhere" ]
say $? "the event stream moves to another file"

configure "events = $work/later/events\n"
reload "until then events go where they went" && mkdir "$work/later" && reload "read again" &&
	[ -e "$work/later/events" ]
say $? "where the other file cannot be opened, the next SIGHUP tries again"

: >"$work/log"
kill -USR1 "$pid" && eventually logged "0 endpoints"
say $? "SIGUSR1 logs a summary"

# The new file of events shows that it was read.
configure "level = error\nevents = $work/events.errors\n"
: >"$work/log"
kill -HUP "$pid" && eventually [ -e "$work/events.errors" ] && kill -USR1 "$pid" &&
	eventually logged "0 endpoints" && [ "$(wc -l <"$work/log")" = 1 ]
say $? "also where the level has the log hold back all but errors"

configure "level = debug\n"
reload "read again"
send() { # what comes to the proxy's port
	printf '%b' "$1" | ip netns exec "$namespace" bash -c 'cat >/dev/udp/127.0.0.1/5060'
}
send 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n'
from='127.0.0.1:[0-9]*'
eventually logged "debug: packet $from to 127.0.0.1:5060, .* bytes: INVITE sip:a SIP/2.0$" &&
	eventually logged "debug: malformed $from at 127.0.0.1:5060: header field without colon$"
say $? "at level debug each packet and each event is a line"
configure "level = info\n"
reload "read again" && send 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n' && eventually logged "malformed SIP" &&
	! grep -q debug: "$work/log"
say $? "and none at level info"

has_malformed() { # file of events
	grep -qs '"event":"malformed"' "$1"
}

configure "events = $work/chosen\nevents-of = lost, found\n"
reload "read again" && send 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n' && eventually logged "malformed SIP" &&
	configure "events = $work/chosen\n" && reload "read again" && ! has_malformed "$work/chosen" &&
	send 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n' && eventually has_malformed "$work/chosen"
say $? "which kinds of events are written changes; the log has what it had"

configure "events = $work/chosen\n[nat]\ndetect = nonsense\n"
reload "stays as it was" && : >"$work/chosen" && send 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n' &&
	eventually has_malformed "$work/chosen"
say $? "and a bad file does not change it back"

kill -TERM "$pid"
wait "$pid"
say $? "SIGTERM stops it cleanly"
pid=

: >"$work/log"
configure "events = $work/rotated\n"
ip netns exec "$namespace" "$natbox" -c "$work/ini" -o control.socket="$work/socket" -l "$work/log" &
pid=$!
eventually logged ready && send 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n' &&
	eventually has_malformed "$work/rotated" && mv "$work/log" "$work/log.1" &&
	mv "$work/rotated" "$work/rotated.1" && lines=$(cat "$work"/*.1 | wc -l) && kill -HUP "$pid" &&
	eventually grep -qs "read again" "$work/log" && send 'INVITE sip:a SIP/2.0\r\nVia\r\n\r\n' &&
	eventually logged "malformed SIP" && eventually has_malformed "$work/rotated" &&
	[ "$(cat "$work"/*.1 | wc -l)" = "$lines" ]
say $? "rotated, the log and the event stream go on in new files, and nothing more comes to the old ones"
mv "$work/log" "$work/log.2"
mkdir "$work/log"
! ./natboxctl -s "$work/socket" reload >"$work/shown" 2>&1 && grep -q "until then this log goes where it went" "$work/shown" &&
	grep -q "^natboxctl: not every file could be opened anew" "$work/shown"
say $? "natboxctl reload fails where the log cannot be opened anew"
rmdir "$work/log"
mv "$work/log.2" "$work/log"
kill -TERM "$pid"
wait "$pid"
pid=

# Every key that natbox.8 does not name among those that change.
configure "[control]\nsocket = $work/control\n"
: >"$work/log"
ip netns exec "$namespace" "$natbox" -c "$work/ini" 2>>"$work/log" &
pid=$!
cat >"$work/other" <<INI
[natbox]
mode = queue
proxy = 127.0.0.1:5070
interface = any
user = nobody
[state]
path = $work/state
[relay]
in-port = 5071
out-port = 5072
mark = 7
own-mark = 8
table = 9
rules = manual
[queue]
number = 10
[control]
socket = $work/other-socket
[metrics]
listen = 127.0.0.1:9561
group = daemon
[limits]
endpoints = 2000000
transactions = 300000
INI
awk -F ' = ' '/^\[/ { section = substr($0, 2, length($0) - 2); next } { print section "." $1 }' \
	"$work/other" | sort >"$work/fixed"
eventually logged ready && mv "$work/other" "$work/ini" && reload "read again" &&
	sed -n 's/.*warning: \([a-z.-]*\) changes only with a restart$/\1/p' "$work/log" | sort |
	cmp - "$work/fixed" && [ "$(wc -l <"$work/fixed")" = 17 ]
say $? "each key that changes only with a restart is named"
kill -TERM "$pid"
wait "$pid"
pid=

mkfifo "$work/fifo"
configure ''
: >"$work/log"
ip netns exec "$namespace" "$natbox" -c "$work/fifo" -o control.socket= 2>>"$work/log" &
pid=$!
reads_fifo() { ls -l "/proc/$pid/fd" 2>/dev/null | grep -q "$work/fifo"; }
eventually reads_fifo && kill -HUP "$pid" && kill -USR1 "$pid" && timeout 60 cp "$work/ini" "$work/fifo" &&
	eventually logged "stays as it was" && logged ready && logged "0 endpoints (at most 0)"
say $? "SIGHUP and SIGUSR1 that come before natbox is ready are taken then"
kill -TERM "$pid"
wait "$pid"

chmod 755 "$work"
configure ''
: >"$work/log"
ip netns exec "$namespace" "$natbox" -c "$work/ini" -o control.socket= -o natbox.user=nobody \
	-o log.events="$work/events.nobody" -l "$work/log.nobody" 2>>"$work/log" &
pid=$!
eventually grep -qs ready "$work/log.nobody" && [ "$(stat -c %U "$work/events.nobody")" = nobody ]
say $? "the event stream is given to the user that natbox becomes, who could not create it"
kill -HUP "$pid"
eventually grep -q "read again" "$work/log.nobody"
mv "$work/log.nobody" "$work/log"
grep -q "read again" "$work/log" && ! grep -q "cannot open" "$work/log"
say $? "the user that natbox becomes may open the log and the event stream again"
kill -TERM "$pid"
wait "$pid"

: >"$work/log"
: >"$work/precious"
ln -s precious "$work/link"
ip netns exec "$namespace" "$natbox" -c "$work/ini" -o control.socket= -o natbox.user=nobody \
	-o log.events="$work/link" 2>>"$work/log" &
pid=$!
eventually logged ready && [ "$(stat -c %U "$work/precious")" = root ]
say $? "what a symbolic link leads to is not given away"
kill -TERM "$pid"
wait "$pid"
ip netns exec "$namespace" "$natbox" -c "$work/ini" -o control.socket= -o natbox.user=nobody \
	-l "$work/link" 2>>"$work/log" &
pid=$!
eventually grep -q ready "$work/precious" && [ "$(stat -c %U "$work/precious")" = root ]
say $? "nor is it for the log"
kill -TERM "$pid"
wait "$pid"

: >"$work/log"
install -d -o nobody -m 700 "$work/private"
ip netns exec "$namespace" setpriv --bounding-set=-dac_override --inh-caps=-dac_override \
	"$natbox" -c "$work/ini" -o control.socket= -o natbox.user=nobody \
	-o log.events="$work/private/events" 2>>"$work/log" &
pid=$!
eventually logged ready && [ -e "$work/private/events" ]
say $? "a place where only that user may write does as well"
