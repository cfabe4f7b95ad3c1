#!/bin/sh
# clang-tidy, cppcheck and mandoc have nothing to say.
cd "$(dirname "$0")/.." || exit 1
status=0

say() { # exit status, what it shows
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; status=1; fi
}

flags='-Iinclude -Isrc -D_GNU_SOURCE -DNATBOX_VERSION="" -std=c11'
sources=$(git ls-files 'src/*.c' 'tools/*.c' 'tests/programs/*.c')

# One file at a time: clang-tidy 14 loses track of va_start over several. Its analyzer follows a
# quarter of the paths it would by itself, in a quarter of the time: DEPTH=225000 has it follow all.
depth="-Xclang -analyzer-config -Xclang max-nodes=${DEPTH:-60000}"
echo "$sources" | xargs -n 1 -P "$(nproc)" sh -c \
	'clang-tidy --quiet --warnings-as-errors="*" "$2" -- $1 2>/dev/null' tidy "$flags $depth"
say $? "clang-tidy has nothing to say"

# ctuuninitvar takes every output parameter for a use of what it is to be filled with.
# shellcheck disable=SC2086
cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
	--suppress=missingIncludeSystem --suppress=ctuuninitvar -Iinclude -Isrc $sources
say $? "cppcheck has nothing to say"

out=$(mandoc -T lint -W warning natbox.8 natboxctl.8 2>&1)
[ -z "$out" ] || echo "$out"
[ -z "$out" ]
say $? "mandoc has nothing to say about natbox.8 and natboxctl.8"
exit $status
