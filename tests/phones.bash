# shellcheck shell=bash disable=SC2034,SC2154 # what is set here the tests use, and loopback.bash the rest
# For tests of what a running natbox tells those who ask: a proxy and phones, of SIPp's, on the loopback
# of tests/loopback.bash, and others who help, all of them ended at the end. $work/ini is natbox's
# configuration.
. tests/loopback.bash
proxy=203.0.113.1 phone=198.51.100.7
helpers=()

# What a test has to undo besides, first.
clean_up_more() { :; }

clean_up_all() {
	clean_up_more
	end_children CONT
	end_children TERM
	[ -z "$pid" ] || wait "$pid" 2>/dev/null
	cleanup
}
trap clean_up_all EXIT

inside() { ip netns exec "$namespace" "$@"; }

help_with() { # where its output goes, command..., inside and in the background
	ip netns exec "$namespace" "${@:2}" >"$1" 2>&1 &
	helpers+=($!)
}

start() { # further arguments
	: >"$work/log"
	ip netns exec "$namespace" "$natbox" -c "$work/ini" "$@" 2>>"$work/log" &
	pid=$!
	eventually logged ready
}

# False where it had ended before, or found a fault.
stop() {
	kill -TERM "$pid" && wait "$pid"
	local status=$?
	pid=
	return $status
}

registrar_up() {
	help_with /dev/null sipp -sf tests/lab/sipp/registrar.xml -nostdin -i $proxy -p 5060
}

# One behind a NAT, that answers keepalives.
phone_up() { # name, port
	echo "SEQUENTIAL
$1;192.168.1.10:5060;600;600000;0" >"$work/$1"
	help_with "$work/sipp.$1" sipp $proxy:5060 -sf tests/lab/sipp/register.xml \
		-oocsf tests/lab/sipp/answer.xml -nostdin -i $phone -p "$2" -inf "$work/$1" -m 1 \
		-key contact 192.168.1.10:5060 -key address $phone -key header "Supported: path" \
		-key session "Supported: timer"
}

# Over HTTP, at $listen.
get() { # path, more of curl's options
	inside curl -s -g --max-time 30 "${@:2}" "http://$listen/$1"
}

code() { # path, more of curl's options
	get "$1" -o /dev/null -w '%{http_code}' "${@:2}"
}

answers() { # status, path, more of curl's options
	[ "$(code "${@:2}")" = "$1" ]
}
