# Hosts are network namespaces, natbox-LAB-HOST. Several labs may be up at once, each with a name
# in LAB and what it writes in LAB_DIR.
# shellcheck shell=bash
LAB=${LAB:-hand}
LAB_DIR=${TMPDIR:-/tmp}/natbox-lab-$LAB
LAB_QUIET=${LAB_QUIET:-}

namespaces=natbox-$LAB-
namespace() { echo "$namespaces$1"; }

# The commands go to standard error, so that what they print stays usable.
show() { # host, command...
	[ -z "$LAB_QUIET" ] || return 0
	local host=$1 colour='' plain=''
	shift
	[ ! -t 2 ] || colour=$'\e[36m' plain=$'\e[0m'
	printf '%s[%s]%s %s\n' "$colour" "$host" "$plain" "$*" >&2
}

# Runs a command on a host without a word, for questions asked over and over. In all but the network
# it stays where it is, so /sys has this machine's interfaces and /proc/net the host's: ip netns
# exec would make a copy of all that is mounted each time, to which every host of every lab adds.
at() { # host, command...
	local host=$1
	shift
	nsenter --net="/run/netns/$namespaces$host" "$@"
}

# Runs a command on a host and says so.
on() { # host, command...
	show "$@"
	at "$@"
}

# An empty file for what a new attempt writes; what the one before wrote is kept as FILE.before. Made
# before who writes there is started, or whoever looks at once finds the lines of another life.
fresh() { # file
	[ ! -e "$1" ] || mv -f "$1" "$1.before"
	: >"$1"
}

# Whether this process runs on a host: its number may be another's by now.
runs_on() { # host, pid
	[ "/proc/$2/ns/net" -ef "/run/netns/$(namespace "$1")" ]
}

# Starts a command that stays, as NAME; what it prints goes to LAB_DIR/NAME.log, which has nothing
# else in it.
start() { # name, host, command...
	local name=$1 host=$2
	shift 2
	show "$host" "$@" '&'
	fresh "$LAB_DIR/$name.log"
	ip netns exec "$(namespace "$host")" "$@" </dev/null >>"$LAB_DIR/$name.log" 2>&1 &
	echo $! >"$LAB_DIR/$name.pid"
	until runs_on "$host" $! || [ ! -e /proc/$! ]; do
		sleep 0.01
	done
}

# Whether a process has ended, though maybe nobody has asked how: it runs on no host of this lab.
is_gone() { # pid
	local host
	for host in $(lab_hosts); do
		! runs_on "$host" "$1" || return 1
	done
}

# Stops what start started, and waits until it is gone. What was started at the end of a pipe is no
# child of this shell, which could not wait for it.
stop() { # name, [signal]
	local pid
	pid=$(cat "$LAB_DIR/$1.pid" 2>/dev/null) || return 0
	rm -f "$LAB_DIR/$1.pid"
	is_gone "$pid" || kill "-${2:-TERM}" "$pid" 2>/dev/null
	eventually is_gone "$pid" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

# Sleeps, but wakes for a signal.
pause() { # seconds
	sleep "$1" &
	wait $!
}

# Looks four times a second: each look starts processes, in a network namespace most of them, and in
# twenty labs at a time that is what keeps a machine busy.
wait_until() { # seconds, command...
	local tries=$(($1 * 4))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		pause 0.25
	done
}

# Waits for what comes at once on a quiet machine, as long as a busy one may take.
eventually() { # command...
	wait_until 60 "$@"
}

host_add() { # host
	echo "$1" >>"$LAB_DIR/hosts"
	ip netns add "$(namespace "$1")" || return
	# Duplicate address detection would hold every IPv6 address back for a second.
	at "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	at "$1" ip link set lo up
}

router_add() { # host
	host_add "$1" &&
		on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# A wire between two hosts. Checksums are computed before a packet leaves, as on a real wire.
cable() { # host, interface, peer, peer's interface
	show "$1" "ip link add $2 type veth peer $4, which is on $3"
	ip link add name "$2" netns "$(namespace "$1")" type veth \
		peer name "$4" netns "$(namespace "$3")" || return
	at "$1" ethtool -K "$2" tx off >/dev/null
	at "$3" ethtool -K "$4" tx off >/dev/null
	at "$1" ip link set "$2" up
	at "$3" ip link set "$4" up
}

lab_hosts() {
	cat "$LAB_DIR/hosts" 2>/dev/null
}

lab_is_up() {
	[ -d "$LAB_DIR" ]
}

# All of them in one look at what runs on this machine, as that is asked for again and again.
lab_processes() {
	local host spaces=()
	for host in $(lab_hosts); do
		spaces+=("/run/netns/$namespaces$host")
	done
	stat -L -c '%i %n' "${spaces[@]}" /proc/[0-9]*/ns/net 2>/dev/null | awk '
		$2 ~ "^/run/" { is_ours[$1]; next }
		$1 in is_ours { split($2, path, "/"); print path[3] }'
}

lab_is_still() {
	[ -z "$(lab_processes)" ]
}

# Takes the name, so that no two labs share one.
lab_open() {
	mkdir "$LAB_DIR" 2>/dev/null && return
	echo "lab '$LAB' is up already: tools/lab down, or another name in LAB" >&2
	return 1
}

# Ends every process on the lab's hosts, then the hosts, then its files.
lab_close() {
	local pid host
	lab_is_up || return 0
	for pid in $(jobs -rp) $(lab_processes); do
		kill "$pid" 2>/dev/null
	done
	if ! wait_until 3 lab_is_still; then
		disown -a # or the shell tells about each
		for pid in $(lab_processes); do
			kill -9 "$pid" 2>/dev/null
		done
	fi
	for host in $(lab_hosts); do
		ip netns del "$(namespace "$host")" 2>/dev/null
	done
	rm -rf "$LAB_DIR"
}

# Opens a lab that is gone when the script ends, however it ends.
lab_open_until_exit() {
	lab_open || exit 1
	trap 'trap "" INT TERM HUP; lab_close' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}

# What scenarios begin with.
lab_with() { # command...
	lab_open_until_exit
	{ LAB_QUIET=1 network_up && "$@"; } || exit 1
}

lab_with_proxy() { # further arguments for the proxy
	lab_with proxy_start "$@"
}
