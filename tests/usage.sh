#!/bin/bash
# Wrong usage: the exit status is 2, and one line on standard error says what is wrong with what was
# written.
set -u
cd "$(dirname "$0")/.." || exit 1
natbox=${NATBOX:-./natbox}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

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

refused "what is this for: -x" -x
refused "what is this for: -x" -dx
refused "what is this for: --bogus" --bogus
refused "what is this for: --test=yes" --test=yes
refused "what is this for: --d" --d
refused "what is this for: foo" -t foo
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
refused "--run-on takes 8784h at most, not 4294967295h" -r pcaps/two-winners.pcap \
	--run-on 4294967295h
exit $failed
