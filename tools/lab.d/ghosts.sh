# A phone whose router gives it a new port again and again, as routers do that start again: what a
# registrar has bound of it then. baresip refreshes every 1.5 s what it asks for 30 s, under one
# Call-ID, and names no instance; so each port is another Contact to the registrar, and none runs out
# meanwhile.
# shellcheck shell=bash disable=SC2154 # verdict_failed comes from verdict.sh

# Where the phone is now, as others see it.
ghost_place=

# Another address of its router's.
NAT_SECOND_ADDRESS=203.0.113.3

alice_registers() {
	ghost_place=$(public_address phone1):$(sip_port phone1)
	BARESIP_REFRESHES=5 BARESIP_INSTANCE='' baresip_start phone1 alice 4 30
	eventually is_registered_here
}

# Whether the phone has got a 200 to what it registered from here: its Via says where that is.
is_answered_here() {
	grep -a -A 1 '^SIP/2.0 200' "$LAB_DIR/phone1.log" |
		grep -aq "^Via:.*rport=${ghost_place#*:}[;[:space:]]"
}

# What the registrar has told of alice: a line "ADDRESS:PORT COUNT" for each REGISTER it took.
told_of_alice() {
	sed -n 's/.*REGISTER of alice from \([0-9.:]*\): \([0-9]*\) bound.*/\1 \2/p' \
		"$LAB_DIR/proxy-$PROXY_HOST.log"
}

is_registered_here() {
	is_answered_here && told_of_alice | grep -q "^$ghost_place "
}

# Other than with a challenge.
was_refused() {
	grep -aE '^SIP/2.0 [3-6]' "$LAB_DIR/phone1.log" | grep -avE ' (401|407|481|489) '
}

has_an_answer() {
	was_refused || is_registered_here
}

is_registered_at_once() {
	eventually has_an_answer || return
	! was_refused | sed 's/^/# she was told /' | grep .
}

# Whether the phone has begun another REGISTER, which it does once the one before was answered, and
# that has got no further than its router.
is_held() { # how many it had begun
	[ "$(registrations phone1)" -gt "$1" ] &&
		at nat nft list counter ip held registers | grep -q 'packets [1-9]'
}

# A 200 that the old port is to get would be lost, and the phone repeat what was done already: so
# nothing passes meanwhile, and what it repeats is new to the registrar. How many it had begun is
# asked before: after that it may have begun one that is held, and will begin no other.
router_holds_phone() {
	local begun
	begun=$(registrations phone1)
	at nat nft -f - <<-END || return
		table ip held {
			counter registers { }
			chain forward {
				type filter hook forward priority filter - 1
				ip saddr != $(own_address phone1) accept
				udp sport != $(sip_port phone1) accept
				@th,64,64 0x5245474953544552 counter name registers drop
				drop
			}
		}
	END
	eventually is_held "$begun"
}

router_maps_phone_to() { # address:port
	ghost_place=$1
	show nat "nft: snat to $1; conntrack -D"
	at nat nft -f - <<-END || return
		flush chain inet home postrouting
		add rule inet home postrouting ip saddr $(own_address phone1) udp sport $(sip_port phone1) \
			oifname wan snat ip to $1
		add rule inet home postrouting meta nfproto ipv4 oifname wan masquerade
	END
	# It fails where the NAT has forgotten by itself.
	at nat conntrack -D -p udp -s "$(own_address phone1)" >/dev/null 2>&1
	return 0
}

router_gives_another_place() { # address:port, [command that is run meanwhile]
	router_holds_phone && "${2:-true}" && router_maps_phone_to "$1" || return
	at nat nft delete table ip held
}

# Another phone of hers takes back all, with "Contact: *".
star_place=$(public_address phone2):$(sip_port phone2)

all_is_taken_back() {
	phone_calls phone2 alice 4 star && eventually star_was_taken
}

star_was_taken() {
	told_of_alice | grep -qx "$star_place 0"
}

# After every REGISTER of hers that was taken there was one.
one_is_bound() {
	told_of_alice | awk -v star="$star_place" '
		$1 != star && $2 != 1 { print "# after a REGISTER from " $1 " " $2 " were bound"; more = 1 }
		END { exit more }'
}

none_is_bound() {
	told_of_alice | tail -n 1 | grep -qx "$ghost_place 0"
}

# A phone that has a NAT of its own calls her, and learns that she hangs up.
alice_is_called() {
	bob_calls_alice && baresip_makes phone3 'BYE sip:' phone1 hangup
}

# Behind a registrar that is no proxy for calls she is asked whether she is there.
alice_answers_options() {
	phone_calls phone4 alice 4 options
}

alice_moves() { # address:port, command that is run meanwhile, command that reaches her...
	router_gives_another_place "$1" "$2" && is_registered_at_once && one_is_bound && "${@:3}"
}

