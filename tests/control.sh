#!/bin/bash
# natboxctl and the control socket of a running natbox: every command on phones that register and
# answer, every wrong input, who may ask and who may not, and a minute of noise while REGISTERs go on
# being relayed. On the loopback of a network namespace, with the addresses of a proxy and a phone.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,NATBOXCTL,TMPDIR,FUZZ_SECONDS "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox natboxctl build/load build/controller || exit 1
. tests/phones.bash
ctl=${NATBOXCTL:-./natboxctl} socket=$work/natbox.sock
state=$work/kept sync=60s

ask() { "$ctl" -s "$socket" "$@" 2>"$work/errors"; }

shows() { # text, command...
	ask "${@:2}" >"$work/shown" && grep -q -e "$1" "$work/shown"
}

counts() { # how many lines, command...
	ask -j "${@:2}" >"$work/shown" && [ "$(wc -l <"$work/shown")" = "$1" ]
}

# One line on standard error, nothing on standard output, and that status.
refused() { # status, text, command...
	ask "${@:3}" >"$work/shown"
	[ $? -eq "$1" ] && [ ! -s "$work/shown" ] && [ "$(wc -l <"$work/errors")" = 1 ] &&
		grep -q -e "$2" "$work/errors" || { cat "$work/errors"; return 1; }
}

figure() { # of stats
	ask -j stats | grep -o "\"natbox_$1\":[0-9]*" | cut -d: -f2
}

is_more() { # figure, than that
	[ "$(figure "$1")" -gt "$2" ]
}

# What natbox answers to a line on its socket.
answer_to() { # printf's arguments
	# shellcheck disable=SC2059
	printf "$@" | build/controller "$socket" say
}

is_figure() { # of stats, what it is to be
	[ "$(figure "$1")" = "$2" ]
}

configure() { # more lines
	printf '%s\n' '[natbox]' "proxy = $proxy:5060" 'interface = lo' 'user =' '[keepalive]' \
		'interval = 1s' '[control]' "socket = $socket" '[state]' "path = $state" "sync = $sync" '[log]' \
		"events = $work/events" '[class second]' 'aor = *bob@*' 'max-lost = 3' '[class empty]' \
		'aor = *carol@*' 'max-lost = 3' "$@" >"$work/ini"
}

chmod 755 "$work"
configure
loopback_up $proxy $phone || exit 1
refused 3 "no natbox answers on $socket" status && refused 3 "no natbox answers on $work/ini/sock" -s "$work/ini/sock" status &&
	refused 3 "File name too long" -s "$work/$(printf '%0200d' 0)" status
say $? "where there is no natbox, natboxctl says so, with status 3"
echo kept >"$work/kept.pcap"
refused 3 "no natbox answers" trace alice -w "$work/kept.pcap" && [ "$(cat "$work/kept.pcap")" = kept ]
say $? "and a trace leaves the file that it was to write as it was"

start
say $? "natbox starts with a control socket"
[ "$(stat -c %a "$socket")" = 600 ]
say $? "which nobody else may use"
printf 'version\nversion\n' >"$work/asked"
kill -STOP "$pid" # so that it hears both, and the end, before it answers
build/controller "$socket" say <"$work/asked" >"$work/shown" &
asker=$!
waits() { grep -q unix_stream "/proc/$asker/wchan"; }
has_its_end() { ! kill -0 "$asker" 2>/dev/null; }
eventually waits && kill -CONT "$pid" && within 20 has_its_end && [ "$(grep -c done "$work/shown")" = 2 ]
say $? "whoever has asked for two things and ended gets both answers, and an end"
kill "$asker" 2>/dev/null
shows '^last in  *none since the start$' status && shows '^last out  *none since the start$' status
say $? "status says that no packet has come yet"
registrar_up
phone_up alice 5070
phone_up bob 5071
eventually counts 2 endpoints
say $? "endpoints -j has a line for each phone that registers"
eventually shows '^endpoints  *2; 0 lost, 0 unproven$' status && eventually shows '^last in.*ago$' status &&
	shows 'mode sniff' status && shows "^proxies  *$proxy:5060$" status &&
	shows '"endpoints":2' -j status && shows '^last out.*ago$' status
