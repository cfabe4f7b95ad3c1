# shellcheck shell=bash
# For suites of parts that mostly wait: they run at the same time, and what each prints is shown as a
# whole, in order. However the suite ends, its parts are told to.
parts_out=$(mktemp -d)
parts_names=()
# More of them at a time would wait for the processor rather than for what they are about.
parts_at_once=$((10 * $(nproc)))

# Waits for its one part by itself: a shell that has started many processes since cannot be asked for
# one any more whose number has come round.
run_part() { # name, command...
	local file=$parts_out/$1
	shift
	"$@" >"$file" 2>&1 </dev/null &
	echo $! >"$file.pid"
	wait $!
	echo $? >"$file.ended"
	mv "$file.ended" "$file.status"
}

# Until none is left to be told: on a busy machine one has been seen to miss the first.
end_parts() {
	local name
	trap '' INT TERM HUP
	while [ -n "$(jobs -rp)" ]; do
		for name in "${parts_names[@]}"; do
			[ -e "$parts_out/$name.status" ] || [ ! -s "$parts_out/$name.pid" ] ||
				kill "$(cat "$parts_out/$name.pid")" 2>/dev/null
		done
		sleep 0.2
	done
	rm -rf "$parts_out"
}
trap end_parts EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

side_by_side() { # name, command...
	while [ "$(jobs -rp | wc -l)" -ge "$parts_at_once" ]; do
		sleep 0.2
	done
	run_part "$@" &
	parts_names+=("$1")
}

# Waits for all, and shows what they print. False where one has failed.
show_parts() {
	local name status failed=0
	wait
	for name in "${parts_names[@]}"; do
		status=$(cat "$parts_out/$name.status" || echo 1)
		echo "# $name"
		cat "$parts_out/$name"
		[ "$status" != 0 ] || continue
		failed=1
		# One that could not even begin says so itself, but in no line that counts.
		grep -q '^not ok' "$parts_out/$name" ||
			echo "not ok - $name: ended with status $status"
	done
	return $failed
}
