#!/bin/bash
# A phone that registers nowhere and only watches who is there: its subscription alone keeps it.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
relay_start || exit 1
alice=$(public_address phone1):5061

bob_registers_and_alice_watches() {
	baresip_start phone3 bob 4 600
	wait_until 5 baresip_saw phone3 'SIP/2.0 200 OK' || return
	BARESIP_WATCHES="sip:bob@$(proxy_address)" baresip_start_unregistered phone1 alice
	wait_until 5 baresip_saw phone1 'NOTIFY sip:alice'
}

expect "a phone subscribes to another's presence" bob_registers_and_alice_watches
pause 40
expect "after 40 s of silence bob goes away, and it learns it" bob_goes_away
baresip_leave phone1
expect "natbox kept it for the subscription alone, and until its end" \
	wait_until 5 story_is "$alice" 'add subscription, end subscription ended'
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
