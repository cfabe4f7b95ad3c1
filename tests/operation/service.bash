# shellcheck shell=bash disable=SC2034 # what is set here the tests use
# For tests of natbox as a service: it is started, ends by itself or is ended, on the loopback of a
# network namespace, with the addresses of a proxy and a client. $work/ini is its configuration.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/loopback.bash
proxy=203.0.113.1:5060 client=198.51.100.7
export ENDS=$work/ends
ulimit -c 0

inside() { ip netns exec "$namespace" "$@"; }

# What all have in common; the rest is the caller's.
common=(-c "$work/ini" -o natbox.user= -o control.socket=)

# A natbox that runs on writes into the log that it has: on a busy machine that it stood still.
new_log() {
	rm -f "$work/log"
	: >"$work/log"
}

start() { # further arguments for natbox
	new_log
	ip netns exec "$namespace" env LD_PRELOAD="${preload:-}" "$natbox" "${common[@]}" "$@" \
		2>"$work/log" &
	pid=$!
	eventually logged ready
}

# Status of the natbox that was started.
ended() {
	wait "$pid"
	local status=$?
	pid=
	return $status
}

stop() {
	kill -TERM "$pid" && ended
}

is_running() {
	kill -0 "$pid" 2>/dev/null
}

has_ended() {
	! is_running
}

# natbox ends by itself with that status, and one line that says why.
ends_with() { # status, words of the line, what stands before natbox..., --, further arguments
	local status=$1 words=$2 before=()
	shift 2
	while [ "$1" != -- ]; do before+=("$1"); shift; done
	shift
	new_log
	inside timeout -k 1 120 env LD_PRELOAD="${preload:-}" "${before[@]}" "$natbox" \
		"${common[@]}" "$@" >/dev/null 2>"$work/log"
	[ $? -eq "$status" ] && [ "$(wc -l <"$work/log")" = 1 ] && logged "$words"
}

is_diverting() {
	inside nft list set inet natbox alive4 2>/dev/null | grep -q expires
}

is_not_diverting() {
	! is_diverting
}

has_rule() {
	inside ip rule | grep -q 'proto 110'
}

printf '[natbox]\nproxy = %s\ninterface = lo\n[state]\npath =\n' $proxy >"$work/ini"
loopback_up ${proxy%:*} $client || exit 1
relay=(-o natbox.mode=relay)

# Before natbox from now on: a library that ends it where the file ENDS says so.
preload_ends() {
	cc -shared -fPIC -o "$work/ends.so" tests/operation/ends.c -ldl || exit 1
	: >"$ENDS"
	preload=$work/ends.so
}
