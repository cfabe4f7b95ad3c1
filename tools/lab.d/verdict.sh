# What a scenario shows, as TAP.
# shellcheck shell=bash
verdict_failed=0

expect() { # what it shows, command...
	local what
	what="$(basename "$0" .sh): $1"
	shift
	if "$@"; then
		echo "ok - $what"
	else
		echo "not ok - $what"
		verdict_failed=1
	fi
}

not() { # command...
	! "$@"
}

# Ends the scenario; if it failed, with what its hosts wrote.
verdict() {
	local log
	[ $verdict_failed != 0 ] || exit 0
	for log in "$LAB_DIR"/{natbox,proxy,media-relay}*.log* "$LAB_DIR"/events* "$LAB_DIR"/*.messages* \
		"$LAB_DIR"/phone*.log; do
		[ -s "$log" ] || continue
		echo "# ${log##*/}:"
		tail -n 30 "$log" | sed 's/^/#   /'
	done
	exit 1
}
