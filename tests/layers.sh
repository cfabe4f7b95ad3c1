#!/bin/bash
# Dependencies point one way. A room of src, which is a folder, knows the rooms below it by their public
# headers, include/natbox/ROOM.h, and its own files; nobody includes what is private to another room.
# No two files of src need each other, by what they include or by what they call, over however many
# others.
cd "$(dirname "$0")/.." || exit 1
make -s natbox || exit 1
status=0

# From the bottom up: each of the core's knows those before it. The others know the core, and main all.
core='base sip schedule report nat endpoints keepalive follow engine'
others='wire state ops'
# Public headers that are not named after the room they belong to.
declare -A room_of_header=([address]=base [settings]=base [control]=ops [writer]=wire)

say() { # what it shows, what contradicts it
	if [ -z "$2" ]; then
		echo "ok - $1"
	else
		sed 's/^/# /' <<<"$2"
		echo "not ok - $1"
		status=1
	fi
}

# The rooms that a file's includes lead to, each with the line.
includes() { # files...
	grep -HoE '#include [<"][^>"]*[>"]' "$@" | while IFS=: read -r file line; do
		name=${line#*[<\"]} name=${name%[>\"]}
		case $line in
		*'<natbox/'*)
			name=${name#natbox/} name=${name%.h}
			echo "$file ${room_of_header[$name]:-$name}" ;;
		*\"*)
			path=${file%/*}/$name
			while [[ $path =~ ^(.*/)?[^/.][^/]*/\.\./(.*)$ ]]; do
				path=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
			done
			[ -e "$path" ] || path=src/$name
			echo "$file private $path" ;;
		esac
	done
}

check_room() { # room, rooms it may know
	local room=$1 may=" $1 $2 " file of path files
	mapfile -t files < <(git ls-files -co --exclude-standard "src/$room/*.[ch]" "src/$room/**/*.[ch]")
	for header in include/natbox/*.h; do
		of=$(basename "$header" .h)
		[ "${room_of_header[$of]:-$of}" != "$room" ] || files+=("$header")
	done
	includes "${files[@]}" | while read -r file of path; do
		if [ "$of" = private ]; then
			case $path in src/"$room"/*) ;; *) echo "$file includes $path" ;; esac
		else
			case $may in *" $of "*) ;; *) echo "$file knows $of" ;; esac
		fi
	done
}

below=
for room in $core; do
	say "$room knows: ${below:-nobody}" "$(check_room "$room" "$below")"
	below="$below $room"
done
for room in $others; do
	say "$room knows the core" "$(check_room "$room" "$core")"
done

say "ctl knows the core, and what wire and ops offer" "$(check_room ctl "$core wire ops")"

say "the core does no I/O and reads no clock" "$(for room in $core; do
	grep -nE '#include <(sys/socket|netinet/|fcntl|unistd|time|sys/time|poll|pcap|libnet)' \
		src/"$room"/*.c; done | grep -v ^src/base/clock.c: ;
	for room in $core; do grep -nE '\<(clock_us|thread_start)\(' src/"$room"/*.c; done |
		grep -vE '^src/base/(clock|thread)\.c:')"

# Of each object: the symbols that it has and those that it wants, as pairs of files for tsort.
calls() {
	local object
	find build/src -name '*.o' | while read -r object; do
		[ ! -e "${object:6:-1}c" ] || echo "$object"
	done | xargs nm -A | sed 's/^build\/src\///; s/\.o:/ /' | awk '
		$(NF - 1) == "U" { wants[$1 " " $NF] } $(NF - 1) ~ /[TDRBV]/ { has[$NF] = $1 }
		END { for (want in wants) { split(want, pair); of = has[pair[2]]
			if (of != "" && of != pair[1]) print pair[1], of } }'
}
private_includes() {
	includes $(git ls-files 'src/*.[ch]') | awk '$2 == "private" { sub(/^src\//, "", $1)
		sub(/^src\//, "", $3); sub(/\.[ch]$/, "", $1); sub(/\.[ch]$/, "", $3)
		if ($1 != $3) print $1, $3 }'
}
say "no files need each other in a circle" "$({ calls && private_includes; } | tsort 2>&1 >/dev/null)"
exit $status
