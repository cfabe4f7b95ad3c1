#!/bin/bash
# Linphone and Jami behind NATs that forget after 16 s, each in a class of its own. Both answer what
# is for their own user with 200; after a silence both can be called.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
classes=(-o 'class linphone.user-agent=Linphone*' -o 'class linphone.method=OPTIONS'
	-o 'class linphone.interval=4s' -o 'class jami.user-agent=Jami*' -o 'class jami.method=NOTIFY'
	-o 'class jami.interval=6s')
lab_with_proxy
relay_start "${classes[@]}" || exit 1
alice=$(contact_address phone1) bob=$(contact_address phone3)
for phone in phone1 phone3; do
	start "$phone-seen" $phone tcpdump -Z root -n -A -l 'udp and src port 5060'
	eventually grep -q 'listening on' "$LAB_DIR/$phone-seen.log"
done

# Which requests came to a phone, and for whom.
asked() { # phone
	grep -aoE '(OPTIONS|NOTIFY) sip:[^@ ]*' "$LAB_DIR/$1-seen.log" | sort -u
}

has_its_class() { # client,class
	natbox_has_events 1 endpoint-add "\"${1%,*}\".*\"class\":\"${1#*,}\""
}

registers() { # user
	eventually natbox_has_events 1 reason-add "\"registration\",\"id\":\"sip:$1@"
}

linphone_start phone1 alice
jami_start phone3 bob
expect "Linphone registers" registers alice
expect "Jami registers" registers bob
bindings="$(nat_binding_id nat 5061) $(nat_binding_id nat2 5063)"
pause 40

expect "40 s later their NATs have the same bindings" \
	[ "$(nat_binding_id nat 5061) $(nat_binding_id nat2 5063)" = "$bindings" ]
expect "Linphone gets OPTIONS, as its class says, for its own user" \
	[ "$(asked phone1)" = 'OPTIONS sip:alice' ]
expect "Jami gets NOTIFY, as its class says, for its own user" \
	[ "$(asked phone3)" = 'NOTIFY sip:bob' ]
expect "each is of its class" each "$alice,linphone $bob,jami" has_its_class
expect "Linphone answers with 200" natbox_has_events 8 reply "$alice.*\"status\":200"
expect "Jami answers with 200" natbox_has_events 5 reply "$bob.*\"status\":200"
baresip_start_unregistered phone4 carol
for user in alice bob; do
	client=${!user}
	expect "after the silence $user is called and answers" \
		baresip_makes phone4 'carol@.*Call established' phone4 dial "sip:$user@$(proxy_address)"
	baresip_do phone4 hangup
	expect "is hung up on, and learns it" \
		eventually natbox_has_events 1 reason-end "\"$client\".*\"dialog\".*\"ended\""
done
expect "nobody was lost" not natbox_has_events 1 lost
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
