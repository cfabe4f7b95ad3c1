# Calls between two homes: alice on phone1 and bob on phone3, real phones whose Contacts are the
# addresses they have at home. And calls for a desk where three such phones ring.
# shellcheck shell=bash

homes_register() { # [4 or 6]
	baresip_start phone1 alice "${1:-4}" 600
	baresip_start phone3 bob "${1:-4}" 600
	eventually baresip_saw phone1 'SIP/2.0 200 OK' && eventually baresip_saw phone3 'SIP/2.0 200 OK'
}

# A REGISTER that was not answered at once is sent again, and is still one.
registrations() { # phone
	grep -a '^CSeq: [0-9]* REGISTER' "$LAB_DIR/$1.log" | sort -u | grep -c .
}

phones_registered_once() {
	[ "$(registrations phone1)" = 1 ] && [ "$(registrations phone3)" = 1 ]
}

# Whether the phone's 200 gave it back what it had registered, byte for byte; phones that find
# something else think they are not registered. baresip shows messages as they are on the wire.
contact_is_its_own() { # phone
	local sent got log=$LAB_DIR/$1.log
	sent=$(grep -a '^Contact:' "$log" | head -n 1)
	got=$(sed -n '/^SIP\/2.0 200 OK/,$ p' "$log" | grep -a '^Contact:' | head -n 1)
	[ -n "$sent" ] && [ "$sent" = "$got" ]
}

alice_calls_bob() { # [4 or 6]
	baresip_makes phone3 'bob@.*Call established' phone1 dial "sip:bob@$(proxy_address "${1:-4}")"
}

bob_calls_alice() { # [4 or 6]
	baresip_makes phone1 'alice@.*Call established' phone3 dial "sip:alice@$(proxy_address "${1:-4}")"
}

bob_hangs_up() {
	baresip_makes phone1 'BYE sip:' phone3 hangup
}

# The phone is told that what it asks for has failed, and the other one has seen nothing of it.
baresip_makes_in_vain() { # the other phone, start of the line, then as for baresip_do
	local other=$1 line=$2 before failed
	shift 2
	before=$(baresip_count "$other" "$line")
	failed=$(baresip_count "$1" 'SIP/2.0 [4-6]')
	baresip_do "$@" || return
	eventually baresip_has_more "$1" 'SIP/2.0 [4-6]' "$failed" &&
		not baresip_has_more "$other" "$line" "$before"
}

# Every call begins with an INVITE, whoever rings or does not.
call_fails() { # phone, user, whose phone is
	baresip_makes_in_vain "$3" 'INVITE sip:' "$1" dial "sip:$2@$(proxy_address)"
}

bob_hangs_up_in_vain() {
	baresip_makes_in_vain phone1 'BYE sip:' phone3 hangup
}

# bob registers, and alice subscribes to his presence, whether or not she registers, too.
alice_watches_bob() { # alice's expires
	BARESIP_PRESENCE=yes baresip_start phone3 bob 4 600
	eventually baresip_saw phone3 'SIP/2.0 200 OK' || return
	BARESIP_PRESENCE=yes BARESIP_WATCHES="sip:bob@$(proxy_address)" \
		baresip_start phone1 alice 4 "$1"
	eventually baresip_saw phone1 'NOTIFY sip:alice'
}

# What alice learns if she watches him.
bob_goes_away() {
	baresip_makes phone1 'NOTIFY sip:alice' phone3 presence_offline
}

# Everything two phones do, after a silence in which their NATs would forget them.
expect_calls_between_homes() { # [4 or 6]
	expect "phones at two homes register" homes_register "${1:-4}"
	expect "the 200 gives alice her own Contact back" contact_is_its_own phone1
	expect "the 200 gives bob his own Contact back" contact_is_its_own phone3
	pause 40
	expect "after 40 s of silence bob calls alice" bob_calls_alice "${1:-4}"
	expect "bob puts her on hold with a re-INVITE" baresip_makes phone1 'INVITE sip:' phone3 hold
	expect "alice hangs up, and bob learns it" baresip_makes phone3 'BYE sip:' phone1 hangup
	expect "alice calls bob" alice_calls_bob "${1:-4}"
	pause 20
	expect "20 s later bob hangs up, and alice learns it" bob_hangs_up
}

each() { # phones, command, further arguments
	local phone phones=$1 command=$2
	shift 2
	for phone in $phones; do
		"$command" "$phone" "$@" || return
	done
}

desk='phone1 phone2 phone3'

desk_phone_registers() { # phone
	BARESIP_ANSWERS=manual baresip_start "$1" desk 4 600
	eventually baresip_saw "$1" 'SIP/2.0 200 OK'
}

desk_registers() {
	each "$desk" desk_phone_registers
}

# Who calls it has no NAT before her.
carol_calls_desk() {
	baresip_start_unregistered phone4 carol || return
	baresip_do phone4 dial "sip:desk@$(proxy_address)"
	eventually each "$desk" baresip_saw 'INVITE sip:'
}

# One phone of the desk answers.
phone2_takes_the_call() {
	baresip_makes phone4 'SIP/2.0 200' phone2 accept
}

carol_hangs_up() {
	baresip_makes phone2 'BYE sip:' phone4 hangup
}
