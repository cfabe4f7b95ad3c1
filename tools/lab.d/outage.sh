# What becomes of SIP when natbox, relaying, is killed or hangs: a phone asks the proxy for something
# ten times a second, and how long no answer comes is measured there.
# shellcheck shell=bash

# The longest time without an answer, in milliseconds. SIPp writes the time above each message.
longest_gap_ms() {
	awk '
		function ends() { if (last && now - last > gap) gap = now - last }
		/^-----/ { split($3, clock, ":"); now = clock[1] * 3600 + clock[2] * 60 + clock[3] }
		/^UDP message received/ { ends(); last = now }
		END { ends(); printf "%d\n", gap * 1000 }' "$LAB_DIR/phone2.messages"
}

# Asks for eight seconds, and after three does something; the longest gap is then in gap.
measure_gap_while() { # command...
	local sipp
	sipp_command phone2 4 options
	start asking phone2 "${sipp[@]}" -r 10 -m 80
	pause 3
	"$@"
	pause 6
	stop asking
	gap=$(longest_gap_ms)
}

every_answer_comes_at_once() {
	measure_gap_while true
	[ "$gap" -le 500 ]
}

natbox_signal() { # signal
	show border "kill -$1 natbox"
	kill "-$1" "$(cat "$LAB_DIR/natbox.pid")"
}

expect_sip_to_flow_around_natbox() {
	local signal start=(relay_start -o "state.path=$NATBOX_STATE")
	expect "natbox relays" "${start[@]}"
	expect "phones at two homes register" homes_register
	expect "every answer comes at once" every_answer_comes_at_once
	expect "what is asked goes through natbox" [ "$(natbox_events rewrite OPTIONS)" -gt 50 ]
	for signal in KILL STOP; do
		measure_gap_while natbox_signal $signal
		echo "# after kill -$signal SIP stood still for $gap ms"
		expect "after kill -$signal SIP flows around natbox within 3 s" [ "$gap" -le 3000 ]
		stop natbox KILL
		expect "natbox relays again" "${start[@]}"
		expect "every answer comes at once again" every_answer_comes_at_once
	done
	expect "the phones, silent all the while, are not lost: bob calls alice" bob_calls_alice
	expect "they registered once" phones_registered_once
	expect "natbox stops cleanly" natbox_stop
}
