# What becomes of SIP when natbox, relaying, is killed or hangs: a phone asks the proxy for something
# ten times a second, and how long no answer comes is measured there. It asks at another port, too,
# which natbox has nothing to do with: what keeps these answers away, such as a machine that is busy,
# is not counted (tests/programs/asker.c).
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh
CONTROL_PORT=5070

# The lab with a proxy that listens at the other port as well.
lab_with_control() {
	lab_with_proxy -l "udp:$(own_address "$PROXY_HOST"):$CONTROL_PORT"
}

answers() { # port of the proxy's
	grep -c ":$1\$" "$LAB_DIR/asking.log"
}

are_answered() { # how many at the proxy's port, and at the other
	[ "$(answers 5060)" -ge "$1" ] && [ "$(answers $CONTROL_PORT)" -ge "$2" ]
}

# Answers come from both, for longer than the kernel rules live that nobody renews.
asking_goes_on() {
	eventually are_answered $(($(answers 5060) + 30)) $(($(answers $CONTROL_PORT) + 30))
}

# The longest time without an answer, in milliseconds, as the other answers count it.
longest_gap_ms() {
	awk '
		/:5060$|end$/ { if (NR > 1 && $1 - last > gap) gap = $1 - last; last = $1 }
		END { printf "%d\n", gap }' "$LAB_DIR/asking.log"
}

# Asks, meanwhile does something, and goes on until both are answered; the longest gap is then in
# gap. Fails where something else did, or where no answer comes any more.
measure_gap_while() { # command...
	local status
	start asking phone2 "$lab_root/build/asker" "$(listen_address phone2)" \
		"$(own_address "$PROXY_HOST"):$CONTROL_PORT" "$(proxy_address)"
	asking_goes_on && "$@" && asking_goes_on
	status=$?
	stop asking
	gap=$(longest_gap_ms)
	return $status
}

# Some time without a longer gap: on a machine that is busy natbox may stand still itself for a while,
# which the other answers do not show. Then it is tried again.
no_gap_beyond() { # milliseconds, command...
	local try most=$1
	shift
	for try in 1 2 3 4 5; do
		measure_gap_while "$@" || return
		[ "$gap" -gt "$most" ] || return 0
		echo "# an answer came after $gap ms, at try $try"
	done
	return 1
}

every_answer_comes_at_once() {
	no_gap_beyond 500 true
}

natbox_signal() { # signal
	show border "kill -$1 natbox"
	kill "-$1" "$(cat "$LAB_DIR/natbox.pid")"
}

# Most of what was answered went through natbox: on a machine that stood still the rules may have
# lapsed.
natbox_relayed_what_was_asked() {
	natbox_has_events $(($(answers 5060) * 5 / 8)) rewrite '"dir":"in","what":"OPTIONS"'
}

flows_around_natbox() { # signal that it gets, milliseconds
	measure_gap_while natbox_signal "$1" && [ "$gap" -le "$2" ]
}

# In mode queue answers are missing while the kernel takes a killed natbox apart, in mode relay until the
# rules lapse: a second is neither, however busy the machine.
longest_outage_ms() { # signal
	case $RELAY_MODE$1 in
	queueKILL) echo 1000 ;;
	*) echo 3000 ;;
	esac
}

# NATs forget as usual from now on, and whoever asked, too.
the_phones_are_kept_again() {
	at nat conntrack -D -p udp -s "$(own_address phone2)" >/dev/null 2>&1
	nats_forget_again
}

# While natbox is away NATs remember for long: on a busy machine that takes as long as it takes.
expect_sip_to_flow_around_natbox() {
	local signal most start=(relay_start -o "state.path=$NATBOX_STATE")
	expect "natbox relays" "${start[@]}"
	nats_remember_for_long
	expect "phones at two homes register" homes_register
	expect "every answer comes at once" every_answer_comes_at_once
	expect "what is asked goes through natbox" eventually natbox_relayed_what_was_asked
	for signal in KILL STOP; do
		most=$(longest_outage_ms $signal)
		expect "after kill -$signal SIP flows around natbox within $most ms" \
			flows_around_natbox $signal "$most"
		echo "# after kill -$signal SIP stood still for $gap ms"
		stop natbox KILL
		expect "natbox relays again" "${start[@]}"
		expect "every answer comes at once again" every_answer_comes_at_once
		expect "and goes through natbox" eventually natbox_relayed_what_was_asked
	done
	expect "keepalives go out again to where the phones were" the_phones_are_kept_again
	pause $((NAT_STREAM_S + 4))
	expect "the phones, silent all the while, are not lost: bob calls alice" bob_calls_alice
	expect "they registered once" phones_registered_once
	expect "natbox stops cleanly" natbox_stop
}
