# shellcheck shell=bash
# For suites of parts that mostly wait: they run at the same time, and what each prints is shown as a
# whole, in order. However the suite ends, its parts are told to.
parts_out=$(mktemp -d)
parts_pids=() parts_names=()
# More of them at a time would wait for the processor rather than for what they are about.
parts_at_once=$((10 * $(nproc)))

end_parts() {
	trap '' INT TERM HUP
	# Until none is left to be told: on a busy machine one has been seen to miss the first.
	while kill "${parts_pids[@]}" 2>/dev/null; do
		sleep 0.2
	done
	wait
	rm -rf "$parts_out"
}
trap end_parts EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

side_by_side() { # name, command...
	local name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$parts_at_once" ]; do
		sleep 0.2
	done
	"$@" >"$parts_out/$name" 2>&1 </dev/null &
	parts_pids+=($!)
	parts_names+=("$name")
}

# Waits for all, and shows what they print. False where one has failed.
show_parts() {
	local i status failed=0
	for i in "${!parts_names[@]}"; do
		wait "${parts_pids[i]}"
		status=$?
		echo "# ${parts_names[i]}"
		cat "$parts_out/${parts_names[i]}"
		[ $status != 0 ] || continue
		failed=1
		# One that could not even begin says so itself, but in no line that counts.
		grep -q '^not ok' "$parts_out/${parts_names[i]}" ||
			echo "not ok - ${parts_names[i]}: ended with status $status"
	done
	return $failed
}
