#!/bin/bash
# Who has seen enough just as natboxctl begins to wait for the next line.
. "$(dirname "$0")/service.bash"
cc -shared -fPIC -o "$work/interrupts.so" tests/operation/interrupts.c -ldl || exit 1

start -o control.socket="$work/socket"
timeout 60 env LD_PRELOAD="$work/interrupts.so" "${NATBOXCTL:-./natboxctl}" -s "$work/socket" \
	events -k lost >"$work/shown" 2>"$work/errors" && [ ! -s "$work/errors" ]
say $? "natboxctl ends, though no line comes"
stop
exit 0
