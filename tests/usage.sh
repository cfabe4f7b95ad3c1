#!/bin/bash
# Wrong usage: the exit status is 2, and one line on standard error says what is wrong with what was
# written. And natbox -h and natbox.8 have every option.
set -u
cd "$(dirname "$0")/.." || exit 1
natbox=${NATBOX:-./natbox}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

say() { # status, what it shows
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; failed=1; fi
}

refused() { # what is said, natbox's arguments
	local said=$1
	shift
	if "$natbox" "$@" >"$work/out" 2>"$work/errors" </dev/null
		[ $? -eq 2 ] && [ ! -s "$work/out" ] &&
			[ "$(cat "$work/errors")" = "natbox: $said: see natbox -h" ]
	then
		echo "ok - natbox $*: $said"
	else
		echo "not ok - natbox $*: $said"
		cat "$work/errors"
		failed=1
	fi
}

refused "unknown option -x" -x
refused "unknown option -x" -dx
refused "unknown option --bogus" --bogus
refused "unknown option --test=yes" --test=yes
refused "unknown option --d" --d
refused "unexpected argument foo" -t foo
refused "an argument is missing after -c" -c
refused "an argument is missing after -c" -tc
refused "an argument is missing after --config" -d --config

refused "-i takes the name of an interface, 1 to 15 bytes, not " -t -i ''
refused "-i takes the name of an interface, 1 to 15 bytes, not a23456789012345x" \
	-t -i a23456789012345x
for option in c l r w; do
	refused "the name of a file is empty after -$option" -$option ''
done
refused "standard output has the events, -w takes a file, not -" \
	-r pcaps/two-winners.pcap -w - -c /dev/null
for time in 4294967295h 31622401s; do
	refused "--run-on takes 8784h at most, not $time" -r pcaps/two-winners.pcap --run-on $time
done
"$natbox" -r "$work/none.pcap" -c /dev/null --run-on 8784h 2>"$work/errors"
[ $? -eq 1 ]
say $? "so long it may run on"
refused "unexpected argument foo" foo -h
refused "-n goes with natbox.mode = sniff" -n -c /dev/null -o natbox.mode=relay
for other in "-t --rules" "-t -r none.pcap" "--rules -r none.pcap"; do
	# shellcheck disable=SC2086
	refused "-t, -r and --rules do not go together" $other
done
for other in "-w out.pcap" "--run-on 1s"; do
	# shellcheck disable=SC2086
	refused "-w and --run-on go with -r" $other
done

overrides=()
for i in {1..300}; do overrides+=(-o "keepalive.interval=${i}s"); done
[ "$("$natbox" -t -c /dev/null "${overrides[@]}")" = "/dev/null: ok" ] &&
	! "$natbox" -t -c /dev/null "${overrides[@]}" -o keepalive.interval=soon 2>"$work/errors"
say $? "-o may be given as often as wanted"

# Each long option with its letter, as `config c`; one without has none.
taken=$(sed -n 's/^\t\t{"\([a-z-]*\)", .*, .\(.\).},$/\1 \2/p; s/^\t\t{"\([a-z-]*\)", .*OPTION_[A-Z_]*},$/\1/p' src/options.c | sort)
shown=$("$natbox" -h | sed -n 's/^  -\(.\), --\([a-z-]*\).*/\2 \1/p; s/^      --\([a-z-]*\).*/\1/p' | sort)
described=$(sed -n '/^\.Sh OPTIONS/,/^\.Sh DEPLOYMENT/p' natbox.8 |
	sed -n 's/^\.It Fl \(.\)[^-]* Fl -\([a-z-]*\).*/\2 \1/p; s/^\.It Fl -\([a-z-]*\).*/\1/p' | sort)
[ "$(wc -l <<<"$taken")" -ge 15 ] && [ "$taken" = "$shown" ]
say $? "natbox -h shows every option that there is, a line each"
[ "$taken" = "$described" ]
say $? "and so does natbox.8"
! "$natbox" -h | grep -v '^  -o' | grep -oE '\[-o [^]]*\]' | grep -vq '^\[-o section.key=value\]$'
say $? "whose lines of usage say what -o takes"
! "$natbox" -h | grep '^  *-' | grep -qE '.{81}'
say $? "in 80 columns"
exit $failed