say $? "status says what runs, with how many endpoints, and that packets come"
shows "^configuration  *$work/ini$" status && shows "^events  *$work/events$" status &&
	shows '^reasons  *2 registrations, 0 subscriptions, 0 dialogs$' status &&
	shows '^keepalives  *on$' status && shows '^metrics  *none$' status &&
	shows "^state  *$state, lag [0-9]* s$" status
say $? "and with which configuration, and what it keeps and writes"
shows "^CLIENT .*ADDRESS OF RECORD$" endpoints &&
	shows "^$phone:5070  *reachable .* 1r  *alice@$proxy$" endpoints && shows '^2 endpoints$' endpoints
say $? "endpoints are a table for people"
[ "$(ask endpoints | awk 'length($0) > 80' | wc -l)" = 0 ]
say $? "of 80 columns"

counts 1 endpoints aor='*bob*' && counts 2 endpoints network=198.51.100.0/24 &&
	counts 0 endpoints network=10.0.0.0/8 && counts 2 endpoints proxy=$proxy &&
	counts 2 endpoints proxy=$proxy:5060 && counts 0 endpoints reason=dialog &&
	counts 1 endpoints reason=registration aor=alice && counts 1 endpoints class=second &&
	counts 0 endpoints class=empty && shows 'class  *second$' show bob && counts 0 endpoints lost &&
	counts 0 endpoints 'quiet>10m'
say $? "filters let through what they say"
refused 1 "no such class" endpoints class=third && refused 1 "no such class" -j lost class=Second &&
	refused 1 "no such proxy" endpoints proxy=$proxy:5061 && refused 1 "no such proxy" lost proxy=$phone
say $? "a class or a proxy that there is not is refused, with status 1"
shows "^$phone:5070 at $proxy:5060$" show alice && shows 'state  *reachable' show alice &&
	shows "registration  sip:alice@$proxy, ends in" show $phone:5070 &&
	shows 'nat  *contact-private' show "sip:alice@$proxy" && counts 2 show $phone &&
	shows '"reasons":\[{"reason":"registration","id":"sip:alice@' -j show alice
say $? "show finds a phone by name and by address, with its reasons"
refused 1 "no endpoint of carol" show carol && refused 1 "no endpoint of $phone:5099" -j show $phone:5099
say $? "and says so in a line where there is none, with status 1"

help_with "$work/live" "$ctl" -s "$socket" events -k keepalive,reply
help_with "$work/losses" "$ctl" -s "$socket" -j events -k lost,endpoint-remove
eventually grep -q " reply $phone:5070 at $proxy:5060 status=200 rtt=" "$work/live" &&
	! grep -qv ' keepalive \| reply ' "$work/live" && [ $(($(stat -c %s "$work/live") % 4096)) -ne 0 ]
say $? "events show what happens when it does, of the kinds that are asked for"
# A phone without a processor may answer a keepalive after the next one.
traces_a_keepalive_and_its_answer() {
	ask trace alice -c 2 >"$work/trace" || return
	cat "$work/trace" >>"$work/traces"
	grep -q "^NOTIFY sip:alice@$phone:5070 SIP/2.0$" "$work/trace" &&
		grep -q "^-- .* $phone:5070 > $proxy:5060 came$" "$work/trace"
}
eventually traces_a_keepalive_and_its_answer && [ "$(grep -c '^-- ' "$work/trace")" = 2 ] &&
	! grep -q 5071 "$work/traces"
say $? "trace shows one phone's messages and no other's, as many as asked for"
ask trace $phone:5071 -c 4 -w "$work/bob.pcap" >"$work/shown" && [ ! -s "$work/shown" ] &&
	[ "$(tcpdump -n -r "$work/bob.pcap" 2>/dev/null | grep -c "$phone.5071.*SIP")" = 4 ]
say $? "or writes them to a pcap file, that tcpdump reads"
ask trace $phone:5071 -c 2 -w - >"$work/out.pcap" &&
	[ "$(tcpdump -n -r "$work/out.pcap" 2>/dev/null | grep -c "$phone.5071.*SIP")" = 2 ]
