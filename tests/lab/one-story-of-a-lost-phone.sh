#!/bin/bash
# A phone is unplugged, and plugged in again. natboxctl's status, show, lost and top, the status page,
# the metrics and the alert that is made of them tell the same: who, where, since when, and all of them
# within two seconds of natbox's own event. natbox sniffs, where it is longest without a turn.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"

lab_with_proxy
# Three keepalives are missed sooner than with the defaults.
watched_natbox_start -o keepalive.interval=2s -o keepalive.reply-timeout=1s || exit 1
alice=$(public_address phone1):$(sip_port phone1) bob=$(public_address phone2):$(sip_port phone2)

# A tenth of a second, and on a busy machine, where all who ask wait as well, as much longer as these
# sleeps are: what is late by them is late because of natbox.
TICKS=20
tick() {
	while :; do
		echo "${EPOCHREALTIME/,/.}"
		sleep 0.1
	done >"$LAB_DIR/ticks"
}

# Of the last event of a kind of alice's.
of_event() { # kind, key
	grep "\"event\":\"$1\",\"client\":\"$alice\"" "$(natbox_event_file)" | tail -n 1 |
		sed "s/.*\"$2\":\"*\([^,\"}]*\).*/\1/"
}

# Asks one of them again and again until he tells that: when that was asked, when it was told, and what.
ask_until_told() { # watcher, lost or reachable
	local try asked said
	for ((try = 0; try < 200; try++)); do
		asked=$EPOCHREALTIME
		said=$("tells_$1")
		[ "${said%% *}" != "$2" ] || break
		pause 0.1
	done
	echo "${asked/,/.} ${EPOCHREALTIME/,/.} $said" >"$LAB_DIR/told.$1"
}

all_tell() { # lost or reachable
	local watcher state asking=() wrong=0
	for watcher in $WATCHERS; do
		ask_until_told "$watcher" "$1" &
		asking+=($!)
	done
	wait "${asking[@]}"
	for watcher in $WATCHERS; do
		read -r _ _ state _ <"$LAB_DIR/told.$watcher"
		[ "$state" = "$1" ] || { echo "# $watcher: ${state:-nothing}"; wrong=1; }
	done
	return $wrong
}

# Who is unplugged or plugged in is so for natbox some time later.
all_tell_after() { # event, lost or reachable
	eventually natbox_has_events 1 "$1" "$alice" && all_tell "$2"
}

all_told_soon_after() { # event
	local watcher told story at wrong=0
	at=$(of_event "$1" time)
	for watcher in $WATCHERS; do
		read -r _ told story <"$LAB_DIR/told.$watcher"
		awk -v from="$at" -v to="$told" -v most=$TICKS -v who="$watcher: $story" '
			$1 > from && $1 <= to { ticks++ }
			END { printf "# %s, after %.0f ms, %d ticks\n", who, (to - from) * 1000, ticks; exit ticks > most }' \
			"$LAB_DIR/ticks" || wrong=1
	done
	return $wrong
}

all_name_alice() {
	local watcher client aor wrong=0 id
	id=$(of_event lost id)
	for watcher in $WATCHERS_THAT_NAME_PHONES; do
		read -r _ _ _ client aor _ <"$LAB_DIR/told.$watcher"
		[ "$client sip:$aor" = "$alice $id" ] || { echo "# $watcher: $client $aor"; wrong=1; }
	done
	return $wrong
}

# That is when it gave its last answer, as far as seconds without their fractions tell, and for as long as
# the question took: of a phone that was heard at 10.9 s top's clock says 10, and of one that is quiet for
# 7.9 s they say 7. So what is told may be one second too early, or two too late.
heard_it_last_then() { # watcher
	local asked told quiet
	read -r asked told _ _ _ quiet <"$LAB_DIR/told.$1"
	awk -v heard="$(of_event reply time)" -v asked="$asked" -v told="$told" -v quiet="$quiet" 'BEGIN {
		exit !(told - quiet >= heard - 1 && asked - quiet <= heard + 2) }' ||
		{ echo "# $1: $quiet s, asked at $asked, told at $told"; return 1; }
}

hears_it_then_when_asked_again() { # watcher
	ask_until_told "$1" lost
	heard_it_last_then "$1"
}

# Top looks each second; where it gets no processor for some, it has read that late, until it looks again.
all_heard_it_last_then() {
	local watcher wrong=0
	for watcher in $WATCHERS_THAT_NAME_PHONES; do
		heard_it_last_then "$watcher" || eventually hears_it_then_when_asked_again "$watcher" || wrong=1
	done
	return $wrong
}

# Both events are of one message, and so of one time.
found_by_its_first_answer() {
	awk -F '[:,]' -v alice="\"client\":\"$alice\"" '
		!index($0, alice) { next }
		/"event":"lost"/ { lost = 1 }
		lost && /"event":"reply"/ { answered = $2; lost = 0 }
		/"event":"found"/ { found = $2 }
		END { exit !(found && found == answered) }' "$(natbox_event_file)"
}

both_answer() {
	natbox_has_events 2 reply "$alice" && natbox_has_events 2 reply "$bob"
}

baresip_start phone1 alice 4 600
baresip_start phone2 bob 4 600
expect "two phones behind a NAT register, and answer keepalives" eventually both_answer
expect "top runs on a terminal" top_start
expect "the alert of a lost phone waits for nothing" [ -z "$(alert_says NatboxPhonesLost for)" ]
tick &
expect "all who watch natbox tell that both are reachable" all_tell reachable

on nat ip link set phone1 down
expect "one is unplugged, natbox loses it, and all tell so" all_tell_after lost lost
expect "within two seconds" all_told_soon_after lost
expect "they tell of that phone, at that address" all_name_alice
expect "which has not been heard since the same time" all_heard_it_last_then

on nat ip link set phone1 up
expect "plugged in again it is found, and all tell that both are reachable" all_tell_after found reachable
expect "within two seconds" all_told_soon_after found
expect "of its first answer" found_by_its_first_answer
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