alice_leaves() { # address:port
	router_gives_another_place "$1" && baresip_leave phone1 && eventually none_is_bound
}

# No Contact that she got is another one than those that she sent.
only_her_contact() {
	[ "$(grep -a '^Contact:' "$LAB_DIR/phone1.log" | grep -ao '<sip:alice[^>]*>' |
		sort -u | grep -c .)" = 1 ]
}

# In the midst of one of the moves, while she is held, something else happens.
expect_no_ghosts() { # command in the midst, command that reaches her...
	local number address meanwhile midst=$1
	shift
	address=$(public_address phone1)
	expect "alice registers" alice_registers
	for number in 1 2 3 4 5 6 7 8 9 10; do
		[ "$verdict_failed" = 0 ] || return
		meanwhile=true
		[ $number != 6 ] || meanwhile=$midst
		expect "at new port $number she is bound once, and reached" \
			alice_moves "$address:$((6100 + number))" "$meanwhile" "$@"
	done
	[ "$verdict_failed" = 0 ] || return
	at nat ip address add $NAT_SECOND_ADDRESS/28 dev wan
	expect "at a new address, too" alice_moves $NAT_SECOND_ADDRESS:6200 true "$@"
	expect "each 200 gave her her own Contact back, and nothing else" only_her_contact
	expect "she un-registers from a new port, and none is bound" alice_leaves "$address:6300"
}

# How many were bound of alice after each REGISTER that was taken, in one line.
bound_of_alice() {
	told_of_alice | cut -d' ' -f2 | paste -sd' '
}

# Each Contact in an answer to a phone of SIPp's is one that it has written.
only_contacts_of() { # phone, user, host:port...
	local phone=$1 user=$2 place own=
	shift 2
	for place; do
		own+="|<sip:$user@$place;transport=udp>"
	done
	! grep -a '^Contact:' "$LAB_DIR/$phone.messages" | grep -ao '<[^>]*>' | sort -u |
		grep -vxE "${own#|}"
}

# A phone learns its public address from the answer to its REGISTER, registers twice with that, and
# leaves.
expect_none_of_a_phone_that_learns() {
	expect "alice registers, learns her address, registers again with that, and leaves" \
		phone_calls phone1 alice 4 learns
	expect "after each of her REGISTERs she was bound once, and at the end not at all" \
		[ "$(bound_of_alice)" = '1 1 1 0' ]
	expect "she saw no Contact but her own" only_contacts_of phone1 alice \
		"$(listen_address phone1)" "$(public_address phone1):$(sip_port phone1)"
}

# How often the registrar has taken a REGISTER of alice from where she is now.
taken_here() {
	told_of_alice | grep -c "^$ghost_place "
}

was_taken_here() { # times at least
	[ "$(taken_here)" -ge "$1" ]
}

linphone_writes() { # address:port
	grep -aq "^Contact: <sip:alice@$1;transport=udp>" "$LAB_DIR/phone1.linphone/log"
}

# Linphone learns its place, and again where its router gives it another one; and leaves.
expect_none_of_linphone() {
	ghost_place=$(public_address phone1):$(sip_port phone1)
	linphone_start phone1 alice 15
	expect "Linphone registers, and learns where it is" eventually was_taken_here 2
	expect "and writes that" linphone_writes "$ghost_place"
	expect "it is bound once, each time" one_is_bound
	router_maps_phone_to "$(public_address phone1):6101"
	expect "its router gives it another port, which it learns" eventually was_taken_here 2
	expect "and writes" linphone_writes "$ghost_place"
	expect "it is still bound once, each time" one_is_bound
	linphone_do phone1 quit
	expect "it leaves, and none is bound" eventually none_is_bound
}

# What comes from outside is lost, until the router gives the phone another port.
router_loses_answers() {
	at nat nft -f - <<-END
		table ip lossy {
			chain forward {
				type filter hook forward priority filter - 1
				iifname wan drop
			}
		}
	END
}

router_finds_another_place() { # address:port
	router_maps_phone_to "$1" && at nat nft delete table ip lossy
}

is_bound_once_here() {
	told_of_alice | tail -n 1 | grep -qx "$ghost_place 1"
}

# The answer is lost, as the phone has another port by then, and it sends its REGISTER again. To the
# registrar that is another Contact, and its CSeq is too old for taking back the first one.
expect_none_of_an_answer_that_is_lost() {
	ghost_place=$(public_address phone1):$(sip_port phone1)
	router_loses_answers
	phone_line phone1 alice 600 3 600 | phone_start phone1
	expect "alice registers, and never sees the answer" eventually was_taken_here 1
	router_finds_another_place "$(public_address phone1):6101"
	expect "her REGISTER comes again from another port" eventually was_taken_here 1
	expect "with her next REGISTER she is bound once" eventually is_bound_once_here
}
