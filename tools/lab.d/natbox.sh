# natbox on the border host; it sniffs beside the proxy unless told otherwise.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh
NATBOX=${NATBOX:-$lab_root/natbox}
EVENTS=$LAB_DIR/events

natbox_is_ready() {
	grep -q ready "$LAB_DIR/natbox.log"
}

natbox_start() { # further arguments for natbox, such as -o keepalive.scope=off
	start natbox border "$NATBOX" -c "$lab_root/tests/lab/natbox.ini" -o "log.events=$EVENTS" \
		-o "control.socket=$LAB_DIR/natbox.sock" "$@"
	wait_until 5 natbox_is_ready && return
	echo "natbox does not start:" >&2
	cat "$LAB_DIR/natbox.log" >&2
	return 1
}

# The same, relaying for the proxy wherever it runs.
relay_start() { # further arguments for natbox
	natbox_start -o natbox.mode=relay -o "natbox.proxy=$(proxy_address), $(proxy_address 6)" "$@"
}

# Ends natbox; fails when it had ended before, or found a fault.
natbox_stop() {
	local pid
	pid=$(cat "$LAB_DIR/natbox.pid")
	kill "$pid" && wait "$pid"
}

# How many events there are of a kind, and with a text when given.
natbox_events() { # event, [text]
	grep "\"event\":\"$1\"" "$EVENTS" 2>/dev/null | grep -c -- "${2:-}"
}
