#!/bin/bash
# natbox is stopped for several of its intervals and goes on, sniffing and relaying: phones that answer
# are not lost for that, and get one keepalive an interval as before.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
options=(-o keepalive.interval=3s -o keepalive.reply-timeout=2800ms -o keepalive.scope=all)
options+=(-o keepalive.drop-lost=yes -o keepalive.max-lost=1)

replies_are() { # at least so many
	[ "$(natbox_events reply)" -ge "$1" ]
}

natbox_signal_is_seen() { # the state of the process in ps's letters
	[ "$(ps -o state= -p "$(cat "$LAB_DIR/natbox.pid")")" = "$1" ]
}

# Three intervals, where one without an answer loses a phone.
natbox_pauses() {
	natbox_signal STOP && wait_until 30 natbox_signal_is_seen T || return
	pause 9
	natbox_signal CONT
}

# A keepalive is sent half an interval early at most.
no_two_at_once() {
	sed -n 's/^{"time":\([0-9.]*\),"event":"keepalive".*/\1/p' "$(natbox_event_file)" |
		awk '{ if (last && $1 - last < 1.35) exit 1; last = $1 }'
}

for mode in sniff relay queue; do
	rm -f "$(natbox_event_file)"
	if [ $mode = sniff ]; then natbox_start "${options[@]}"; else RELAY_MODE=$mode relay_start "${options[@]}"; fi
	expect "natbox starts, mode $mode" [ $? = 0 ]
	phone_line phone4 alice 600 | phone_start phone4
	expect "a phone registers and answers keepalives" wait_until 60 replies_are 2
	expect "natbox stands still, and goes on" natbox_pauses
	expect "it says so" wait_until 60 grep -q 'did not run for' "$LAB_DIR/natbox.log"
	before=$(natbox_events reply)
	expect "the phone goes on answering" wait_until 60 replies_are $((before + 3))
	expect "it was not lost" [ "$(natbox_events lost)" = 0 ]
	expect "nothing that was missed is made up for" no_two_at_once
	stop phone4
	expect "natbox ran all the while, and stops cleanly" natbox_stop
done
verdict
