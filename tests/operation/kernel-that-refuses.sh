#!/bin/bash
# What the kernel refuses to natbox for want of memory.
. "$(dirname "$0")/service.bash"
export REFUSALS=$work/refusals
: >"$REFUSALS"
cc -shared -fPIC -o "$work/refuses.so" tests/operation/refuses.c -ldl || exit 1
preload=$work/refuses.so

asks() { inside timeout 60 build/peer ask $client:6000 $proxy 300 1 >/dev/null; }
answers() { asks 2>/dev/null; }
is_heard() { [ "$(wc -l <"$work/heard")" -gt "$before" ]; }

ip netns exec "$namespace" build/peer echo $proxy >"$work/heard" &
eventually answers || exit 1
start -o natbox.mode=queue
eventually is_diverting && answers
say $? "in mode queue a packet passes through natbox"
before=$(wc -l <"$work/heard")
printf xxxxx >"$REFUSALS"
inside build/peer forge $client:6000 $proxy 300
eventually is_heard && [ ! -s "$REFUSALS" ]
say $? "one whose verdict is refused goes on without another that comes behind it"
eventually logged "warning: 1 datagrams went on late, and as they came: .*: No buffer space available$"
say $? "and is told of as one, however often it was refused"
stop
exit 0