say $? "or, with -, to standard output"
ask -j trace nobody -t 1s >"$work/shown" && grep -q '"tracing":"nobody","endpoints":0' "$work/shown"
say $? "a trace ends when its time is over"
shows '^endpoints  *2$' stats && shows '"natbox_packets_total{dir=\\"in\\",verdict=\\"consume\\"}":[1-9]' -j stats
say $? "stats has the figures of the metrics, that are not served"

kill "${helpers[2]}" # bob is unplugged
eventually counts 1 lost && shows "^$phone:5071 .* bob@$proxy$" lost && shows 'LOST' show bob &&
	shows '"lost":1' -j status && eventually grep -q "\"event\":\"lost\",\"client\":\"$phone:5071\"" "$work/losses"
say $? "a phone that is unplugged is lost: lost, show, status and events say the same"
shows '^keepalives: held$' keepalive off && shows HELD status && ! shows '"next"' -j endpoints
say $? "keepalive off is a hand brake: nothing has a next keepalive"
eventually is_figure keepalives_held 1
say $? "which the figures tell"
held=$(figure keepalives_sent_total)
eventually counts 1 endpoints aor=alice 'quiet>3s' && [ "$(figure keepalives_sent_total)" = "$held" ]
say $? "and none is sent"
[ "$(ask -j keepalive off)" = '{"done":true,"keepalives":"held"}' ] &&
	[ "$(ask -j log info)" = '{"done":true,"level":"info"}' ]
say $? "programs have that as JSON too, and the level of the log"
shows '^keepalives: on$' keepalive on && logged "keepalives are held no longer" && eventually is_more keepalives_sent_total "$held" &&
	eventually is_figure keepalives_held 0 &&
	eventually counts 0 endpoints aor=alice 'quiet>3s' && counts 0 lost aor=alice
say $? "keepalive on goes on, and nobody was lost for it"

shows 'log level: debug' log debug && eventually logged "debug: packet"
say $? "log changes the level"
printf '\r\nOPTIONS sip:a SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9\n\n' >"$work/odd"
inside bash -c "cat '$work/odd' >/dev/udp/$proxy/5060"
eventually logged "to $proxy:5060, 52 bytes: OPTIONS sip:a SIP/2.0$" && shows info log info
say $? "and a packet's first line is shown however it ends, and whatever line ends are before it"
eventually shows ', lag [1-9][0-9]* s$' status
say $? "status says how old the oldest change is that is not on the disk yet"
mv "$work/events" "$work/events.1"
sync=1s
configure
shows "configuration read again" reload && [ -e "$work/events" ]
say $? "reload reads the configuration, and opens a rotated event stream anew"
within 10 shows ', lag 0 s$' status
say $? "where state.sync is shorter then, it counts at once"
configure '[nat]' 'detect = nonsense'
ask reload >"$work/shown"
[ $? -eq 1 ] && grep -q 'error: .*ini:21: .*nonsense' "$work/shown" &&
	[ "$(cat "$work/errors")" = "natboxctl: the configuration stays as it was" ]
say $? "and shows what is wrong with a bad one, which changes nothing"
mv "$work/events" "$work/events.2"
mkdir "$work/events"
configure
ask reload >"$work/shown"
[ $? -eq 1 ] && grep -q 'error: cannot open event stream .*; until then events go where they went' "$work/shown" &&
	grep -q 'configuration read again' "$work/shown" &&
	[ "$(cat "$work/errors")" = "natboxctl: not every file could be opened anew" ]
say $? "and so it ends where the event stream cannot be opened anew"
rmdir "$work/events"
configure '[relay]' 'mark = 7'
shows "warning: relay.mark changes only with a restart" reload
say $? "and what changes with a restart alone"
shows "^natboxctl [0-9.]*, natbox [0-9.]*$" version && refused 1 "shares nothing" share &&
	refused 1 "shares nothing" share yield
say $? "version and share"

help_with "$work/held" build/controller "$socket" hold 13
eventually grep -q held "$work/held"
help_with "$work/more" build/controller "$socket" hold 1
eventually grep -q held "$work/more" && refused 1 "as many clients as it takes" status
say $? "beside 16 clients another one is refused with a line"
kill "${helpers[-1]}" "${helpers[-2]}"
eventually shows 'mode sniff' status
say $? "and taken when they have gone"

