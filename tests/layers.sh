#!/bin/sh
# Dependencies point one way: main -> ops, io, state -> core -> libc. Headers in include/natbox
# belong to the room that has a source file of that name.
cd "$(dirname "$0")/.." || exit 1
status=0

room_of() { # header name -> core, io, ops, state
	for room in io ops state; do
		[ -e "src/$room/$1.c" ] && { echo $room; return; }
	done
	echo core
}

check() { # file, the rooms it may include from
	for header in $(sed -n 's|^#include <natbox/\(.*\)\.h>.*|\1|p' "$1"); do
		of=$(room_of "$header")
		case " $2 " in
		*" $of "*) ;;
		*) echo "# $1 includes natbox/$header.h, a header of $of"; bad=1 ;;
		esac
	done
}

for room in core io ops state; do
	bad=
	case $room in
	core) may=core ;;
	*) may="core $room" ;;
	esac
	for file in src/$room/*.c src/$room/*.h; do
		[ -e "$file" ] && check "$file" "$may"
	done
	for header in include/natbox/*.h; do
		name=$(basename "$header" .h)
		[ "$(room_of "$name")" = $room ] && check "$header" "$may"
	done
	if [ $room = core ] && grep -nE \
		'#include <(sys/socket|netinet/|fcntl|unistd|time|sys/time|poll|pcap|libnet)' \
		src/core/*.c; then
		echo "# the core does no I/O and reads no clock"
		bad=1
	fi
	[ -z "$bad" ] && echo "ok - $room depends on: $may" || {
		echo "not ok - $room depends on: $may"
		status=1
	}
done
exit $status
