# What a restart of natbox costs: nothing, as long as it may keep its state. The NATs forget what is
# silent for 16 s, so whoever natbox forgets is lost before any of these scenarios is over.
# shellcheck shell=bash
NATBOX_STATE=$LAB_DIR/state

# alice does not register: that she has a call is all there is to know about her.
alice_is_in_a_call() { # [4 or 6]
	baresip_start phone1 alice "${1:-4}" 0
	baresip_start phone3 bob "${1:-4}" 600
	eventually baresip_saw phone3 'SIP/2.0 200 OK' && alice_calls_bob "${1:-4}"
}

# How natbox may end.
natbox_crash() {
	natbox_signal KILL
	stop natbox
}

# alice calls bob; 15 s later natbox ends and starts again; 35 s after that bob hangs up.
natbox_restarts_in_a_call() { # 4 or 6, what ends natbox, what starts it...
	local family=$1 end=$2
	shift 2
	expect "natbox starts" "$@"
	expect "alice is in a call" alice_is_in_a_call "$family"
	pause 15
	expect "15 s later natbox ends" "$end"
	expect "natbox starts again" "$@"
	pause 35
}

# In the middle of everything a new natbox takes an old one's place.
natbox_upgrade() {
	expect "natbox stops cleanly" natbox_stop
	pause 3
	expect "3 s later natbox relays again" relay_start -o "state.path=$NATBOX_STATE"
}