refused 2 "no command frobnicate" frobnicate && refused 2 "a command is missing" &&
	refused 2 "status takes no argument" status now && refused 2 "-x" -x status &&
	refused 2 "argument is missing after -k" events -k && refused 2 "show takes ADDRESS" show &&
	refused 2 "option --frobnicate" --frobnicate && refused 2 "option --for" show --for alice &&
	refused 2 "option -x" show alice -x && refused 2 "argument is missing after -s" --socket
say $? "wrong usage is one line, with status 2"
[ "$("$ctl" --version)" = "$("$ctl" -V)" ] && [ "$("$ctl" --help)" = "$("$ctl" top -h)" ] &&
	"$ctl" status --json --socket "$socket" | grep -q '"mode":"sniff"'
say $? "options may be long, and stand behind the command"
refused 2 'no command a\\x1b\\x0ab: see' $'a\x1b\nb' && refused 2 '"a\\x0ab": a word has no blanks' show $'a\nb'
say $? "what is shown of a word does nothing to a terminal, and stands on one line"
refused 2 "no filter" endpoints net=1 && refused 2 "not a network" endpoints network=10.0.0.1/8 &&
	refused 2 "not a time" endpoints 'quiet>soon' && refused 2 "none of registration" lost reason=love &&
	refused 2 "no kind of event" events -k losses && refused 2 "lasts 1s to 1h" trace alice -t 2h &&
	refused 2 "name of a class" endpoints class= && refused 2 "on or off" keepalive maybe &&
	refused 2 "32 filters at most" lost {1..33} &&
	refused 2 "has no blanks" show "a b" && refused 2 "at most 4096 bytes" show "$(printf %04100d 0)" &&
	refused 1 "cannot create" trace alice -w "$work/there/is/none"
say $? "so is a bad filter, kind, time, class, switch or file"
[ "$(answer_to 'frobnicate\nversion\n' | cut -c 1-11 | tr '\n' ' ')" = '{"failed":" {"version": {"done":tru ' ]
say $? "on the socket itself what is no command is refused, and the next is answered"
head -c 1000000 /dev/zero | tr '\0' a | build/controller "$socket" say >"$work/shown"
[ "$(wc -l <"$work/shown")" = 1 ] && grep -q "4096 bytes at most" "$work/shown"
say $? "a line of a megabyte is refused with a line"
[ -z "$(answer_to 'stat')" ] && [ -z "$(answer_to '')" ] && shows 'mode sniff' status
say $? "half a command, and who says nothing, harm nobody"

fails_where_full() { # command...
	ask "$@" >/dev/full
	[ $? -eq 1 ] && [ "$(grep -c 'cannot write to standard output' "$work/errors")" = 1 ]
}
fails_where_full endpoints && fails_where_full -j endpoints && fails_where_full status && fails_where_full -h &&
	fails_where_full events -k keepalive
say $? "where what is shown finds no room natboxctl says so in a line, with status 1"
"$ctl" -s "$socket" events >&- &
watcher=$!
writes_nowhere() { [ "$(readlink "/proc/$watcher/fd/1")" = /dev/null ]; }
eventually writes_nowhere
say $? "and where there is no standard output: the connection to natbox does not become it"
kill $watcher
mkfifo "$work/unread"
: <"$work/unread" &
exec 7>"$work/unread"
wait $!
ask endpoints >&7 && [ ! -s "$work/errors" ] && ask -j endpoints >&7 && ask events -k keepalive >&7
say $? "whoever reads no more has seen enough, with status 0"
exec 7>&-
ask trace $phone -c 60 -w /dev/full
[ $? -eq 1 ] && [ "$(grep -c 'cannot write /dev/full' "$work/errors")" = 1 ] && ! grep -q 'messages' "$work/errors"
say $? "a trace ends where its file has no room, with one line"
(ulimit -f 1 && ask trace $phone -c 60 -w "$work/limited.pcap")
[ $? -eq 1 ] && [ "$(grep -c 'cannot write .*limited.pcap: File too large' "$work/errors")" = 1 ]
say $? "also where it may not be larger"
begin_trace() { # command that it is begun with...
	rm -f "$work/hangup.pcap"
	"$@" "$ctl" -s "$socket" trace $phone -w "$work/hangup.pcap" 2>"$work/errors" &
	tracer=$!
	eventually [ -s "$work/hangup.pcap" ]
}
ends_whole() { # signal
	begin_trace env && kill "-$1" $tracer && wait $tracer &&
		tcpdump -n -r "$work/hangup.pcap" >"$work/shown" 2>"$work/read" && grep -q SIP "$work/shown"
}
ends_whole HUP && ends_whole INT
say $? "a trace whose terminal goes, or is told to end, leaves a file that is whole"
has_grown() { # bytes
	[ "$(stat -c %s "$work/hangup.pcap")" -gt "$1" ]
}
begin_trace nohup && kill -HUP $tracer && eventually has_grown "$(stat -c %s "$work/hangup.pcap")" &&
	kill -TERM $tracer && wait $tracer
