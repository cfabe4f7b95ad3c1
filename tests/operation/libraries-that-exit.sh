#!/bin/bash
# Libraries that end the process that calls them, as some do where memory is short.
. "$(dirname "$0")/service.bash"

has_failed_again() {
	[ "$(grep -c "cannot install table inet natbox" "$work/log")" -ge 2 ]
}

preload_ends
echo pcap_compile >"$ENDS"
ends_with 1 "cannot compile the filter of the capture: .*status 2" -- 
say $? "libpcap that exits is a fault that is tried again"
echo nft_run_cmd_from_buffer >"$ENDS"
ends_with 1 "cannot install table inet natbox: .*status 2" -- "${relay[@]}"
say $? "and so is libnftables"
: >"$ENDS"
start "${relay[@]}" && eventually is_diverting
say $? "natbox relays"
echo nft_run_cmd_from_buffer >"$ENDS"
inside nft delete table inet natbox
eventually logged "cannot install table inet natbox: .*status 2" && is_running
say $? "rules that cannot be put back, as libnftables exits, do not end it"
: >"$ENDS"
eventually logged "table inet natbox was gone and has been put back" && is_diverting && is_running
say $? "and are put back once they can be"
echo nft_run_cmd_from_buffer >"$ENDS"
inside nft flush chain inet natbox arriving
eventually has_failed_again && : >"$ENDS" &&
	eventually logged "a rule of table inet natbox was gone and has been put back"
say $? "so are those of a chain, however often that failed before"
echo nft_run_cmd_from_buffer >"$ENDS"
stop && is_not_diverting && ! has_rule
say $? "it stops cleanly where libnftables exits, and diverts nothing any more"
logged "error: cannot remove table inet natbox: .*status 2.*nft delete table inet natbox"
say $? "and says that its table is left"

preload_ends
start -o state.path="$work/state" -o state.sync=1m -o metrics.listen=127.0.0.1:9560
inside build/load -g -n 64 -u 64 -b 64 -r 1 $client $proxy "$pid" >"$work/load"
echo MHD_stop_daemon >"$ENDS"
kill -TERM "$pid"
ended
[ $? = 2 ] && preload='' start -o state.path="$work/state" && logged "state: 64 endpoints"
say $? "state is written before a library can end natbox at the stop"
stop
exit 0
