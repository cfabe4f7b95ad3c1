#!/bin/bash
# 100 000 phones behind NAT register, and their keepalives leave evenly: the busiest 10 ms of an
# interval carry at most 1.5 times the mean. However they came: within ten seconds,
# as after a power cut, or over two minutes.
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox tools || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
phones=100000 interval=60 failed=0

say() { # status, what it shows
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; failed=1; fi
}

# How many keepalives leave in each 10 ms of the third and fourth interval after the last
# registration; and how many endpoints have fewer or more than two in it.
measure() { # seconds of registrations
	awk -F '"' -v from=$((1000000000 + $1 + 2 * interval)) -v span=$((2 * interval)) '
		$6 == "keepalive" {
			time = substr($3, 2) - from
			if (time < 0 || time >= span)
				next
			slot[int(time * 100 + 0.5)]++
			client[$10]++
			sent++
		}
		END {
			for (i in slot) if (slot[i] > busiest) busiest = slot[i]
			for (c in client) {
				endpoints++
				if (client[c] != 2) uneven++
			}
			printf "%d %d %.2f\n", endpoints, uneven, busiest / (sent / span / 100)
		}' "$work/events"
}

for seconds in 10 120; do
	build/registrations $phones $seconds "$work/in.pcap" &&
		./natbox -r "$work/in.pcap" -c /dev/null \
			--run-on $((4 * interval)) -o natbox.proxy=198.51.100.1:5060 \
			-o keepalive.interval=${interval}s >"$work/events" || exit 1
	read -r endpoints uneven ratio < <(measure $seconds)
	echo "# $endpoints endpoints that came within $seconds s: busiest 10 ms / mean = $ratio"
	[ "$endpoints" = $phones ] && awk "BEGIN { exit !($ratio <= 1.5) }"
	say $? "keepalives of $phones phones that came within $seconds s are spread"
	[ "$uneven" = 0 ]
	say $? "each of them gets one an interval, $uneven do not"
done
exit $failed
