#!/bin/bash
# What a running natbox tells about itself over HTTP: figures that follow real traffic, a packet
# loop that hangs, a disk that stalls, and strangers that hold connections open. On the loopback of
# a network namespace, with the addresses of a proxy and a phone, and in a mount namespace, for the
# disk.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox build/load || exit 1
[ -n "${IN_NAMESPACE:-}" ] || IN_NAMESPACE=1 exec unshare --mount --propagation private "$0"
. tests/phones.bash

clean_up_more() {
	fsfreeze --unfreeze "$work/disk" 2>/dev/null
	umount --lazy "$work/disk" 2>/dev/null
}

start_on() { # address to listen on, further arguments
	listen=$1
	shift
	start -o metrics.listen="$listen" "$@"
}

figure() { # name with its labels
	get metrics | awk -v name="natbox_$1 " '
		index($0, name) == 1 { print substr($0, length(name) + 1) }'
}

is() { # name, operator and number as awk compares them
	awk -v figure="$(figure "$1")" "BEGIN { exit !(figure != \"\" && figure $2) }"
}

# Effective and permitted capabilities of the thread that answers, and of the packet loop's.
capabilities() { # part of the thread's name
	grep -l "$1" /proc/"$pid"/task/*/comm | sed 's/comm$/status/' | xargs sed -n 's/^Cap\(Eff\|Prm\):.//p'
}

# Each sample belongs to the family whose help and type stand before it.
is_well_formed() {
	get metrics | awk '
		/^# HELP natbox_[a-z_]+ ./ { help = $3; next }
		/^# TYPE natbox_[a-z_]+ (counter|gauge|histogram)$/ { type = $3; next }
		/^natbox_[a-z_]+({[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*})? [0-9]+([.][0-9]+)?$/ {
			samples += index($0, type) == 1 && type == help
			next
		}
		/^# (HELP|TYPE) process_start_time_seconds [A-Za-z]/ { next }
		/^process_start_time_seconds [0-9]+[.][0-9]+$/ { next }
		/^natbox_(keepalive_rtt|turn)_seconds_bucket{le="[0-9.]+|[+]Inf"} [0-9]+$/ { next }
		{ print "# " $0; odd = 1 }
		END { exit odd || samples < 50 }'
}

has_every_name_of_the_contract() {
	local name
	for name in endpoints 'reasons{reason="dialog"}' 'packets_total{dir="in",verdict="pass"}' \
		'rewrites_total{field="via"}' keepalives_sent_total keepalive_replies_total \
		keepalives_missed_total endpoints_lost endpoints_lost_total \
		'keepalive_rtt_seconds_bucket{le="1"}' keepalive_rtt_seconds_sum keepalive_rtt_seconds_count \
		'malformed_total{why="no Via"}' 'refused_total{why="endpoints"}' \
		capture_drops_total event_lines_lost_total transactions state_lag_seconds lost_answers_total \
		endpoints_natted "proxy_endpoints{proxy=\"$proxy:5060\"}" 'proxy_endpoints{proxy="other"}' \
		'last_packet_seconds{dir="in"}' 'last_packet_seconds{dir="out"}'; do
		is "$name" "== 0" || { echo "# $name"; return 1; }
	done
	is "build_info{version=\"$("$natbox" -V | sed 's/.* //')\"}" "== 1"
}

# Another natbox does not start, and says why in a line.
is_refused() { # address to listen on, why, exit status
	inside "${booted[@]}" "$natbox" -c "$work/ini" -o natbox.proxy=$proxy:5070 \
		-o metrics.listen="$1" 2>"$work/refused"
	[ $? -eq "$3" ] && [ "$(wc -l <"$work/refused")" = 1 ] && grep -q "$1: $2" "$work/refused"
}

# An event for each: a start line and nothing else.
send_malformed() { # how many
	inside bash -c 'for ((i = 0; i < '"$1"'; i++)); do
		printf "INVITE sip:a SIP/2.0" >/dev/udp/'$proxy'/5060
	done'
}

cat >"$work/ini" <<INI
[natbox]
proxy = $proxy:5060
interface = lo
user =
[keepalive]
interval = 1s
[control]
socket =
[state]
path =
INI
loopback_up $proxy $phone || exit 1

now() {
	date +%s
}

began=$(now)
start_on 127.0.0.1:9560
say $? "natbox starts with metrics"
eventually answers 200 healthz && [ "$(get healthz)" = ok ]
say $? "/healthz is 200 while the packet loop turns"
is_well_formed
say $? "/metrics is in Prometheus' format"
has_every_name_of_the_contract
say $? "every metric of the contract is there, with its zero"
[ "$(get metrics -o /dev/null -w '%{content_type}')" = "text/plain; version=0.0.4; charset=utf-8" ]
say $? "/metrics says what it is"
get metrics | awk -v from="$began" -v to="$(($(now) + 1))" '
	$1 == "process_start_time_seconds" { found = $2 >= from && $2 <= to }
	END { exit !found }'
say $? "and when natbox was started"
answers 404 elsewhere && answers 405 metrics -d x=y && answers 200 metrics --head
say $? "other paths are 404, other methods than GET and HEAD 405"
get metrics -d x=y -D - | grep -q '^Allow: GET, HEAD' && ! get metrics -D - | grep -q ^Allow:
say $? "which names those that are"

registrar_up
phone_up alice 5070
eventually is endpoints "== 1" && eventually is 'reasons{reason="registration"}' "== 1" &&
	eventually is 'packets_total{dir="in",verdict="pass"}' ">= 1" &&
	eventually is 'packets_total{dir="out",verdict="pass"}' ">= 1"
say $? "a phone that registers is an endpoint with a reason, and its packets are counted"
is endpoints_natted "== 1" && is "proxy_endpoints{proxy=\"$proxy:5060\"}" "== 1" &&
	is 'proxy_endpoints{proxy="other"}' "== 0"
say $? "it is counted as natted, and for its proxy"
is 'last_packet_seconds{dir="in"}' ">= $began" && is 'last_packet_seconds{dir="out"}' ">= $began" &&
	is 'last_packet_seconds{dir="in"}' "<= $(now) + 1"
say $? "and when a packet was last seen in each direction"
eventually is keepalives_sent_total ">= 2" && eventually is keepalive_replies_total ">= 2" &&
	eventually is 'packets_total{dir="in",verdict="consume"}' ">= 2"
say $? "keepalives and their answers are counted"
eventually is keepalive_rtt_seconds_count ">= 2" && eventually is keepalive_rtt_seconds_sum "> 0" &&
	eventually is 'keepalive_rtt_seconds_bucket{le="+Inf"}' ">= 2" &&
	eventually is 'keepalive_rtt_seconds_bucket{le="0.5"}' ">= 2"
say $? "how long the answers took is counted"
eventually is turn_seconds_count "> 2" && eventually is turn_seconds_sum "> 0" &&
	eventually is 'turn_seconds_bucket{le="+Inf"}' "> 2"
say $? "turns of the packet loop are counted by their length"
eventually is turn_processor_seconds_count "> 2" &&
	eventually is turn_processor_seconds_sum "> 0" &&
	eventually is 'turn_processor_seconds_bucket{le="0.1"}' "> 2"
say $? "and by what the loop had of a processor in each"
kill "${helpers[1]}"
eventually is endpoints_lost_total "== 1" && eventually is endpoints_lost "== 1" &&
	eventually is keepalives_missed_total ">= 3"
say $? "a phone that is gone is counted as lost"
send_malformed 1 && eventually is 'malformed_total{why="no From"}' "== 1" &&
	eventually is 'malformed_total{why="no Via"}' "== 0"
say $? "what is malformed is counted by what is wrong"
kill -USR1 "$pid" && eventually logged "state lag 0.0 s"
say $? "SIGUSR1 shows the state lag too"
eventually logged "longest turn [0-9.]* ms, processor [0-9.]* ms (since the start [0-9.]* ms"
say $? "and the longest turn of the loop"

sed -i 's/^interval.*/interval = 2s/' "$work/ini"
kill -HUP "$pid" && eventually logged "read again" && eventually answers 200 healthz &&
	eventually is endpoints "== 1"
say $? "SIGHUP leaves metrics as they are"

is_refused 127.0.0.1:9560 "the port is in use" 1
say $? "where the port is in use natbox does not start, and says so in a line"
is_refused 192.0.2.9:9560 "this host has no such address" 2
say $? "nor where the address is another host's"

help_with /dev/null bash -c 'for i in {1..20}; do exec {fd}<>/dev/tcp/127.0.0.1/9560; done; exec sleep 600'
eventually answers 000 healthz
say $? "who holds many connections open gets no more"
eventually answers 200 healthz --interface 127.0.0.5
say $? "and leaves the rest to others"
eventually answers 200 healthz
say $? "and loses them when nothing comes over them"
stop
say $? "natbox stops cleanly with connections open"

start_on "[::1]:80" -o natbox.user=nobody
eventually answers 200 healthz && eventually is endpoints "== 0"
say $? "it listens on IPv6, and on a port that only root may have before it becomes another user"
stop

# 8 connections from each of 8 addresses, all within a moment.
crowd() {
	inside bash -c 'for i in {1..8}; do for j in {1..8}; do exec {fd}<>/dev/tcp/192.0.2.1$i/9560; done; done' \
		2>/dev/null
}

for i in {1..8}; do
	ip -n "$namespace" addr add "192.0.2.1$i/32" dev lo
done
start_on 0.0.0.0:9560
for i in {1..5}; do
	crowd
done
eventually answers 200 healthz
answered=$?
[ $answered -eq 0 ] || kill -KILL "$pid"
stop && [ $answered -eq 0 ]
say $? "a crowd from many addresses does not keep it from answering who comes later"
start_on "" && ! inside ss -Hltn | grep -q .
say $? "without metrics.listen nothing listens"
stop

relayed() { # of the last load: nothing was lost
	cat "$work/load" >>"$work/log"
	grep -q ' 0 lost' "$work/load"
}

# 100 phones register, 512 requests with their answers.
load() { # further options
	inside build/load -g "$@" -r 1 -u 100 -b 512 -n 1024 $phone $proxy:5060 "$pid" \
		>"$work/load" 2>&1 && relayed
}

# More than a relay socket holds, in datagrams of 8 KB, while natbox does not take it.
flood() {
	inside bash -c 'head -c 16000000 /dev/zero >/dev/udp/'$proxy'/5060'
}

# Endpoints and reasons of a restart, in the event stream.
told_restored() { # event, how many
	[ "$(grep -c "\"event\":\"$1\".*\"restored\":true}\$" "$work/restored")" = "$2" ]
}

truncate -s 64M "$work/image"
mkdir "$work/disk"
if ! mkfs.ext4 -q "$work/image" || ! mount -o loop "$work/image" "$work/disk"; then
	echo "# no loop devices here: a disk that stalls is not tried"
	[ -z "${CI:-}" ]
	say $? "nothing is left out on CI"
	exit 0
fi
kill "${helpers[0]}" # load is the registrar now
start_on 127.0.0.1:9560 -o natbox.mode=relay -o state.path="$work/disk/natbox" -o state.sync=100ms
# A figure rises by so much with what is done, which is done again where a part of it passed natbox
# by, as on a busy machine it may.
rises() { # name, operator and number, what is done...
	local name=$1 operator=${2% *} by=${2#* } before
	shift 2
	before=$(figure "$name")
	"$@" && within 10 is "$name" "$operator $before + $by"
}
load_rises() { # name, operator and number
	eventually rises "$1" "$2" load
}
all_have_come() {
	load && within 10 is endpoints "== 100"
}
eventually all_have_come && load_rises 'packets_total{dir="in",verdict="rewrite"}' "== 512" &&
	load_rises 'packets_total{dir="out",verdict="rewrite"}' "== 512" &&
	load_rises 'rewrites_total{field="contact"}' "== 1024" &&
	load_rises 'rewrites_total{field="via"}' ">= 512"
say $? "in relay mode rewrites are counted by field"
eventually is state_lag_seconds "== 0"
say $? "state that is on the disk does not lag"
is capture_drops_total "== 0" && kill -STOP "$pid" && flood && kill -CONT "$pid" &&
	eventually is capture_drops_total "> 0"
say $? "what relay mode does not take in time is counted"
[ "$(capabilities MHD | sort -u)" = 0000000000000000 ] && capabilities natbox | grep -q 1
say $? "what answers over HTTP has no capability, also where natbox needs one"
# Of the flood so much may be left in the sockets that they have no room for all.
relays_all() {
	rises 'packets_total{dir="out",verdict="rewrite"}' "== 512" load
}
fsfreeze --freeze "$work/disk"
eventually relays_all
say $? "packets flow on while the disk stalls"
eventually is state_lag_seconds "> 3"
say $? "while the disk stalls the state lag rises"
eventually answers 200 healthz && eventually relays_all
say $? "and that is no hang"
kill -USR1 "$pid" && eventually logged "state lag \([3-9]\|[1-9][0-9]\)"
say $? "and SIGUSR1 shows it"
fsfreeze --unfreeze "$work/disk"
eventually is state_lag_seconds "== 0"
say $? "when the disk goes on the lag falls to zero"
load -1
eventually is transactions ">= 512" # the others are retransmissions of before
say $? "requests that wait for their answers are counted"
stop
say $? "and natbox stops cleanly"
start_on 127.0.0.1:9560 -o natbox.mode=relay -o state.path="$work/disk/natbox" -o log.events="$work/restored"
eventually is endpoints "== 100" && eventually is 'reasons{reason="registration"}' "== 100" &&
	eventually is 'packets_total{dir="in",verdict="rewrite"}' "== 0"
say $? "after a restart the figures are of what was restored"
is endpoints_natted "== 100" && is "proxy_endpoints{proxy=\"$proxy:5060\"}" "== 100"
say $? "and so are those by NAT and by proxy"
eventually told_restored endpoint-add 100 && eventually told_restored reason-add 100
say $? "and the event stream has all of them, marked as restored"
stop

start_on 127.0.0.1:9560 -o log.events="$work/disk/events"
eventually answers 200 healthz
say $? "events on a disk do no harm"
fsfreeze --freeze "$work/disk"
send_malformed 1
eventually answers 503 healthz && get healthz | grep -q hangs
say $? "when the packet loop hangs on that disk, /healthz is 503 and says so"
is_well_formed
say $? "and /metrics still answers"
fsfreeze --unfreeze "$work/disk"
eventually answers 200 healthz
say $? "when it goes on, /healthz is 200 again"
stop
say $? "and natbox stops cleanly"
