# What the benchmarks share: hosts of the lab that are connected to nobody, the processes that are
# measured there, figures of several rounds.
# shellcheck shell=bash disable=SC2034,SC2154 # measured and set for those who read this
LAB=bench-$$ LAB_QUIET=yes
. "$(dirname "${BASH_SOURCE[0]}")/../lab.d/lab.sh"
cd "$lab_root" || exit 1
make -s natbox tools || exit 1

# What is measured has a core for itself, where there are two; the load has another.
measured_core=$(($(nproc) - 1))
load_core=0
disk_directory=

# The lab and what is on the disk are gone when the script ends, however it ends.
bench_open() {
	lab_open_until_exit
	trap 'trap "" INT TERM HUP; lab_close; rm -rf "$disk_directory"' EXIT
}

# A directory on a disk, for state; fails where the repository is on none.
make_disk_directory() {
	case $(stat -f -c %T build) in
	tmpfs | ramfs)
		echo "build is on no disk" >&2
		return 1
		;;
	esac
	disk_directory=$(mktemp -d -p "$lab_root/build" bench.XXXXXX)
}

# Starts a command that stays and is to be measured.
start_measured() { # name, host, command...
	start "$1" "$2" taskset -c "$measured_core" "${@:3}"
}

pid_of() { # name
	cat "$LAB_DIR/$1.pid"
}

has_logged() { # name, what
	grep -qs "$2" "$LAB_DIR/$1.log"
}

# Waits until what was started says so; when it does not, the benchmark is over.
await() { # name, what, [seconds]
	wait_until "${3:-10}" has_logged "$1" "$2" && return
	echo "$1 does not start:" >&2
	cat "$LAB_DIR/$1.log" >&2
	exit 1
}

# Kamailio with the allocator that is the fastest at this, and one worker. Whom to keep alive it
# reads from LAB_DIR/NAME.endpoints.
start_kamailio() { # name, host, own address, further arguments
	command -v kamailio >/dev/null || {
		echo "there is no kamailio to compare with" >&2
		return 1
	}
	start_measured "$1" "$2" kamailio -DD -E -f "$lab_root/tools/bench.d/kamailio.cfg" \
		-A "ENDPOINTS=\"$LAB_DIR/$1.endpoints\"" \
		-Y "$LAB_DIR" -P "$LAB_DIR/$1.main" -b 16777216 -x tlsf -X tlsf -n 1 -l "udp:$3" "${@:4}"
	await "$1" 'the worker is' 60
}

kamailio_worker() { # name
	sed -n 's/.*the worker is //p' "$LAB_DIR/$1.log"
}

# The median of the numbers, one a line, and where half of them lie.
summarise() { # name
	sort -g | awk -v name="$1" '{ line[NR] = $1 } END {
		printf "%s %.3f (half of the rounds: %.3f to %.3f)\n", name, line[int((NR + 1) / 2)],
			line[int((NR + 3) / 4)], line[int((3 * NR + 3) / 4)]
	}'
}

# Who watches a natbox that has its control socket at LAB_DIR/NAME.sock and its metrics at
# metrics_address: a client that lists all endpoints, and somebody who looks at the status page and
# searches there, again and again. Each gives way to the load at once, and ends with natbox at the
# latest.
metrics_address=127.0.0.1:9100

list() { # natbox
	while build/natboxctl -s "$LAB_DIR/$1.sock" -j endpoints >/dev/null; do :; done
}

page() { # natbox
	local path
	while ! is_gone "$(pid_of "$1")"; do
		for path in status.json lost.json spread.json history.json 'search?q=user0003999'; do
			at "$1" curl -s --max-time 60 -o /dev/null "http://$metrics_address/$path"
		done
	done
}

watch() { # list or page, natbox
	exec 2>/dev/null
	taskset -cp "$load_core" "$BASHPID" >/dev/null && chrt -i -p 0 "$BASHPID" && "$@"
}

# Those beyond 5 ms, and all, since the start, as natbox's own histogram has them.
turns_of() { # natbox, histogram
	at "$1" curl -s --max-time 60 "http://$metrics_address/metrics" | awk -v name="natbox_$2" '
		index($1, name "_bucket{le=\"0.005\"") == 1 { short = $2 }
		$1 == name "_count" { all = $2 }
		END { printf "%d %d\n", all - short, all }'
}
