#!/bin/bash
# What the lab's other scenarios rely on: whoever looks right after something has been started again
# sees what this life wrote, and nothing of the one before, which is gone.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_open_until_exit
LAB_QUIET=1 host_add phone1 || exit 1
lives=100

live() { # number of this life
	start living phone1 sh -c "echo life $1; exec sleep 1000"
}

# However often: the next life's process may write, or not, before this one looks.
sees_no_other_life() {
	local life
	for life in $(seq $lives); do
		live "$life"
		if grep -v "^life $life$" "$LAB_DIR/living.log"; then
			echo "# seen right after life $life had begun"
			return 1
		fi
		eventually grep -q "^life $life$" "$LAB_DIR/living.log" || return
		stop living
	done
}

# As phones are that read their lines from a pipe.
is_gone_when_stopped_at_the_end_of_a_pipe() {
	local pid
	echo | start living phone1 sh -c 'trap "sleep 0.3; exit" TERM; echo ready; while :; do sleep 0.1; done'
	eventually grep -q ready "$LAB_DIR/living.log" || return
	pid=$(cat "$LAB_DIR/living.pid")
	stop living
	[ ! -e "/proc/$pid" ] || is_gone "$pid"
}

no_message_of_an_earlier_phone() {
	echo 'SIP/2.0 200 OK' >"$LAB_DIR/phone1.messages"
	sipp_command phone1 4 register
	not phone_saw phone1 'SIP/2.0 200 OK'
}

expect "right after a start none of $lives lives shows what another wrote" sees_no_other_life
expect "what is stopped is gone, also where it was started at the end of a pipe" \
	is_gone_when_stopped_at_the_end_of_a_pipe
expect "a phone has no messages but its own" no_message_of_an_earlier_phone
verdict