say $? "one that was begun with nohup goes on"
# Who comes first waits for an answer, others to be taken at all.
kill -STOP "$pid"
"$ctl" -s "$socket" trace nobody 2>"$work/hung.trace" &
asker=$!
eventually waits
asking=() hung=0
for i in {1..20}; do
	timeout 60 "$ctl" -s "$socket" version 2>"$work/hung.$i" &
	asking+=($!)
done
for asker in "${asking[@]}"; do
	wait "$asker"
	[ $? -ne 3 ] || hung=$((hung + 1))
done
within 20 has_its_end
traced=$?
kill -CONT "$pid"
[ $hung = 20 ] && [ $traced = 0 ] &&
	[ "$(cat "$work"/hung.* | grep -c 'does not answer: it hangs, or is stopped$')" = 21 ]
say $? "a natbox that hangs is said to, with status 3, to however many ask"

plays_natbox() { # its answer, as printf has it
	printf '%b' "$1" >"$work/answer"
	build/controller "$work/played" play <"$work/answer" &
	helpers+=($!)
	eventually [ -S "$work/played" ]
}
plays_natbox '{"time":1795739459.999700,"event":"found","client":"%s"}\n{"time":1795739460.000000,"event":"lost"}\n{"done":true}\n'
[ "$("$ctl" -s "$work/played" events | cut -d: -f 3 | cut -d ' ' -f 1,2 | tr '\n' ' ')" = "59.999 found 00.000 lost " ]
say $? "a minute ends with the last of its milliseconds"
rm "$work/played"
plays_natbox '{"time":1795739460.5,"event":"reason-add","client":"a","proxy":"b","reason":"dialog","expires":9,"restored":true}\n{"done":true}\n'
"$ctl" -s "$work/played" events | grep -q ':00.500 reason-add a at b reason=dialog expires=9 restored=true$'
say $? "events show each key with its value"
rm "$work/played"
plays_natbox '{"mode":"sniff","state":"/kept","proxies":["a","b","c","d","e","f","g","h","i"]}\n{"done":true}\n'
"$ctl" -s "$work/played" status | grep -q '^state  */kept, lag 0 s$'
say $? "status says where state is kept, however many proxies there are"
rm "$work/played"
is_cut_short() { # further options
	"$ctl" -s "$work/played" "$@" events >"$work/shown" 2>"$work/errors"
	[ $? -eq 3 ] && [ "$(wc -l <"$work/shown")" = 1 ] && [ -z "$(sed 1d "$work/shown")" ] &&
		grep -q "has ended, or given up on this client$" "$work/errors"
}
plays_natbox '{"time":1.5,"event":"found","client":"a"}\n{"time":1.5,"eve'
is_cut_short && is_cut_short -j
say $? "of a natbox that has ended within a line only whole lines are shown"
rm "$work/played"
plays_natbox '{"time":1.5,"event":"found","client":"a","id":"b\\u0000c"}\n{"done":true}\n'
"$ctl" -s "$work/played" events | grep -q ' found a at  id=b\\x00c$'
say $? "a zero byte that a phone has in its name is shown as such"
rm "$work/played"
plays_natbox '[1]\n{"done":true}\n'
"$ctl" -s "$work/played" status >"$work/shown" 2>"$work/errors"
[ $? -eq 3 ] && [ ! -s "$work/shown" ] && grep -q 'is no natbox$' "$work/errors"
say $? "what answers with anything but objects is no natbox"
kill "${helpers[-1]}"
wait "${helpers[-1]}" 2>/dev/null
refused 3 "no natbox answers on $work/played" -s "$work/played" status
say $? "nor is a socket that nobody listens on any more"

