#!/bin/bash
# No turn of the packet loop takes longer than 20 ms, whatever befalls 100 000 endpoints at once
# (tools/turns says what). Of processor time: what others do with it meanwhile does not count.
set -u
cd "$(dirname "$0")/.." || exit 1
limit_ms=20
names='start tick flood flood_large reload_exempt reload_longer reload_shorter reload_all expiry control_list control_flush'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tools/turns -e 100000 >"$work/figures"
sed 's/^/# /' "$work/figures"
for name in $names; do
	if awk -v name="$name" -v limit=$limit_ms '
		$1 == name && $3 != "" { found = 1; odd = $3 > limit }
		END { exit !found || odd }' "$work/figures"; then
		echo -n "ok"
	else
		echo -n "not ok"
	fi
	echo " - no turn takes more than $limit_ms ms of a processor: $name"
done
