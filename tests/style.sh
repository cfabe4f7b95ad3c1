#!/bin/sh
# The code is formatted as .clang-format says, and no line is longer than 100 columns.
cd "$(dirname "$0")/.." || exit 1
if clang-format --dry-run --Werror $(git ls-files '*.c' '*.h'); then
	echo "ok - clang-format has nothing to change"
else
	echo "not ok - clang-format has nothing to change"
	exit 1
fi
