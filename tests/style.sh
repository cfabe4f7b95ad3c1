#!/bin/sh
# The code is formatted as .clang-format says, no line is longer than 100 columns, comments included,
# which clang-format leaves alone, and no header hides another.
cd "$(dirname "$0")/.." || exit 1
status=0 wide=0
files=$(git ls-files '*.c' '*.h')

say() { # exit status, what it shows
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; status=1; fi
}

# shellcheck disable=SC2086
clang-format --dry-run --Werror $files
say $? "clang-format has nothing to change"

for file in $files; do
	expand -t 8 "$file" | awk -v file="$file" '
		length($0) > 100 { print "# " file ":" NR ": " length($0) " columns"; wide = 1 }
		END { exit wide }' || wide=1
done
say $wide "no line is longer than 100 columns"

# shellcheck disable=SC2086
doubles=$(sed -n 's/^#ifndef \(NATBOX_.*_H\)$/\1/p' $files | sort | uniq -d)
[ -z "$doubles" ] || echo "# $doubles"
[ -z "$doubles" ]
say $? "each header has a guard of its own"
exit $status
