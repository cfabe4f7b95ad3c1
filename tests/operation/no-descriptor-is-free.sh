#!/bin/bash
# natbox runs out of descriptors, and looks after its rules and routes all the same.
. "$(dirname "$0")/service.bash"

start "${relay[@]}" -o metrics.listen=127.0.0.1:9560
listen=http://127.0.0.1:9560/healthz
answers() { [ "$(inside curl -s --max-time 2 -o /dev/null -w '%{http_code}' $listen)" = 200 ]; }
lowest_free_descriptor() {
	local fd=0
	while [ -e "/proc/$pid/fd/$fd" ]; do ((fd++)); done
	echo $fd
}
leave_none_free() { prlimit --pid "$pid" --nofile="$(lowest_free_descriptor)":; }
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
eventually answers
say $? "metrics are served"
leave_none_free
inside ip rule del priority 1 && eventually has_rule
say $? "a routing rule that somebody removed is put back"
inside nft delete table inet natbox && eventually is_diverting
say $? "so is the table"
answers # it was waited for with a descriptor
# One that was used for a moment when they were counted is free now.
takes_none() { leave_none_free; ! answers; }
eventually takes_none
ticks_before=$(ticks)
! answers && ! answers && eventually is_diverting && [ $(($(ticks) - ticks_before)) -lt $(($(getconf CLK_TCK))) ]
say $? "a connection that cannot be taken costs no time"
prlimit --pid "$pid" --nofile=1024:
eventually answers
say $? "and is taken once it can be"
stop
say $? "it stops cleanly"

start -o natbox.mode=queue
leave_none_free
inside nft delete table inet natbox && eventually is_diverting
say $? "in mode queue the table is put back, too, with the rule that natbox makes itself"
stop

# Sniffing, natbox looks around once a second; each of its turns ends in a wait.
waits() { awk '/^voluntary/ { print $2 }' "/proc/$pid/status"; }
has_turned() { [ "$(waits)" -ge $((waits_before + 5)) ]; }
looks_around() { waits_before=$(waits) && eventually has_turned; }
start -o 'natbox.proxy=*:5060'
leave_none_free
looks_around && logged "cannot list the addresses of this host"
say $? "addresses of the host that it has to know and cannot list are told of"
stop
start
leave_none_free
looks_around && ! logged "cannot list the addresses of this host"
say $? "those of a proxy that is named it has no need to list"
stop
exit 0
