# shellcheck shell=bash disable=SC2034 # what is set here the tests use
# For tests of a running natbox that need no network but a loopback of their own: a folder, a network
# namespace and natbox's process id, all gone at the end, with status 1 when anything was not as it is to
# be. Its log is $work/log.
natbox=${NATBOX:-./natbox}
work=$(mktemp -d)
namespace=natbox-$(basename "$0" .sh)-$$
pid= failed=0

# Before a command: what it sees is a host that was started long ago, or just now.
booted=(unshare --time --boottime 1000000)
# shellcheck disable=SC2016 # the shell that it starts expands it
booting=(sh -c 'exec unshare --time --boottime "-$(cut -d. -f1 /proc/uptime)" "$@"' sh)

# Ends what this shell has started and what runs still: the number of a process that has ended may be
# another's by now, of another test.
end_children() { # signal
	local children
	children=$(jobs -rp)
	# shellcheck disable=SC2086
	[ -z "$children" ] || kill "-$1" $children 2>/dev/null
}

cleanup() {
	end_children TERM
	ip netns del "$namespace" 2>/dev/null
	rm -rf "$work"
	[ $failed -eq 0 ] || exit 1
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

say() { # status, what it shows
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		failed=1
		cat "$work/log"
	fi
}

# Makes the namespace, with these addresses on its loopback besides its own.
loopback_up() { # IPv4 addresses...
	local address
	ip netns add "$namespace" && ip -n "$namespace" link set lo up || return
	for address; do
		ip -n "$namespace" addr add "$address/32" dev lo || return
	done
}

# Tries a command again and again until it is true.
within() { # seconds, command...
	local i limit=$(($1 * 10))
	shift
	for ((i = 0; i < limit; i++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

# Waits for what comes at once on a quiet machine, as long as a busy one may take.
eventually() { # command...
	within 60 "$@"
}

logged() { # text
	grep -q -- "$1" "$work/log"
}
