# natbox on a border host; it sniffs beside the proxy unless told otherwise.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh
NATBOX=${NATBOX:-$lab_root/natbox}

# The border host it runs on. Each has its own: what border2's writes is natbox2.log and events2.
NATBOX_HOST=${NATBOX_HOST:-border}

natbox_name() {
	echo "natbox${NATBOX_HOST#border}"
}

natbox_event_file() {
	echo "$LAB_DIR/events${NATBOX_HOST#border}"
}

natbox_is_ready() {
	grep -q ready "$LAB_DIR/$(natbox_name).log"
}

natbox_start() { # further arguments for natbox, such as -o keepalive.scope=off
	fresh "$(natbox_event_file)"
	start "$(natbox_name)" "$NATBOX_HOST" "$NATBOX" -c "$lab_root/tests/lab/natbox.ini" \
		-o "log.events=$(natbox_event_file)" -o log.events-of=all \
		-o "control.socket=$LAB_DIR/$(natbox_name).sock" "$@"
	eventually natbox_is_ready && return
	echo "natbox does not start:" >&2
	cat "$LAB_DIR/$(natbox_name).log" >&2
	return 1
}

# How it relays: relay or queue.
RELAY_MODE=${RELAY_MODE:-relay}

# The same, relaying for the proxy wherever it runs.
relay_start() { # further arguments for natbox
	natbox_start -o "natbox.mode=$RELAY_MODE" -o "natbox.proxy=$(proxy_address), $(proxy_address 6)" "$@"
}

# Ends natbox; fails when it had ended before, or found a fault.
natbox_stop() {
	local pid
	pid=$(cat "$LAB_DIR/$(natbox_name).pid")
	kill "$pid" && wait "$pid"
}

# How many events of this life of natbox's there are of a kind, and with a text when given.
natbox_events() { # event, [text]
	grep "\"event\":\"$1\"" "$(natbox_event_file)" 2>/dev/null | grep -c -- "${2:-}"
}

natbox_has_events() { # at least, event, [text]
	[ "$(natbox_events "${@:2}")" -ge "$1" ]
}

# What became of a client's reasons, in order: "add registration, add dialog, end dialog ended".
reason_story() { # client
	sed -n "s/.*\"event\":\"reason-\(add\|end\)\",\"client\":\"$1\".*\"reason\":\"\([a-z]*\)\"/\1 \2/p" \
		"$(natbox_event_file)" |
		sed 's/,.*"why":"\([a-z]*\)".*/ \1/; s/,.*//' | paste -sd, | sed 's/,/, /g'
}

story_is() { # client, the story
	[ "$(reason_story "$1")" = "$2" ]
}
