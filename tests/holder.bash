# While this goes on, nobody on this machine makes or removes an interface, an address or a route.
# shellcheck shell=bash disable=SC2034,SC2154 # shared with the caller; what coproc sets
hold_interfaces() {
	coproc holder { build/holder; }
	holder_pid=$! holder_input=${holder[1]}
	read -r -t 60 -u "${holder[0]}"
}

release_interfaces() {
	exec {holder_input}>&-
	wait "$holder_pid"
}
