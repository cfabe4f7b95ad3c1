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

# Asks for eight seconds, and after three does something.
longest_gap_while() { # command...
	local sipp
	sipp_command phone2 4 options
	start asking phone2 "${sipp[@]}" -r 10 -m 80
	pause 3
	"$@"
	pause 6
	stop asking
	longest_gap_ms
}

natbox_signal() { # signal
	show border "kill -$1 natbox"
	kill "-$1" "$(cat "$LAB_DIR/natbox.pid")"
}

expect_sip_to_flow_around_natbox() {
	local gap signal
	expect "natbox relays" relay_start
	expect "every answer comes at once" [ "$(longest_gap_while true)" -le 500 ]
	expect "what is asked goes through natbox" [ "$(natbox_events rewrite OPTIONS)" -gt 50 ]
	for signal in KILL STOP; do
		gap=$(longest_gap_while natbox_signal $signal)
		echo "# after kill -$signal SIP stood still for $gap ms"
		expect "after kill -$signal SIP flows around natbox within 3 s" [ "$gap" -le 3000 ]
		stop natbox KILL
		expect "natbox relays again" relay_start
		expect "every answer comes at once again" [ "$(longest_gap_while true)" -le 500 ]
	done
	expect "natbox stops cleanly" natbox_stop
}
