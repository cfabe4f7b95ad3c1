#!/bin/bash
# ThreadSanitizer watches what runs in several threads: the state's writer, metrics, a reload. A data
# race fails, whether or not it did harm this time.
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"
# Its memory has fixed places, which newer kernels may give away when they choose them at random.
[ -n "${TSAN_OPTIONS:-}" ] ||
	TSAN_OPTIONS="log_path=$(mktemp -d)/race exitcode=0 atexit_sleep_ms=0" exec setarch -R "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
races=${TSAN_OPTIONS#log_path=} races=${races%%/race*}
. tests/side-by-side.bash
trap 'end_parts; rm -rf "$races"' EXIT
chmod 1777 "$races" # natbox may have become another user by the time of a race
make -s build/load build/statehost &&
	make -s B=build/tsan CFLAGS="-O1 -g1 -fsanitize=thread" build/tsan/{natbox,statehost,statekill} ||
	exit 1

export NATBOX=build/tsan/natbox BUILD=build/tsan KILLS=10
for suite in reload metrics page state; do
	run=tests/$suite.sh
	[ -x "$run" ] || run=tests/$suite/run
	side_by_side $suite "$run"
done
show_parts >"$parts_out/all"
status=$?
sed -E 's/^(not )?ok/& tsan:/' "$parts_out/all"

# What it complains of otherwise, memory that it does not get for one, ends a program without a word.
if ! grep -qs ThreadSanitizer "$races"/race*; then
	echo "ok - ThreadSanitizer has seen no race"
else
	sed 's/^/# /' "$races"/race*
	echo "not ok - ThreadSanitizer has seen $(cat "$races"/race* | grep -c "WARNING: ThreadSanitizer") races"
	status=1
fi
exit $status
