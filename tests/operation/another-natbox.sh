#!/bin/bash
# Another natbox on the same host: what both would serve is refused, nothing else.
. "$(dirname "$0")/service.bash"

first() { # further arguments
	start "$@"
	first=$pid
}
second_is_refused() { # further arguments
	ends_with 2 "another natbox (process $first)" -- "$@"
}
second_starts() { # further arguments
	start "$@"
	local status=$?
	stop
	pid=$first
	return $status
}
any="natbox.proxy=*:5060"
start -o "natbox.proxy=$proxy, ${proxy%:*}, *:5060, *" && ! logged "another natbox"
say $? "a proxy that is named twice is no other's"
stop
first
second_is_refused
say $? "for the same proxy it does not start"
second_is_refused -o natbox.proxy=192.0.2.1,203.0.113.1
say $? "nor for one of several"
second_is_refused -o "$any"
say $? "nor for all addresses of the host, of which the proxy is one"
second_is_refused "${relay[@]}"
say $? "nor in the other mode"
second_starts -n
say $? "a dry run goes on beside it"
stop
first -o metrics.listen=127.0.0.1:9560
second_starts -n -o metrics.listen=127.0.0.1:9560 && logged "this dry run goes on without"
say $? "also where both are to serve metrics on one port"
second_starts -o natbox.proxy=203.0.113.1:5070
say $? "one for another port starts"
second_starts "${relay[@]}" -o natbox.proxy=*:5070
say $? "and one that relays for others"
stop
shared=(-o state.path="$work/state" -o metrics.listen=127.0.0.1:9560)
first "${shared[@]}"
ends_with 1 "the port is in use" -- "${shared[@]}" -o natbox.proxy=203.0.113.1:5070
say $? "of two that share their state and more, the second does not start, and says so in one line"
second_starts "${shared[@]}" -o metrics.listen= -o natbox.proxy=203.0.113.1:5070 &&
	logged "another natbox uses it; this natbox keeps nothing"
say $? "where they share their state alone it starts, and says that it keeps nothing"
stop
first "${relay[@]}"
second_is_refused "${relay[@]}" -o natbox.proxy=*:5080 && ! logged "natbox.proxy"
say $? "of two that relay the second is not told that other proxies would help"
second_is_refused && logged "or change natbox.proxy of either"
say $? "as one is that they would help"
stop
first -o "$any"
second_is_refused
say $? "where one serves all addresses of the host, none starts for one of them"
second_is_refused -o "$any"
say $? "nor for all of them"
second_starts -o natbox.proxy=192.0.2.1
say $? "one for a proxy elsewhere starts"
waits_for_another() { # natbox: it sleeps before it has said anything
	grep -qs nanosleep "/proc/$(pgrep --ns "$first" --nslist net -n -x natbox)/wchan" && [ ! -s "$work/log" ]
}
{ eventually waits_for_another && kill -9 "$first"; } &
start
say $? "one waits a moment for another that is being killed"
stop
wait
stranger() { # purpose
	ip netns exec "$namespace" setpriv --reuid nobody --clear-groups perl -MSocket -e '
		socket($s, PF_UNIX, SOCK_SEQPACKET, 0) or die;
		bind($s, pack("S a*", AF_UNIX, "\0natbox/$ARGV[0]")) or die;
		listen($s, 1) if $ARGV[1];
		$| = 1;
		print "taken\n";
		sleep' "$@" >"$work/taken" &
	strangers+=($!)
	eventually grep -q taken "$work/taken"
}
strangers=()
stranger "serve $proxy" 1 && stranger "serve *:5060" 0
start && logged "whether another natbox"
say $? "a stranger who takes the name of the claim keeps no natbox from starting"
stop
kill "${strangers[@]}"
exit 0
