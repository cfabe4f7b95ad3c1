#!/bin/sh
# clang-tidy, cppcheck and mandoc have nothing to say.
cd "$(dirname "$0")/.." || exit 1
status=0

say() { # exit status, what it shows
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; status=1; fi
}

flags="-Iinclude -D_GNU_SOURCE -DNATBOX_VERSION=\"0\" -std=c11"
sources=$(git ls-files 'src/*.c' 'tools/*.c')

# shellcheck disable=SC2086
echo $sources | xargs -n 4 -P 2 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$@" -- '"$flags"' 2>/dev/null' tidy
say $? "clang-tidy has nothing to say"

# shellcheck disable=SC2086
cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
	--suppress=missingIncludeSystem -Iinclude $sources
say $? "cppcheck has nothing to say"

out=$(mandoc -T lint -W warning natbox.8 2>&1)
[ -z "$out" ] || echo "$out"
[ -z "$out" ]
say $? "mandoc has nothing to say about natbox.8"
exit $status