inside "$natbox" -c "$work/ini" -o natbox.proxy=$proxy:5070 2>"$work/errors"
[ $? -eq 1 ] && [ "$(wc -l <"$work/errors")" = 1 ] && grep -q "$socket: another natbox does" "$work/errors" &&
	shows 'mode sniff' status
say $? "a socket that a natbox listens on keeps another from starting, with a line"
cp "$ctl" "$work/natboxctl"
as_nobody() { # setpriv's groups, command...
	setpriv --reuid=65534 --regid=65534 "$1" "$work/natboxctl" -s "$socket" "${@:2}" 2>"$work/errors"
}
as_nobody --clear-groups status
[ $? -eq 1 ] && grep -q "you may not control" "$work/errors"
say $? "another user may not ask, and is told so"
chmod 666 "$socket"
as_nobody --clear-groups status
[ $? -eq 1 ] && [ "$(wc -l <"$work/errors")" = 1 ] && grep -q "you may not control this natbox" "$work/errors"
say $? "nor where the socket's mode would let him"

has_run_for() { # seconds at least, and since that long ago
	local since up now
	ask -j status >"$work/shown"
	since=$(grep -o '"since":[0-9]*' "$work/shown" | cut -d: -f2)
	up=$(grep -o '"up":[0-9]*' "$work/shown" | cut -d: -f2)
	now=$(date +%s)
	[ "$up" -ge "$1" ] && [ $((since + up)) -le "$now" ] && [ $((since + up + 5)) -gt "$now" ]
}
has_run_for 3
say $? "status says since when natbox runs"
shows "$phone:5071 at $proxy:5060" flush bob && eventually counts 1 endpoints && refused 1 "no endpoint of bob" flush bob &&
	[ "$(grep -c "control: flush bob" "$work/log")" = 1 ] &&
	eventually grep -q '"event":"endpoint-remove".*"why":"flushed"' "$work/losses"
say $? "flush forgets a phone, as events tell"
shows '^1 endpoint flushed$' flush all && counts 0 endpoints
say $? "or all"
stop && [ ! -e "$socket" ]
say $? "natbox stops cleanly, and takes its socket along"
kill "${helpers[0]}" # load is the registrar now

state=
configure
start -n -o state.path="$work/state" -o keepalive.scope=off
shows '^state  *none is kept$' status && shows '^keepalives  *off, by keepalive.scope$' status &&
	shows '"dry_run":true' -j status && stop
say $? "a dry run says that it keeps nothing"
start -o metrics.group=daemon -o metrics.listen=127.0.0.1:9560 -o state.path="$work/state" -o log.events=
shows "^state  *$work/state, lag [0-9]* s$" status && shows '^metrics  *127.0.0.1:9560$' status &&
	shows '^events  *none$' status
say $? "status says where state is kept, and metrics are served"
[ "$(stat -c %a:%G "$socket")" = 660:daemon ] && as_nobody --clear-groups status
[ $? -eq 1 ] && as_nobody --groups=1 status | grep -q 'mode sniff'
say $? "members of metrics.group may ask, others not"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
[ -S "$socket" ] && start && shows 'mode sniff' status
say $? "a socket that was left behind is replaced"
stop
: >"$socket"
inside "$natbox" -c "$work/ini" 2>"$work/errors"
[ $? -eq 2 ] && [ "$(wc -l <"$work/errors")" = 1 ] && grep -q "what is there is no socket" "$work/errors"
say $? "what is no socket is left alone, with a line"
rm "$socket"
start -o natbox.user=nobody -o control.socket="$work/run/natbox.sock"
[ "$(stat -c %U "$work/run" "$work/run/natbox.sock" | uniq)" = nobody ]
say $? "a directory that is missing is made, and the socket is that of natbox's user"
socket=$work/run/natbox.sock
as_nobody --clear-groups status | grep -q 'mode sniff'
say $? "who may ask too"
socket=$work/natbox.sock
stop && [ ! -e "$work/run/natbox.sock" ]
say $? "and remove it"

# /run is another one for this natbox: what is at the default path is its own.
sed -i '/^\[control\]/,/^socket/d' "$work/ini"
with_run() { # what is done in /run before
	: >"$work/log"
	# shellcheck disable=SC2016
	ip netns exec "$namespace" unshare --mount sh -c 'mount -t tmpfs tmpfs /run && eval "$0" &&
		exec "$@"' "$1" "$natbox" -c "$work/ini" 2>>"$work/log" &
	pid=$!
	eventually logged ready
}
with_run true && socket=/proc/$pid/root/run/natbox/natbox.sock && shows 'mode sniff' status
say $? "at the default path natbox makes its directory"
stop
with_run ': >/run/natbox' && logged "warning: cannot listen for control on /run/natbox/natbox.sock"
say $? "where that cannot be natbox warns, and goes on"
stop
socket=$work/natbox.sock
configure

relayed() { # of the last load: nothing was lost
	cat "$work/load" >>"$work/log"
	grep -q ' 0 lost' "$work/load"
}

# 100 phones register, 512 requests with their answers.
load() {
	inside build/load -g -r 1 -u 100 -b 512 -n 1024 $phone $proxy:5060 "$pid" >"$work/load" 2>&1 && relayed
}

start -o natbox.mode=relay -o keepalive.interval=1h
eventually load && eventually counts 100 endpoints
say $? "in relay mode the phones are there too"
help_with "$work/traced" "$ctl" -s "$socket" trace $phone:10001 -c 4
eventually grep -q tracing "$work/traced"
help_with "$work/pcap" "$ctl" -s "$socket" trace $phone:10001 -c 4 -w "$work/relayed.pcap"
eventually grep -q tracing "$work/pcap"
# What passes natbox by, as it may on a busy machine, is not traced: then phones come again.
is_traced() {
	load && grep -q '4 messages' "$work/traced" && grep -q '4 messages' "$work/pcap"
}
eventually is_traced &&
	grep -q 'came, and leaves as:$' "$work/traced" &&
	[ "$(grep -c '^Contact: .*natbox=' "$work/traced")" -ge 2 ] &&
	[ "$(tcpdump -n -r "$work/relayed.pcap" 2>/dev/null | grep -c 'SIP')" = 8 ]
result=$?
[ $result -eq 0 ] || sed 's/^/# /' "$work/load" "$work/traced" "$work/pcap"
say $result "trace shows messages as they come and as they leave"

files=$(ls "/proc/$pid/fd" | wc -l)
help_with "$work/stalled" build/controller "$socket" stall 4000
help_with "$work/fuzzed" nice -n 10 build/controller "$socket" fuzz "${FUZZ_SECONDS:-60}"
fuzzer=$!
rounds=0 lost=0
while kill -0 $fuzzer 2>/dev/null; do
	load || lost=$((lost + 1))
	rounds=$((rounds + 1))
	sleep 1
done
wait $fuzzer && grep -q '[0-9] cases' "$work/fuzzed"
status=$?
cat "$work/fuzzed" >>"$work/log"
sed 's/^/# /' "$work/fuzzed"
say $status "noise on the control socket: natbox answers all the while"
[ $lost -eq 0 ] && [ $rounds -gt 0 ]
say $? "and every REGISTER is relayed and answered meanwhile, in $rounds rounds"
eventually grep -q dropped "$work/stalled" && logged "did not read for 30 s"
say $? "who does not read is dropped"
has_files() { [ "$(ls "/proc/$pid/fd" | wc -l)" -le "$files" ]; }
eventually has_files && counts 100 endpoints && shows 'mode relay' status
say $? "then all clients are gone, and natbox answers as before"
configure '[nat]' 'exempt = 198.51.100.0/24'
shows "configuration read again" reload && eventually logged "new settings have reached all endpoints: 0 are left"
say $? "where a reload takes more than a moment, natbox says when it has reached all endpoints"
stop
say $? "and stops cleanly"
