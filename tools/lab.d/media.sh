# Calls with sound, and the relay that carries it: Debian's rtpengine beside the proxy, which is
# told nothing of NAT either. alice on phone1 and bob on phone3 each say one byte of PCMU over and
# over, she 0x00 and he 0x80, so that it can be told whose voice it is that one hears.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh

media_relay_listens() {
	at "$PROXY_HOST" ss -Hlun sport = :2223 | grep -q 2223
}

media_relay_start() {
	start media-relay "$PROXY_HOST" rtpengine --foreground --log-stderr --no-log-timestamps \
		--table=-1 --num-threads=1 --listen-ng=127.0.0.1:2223 \
		--interface="$(own_address "$PROXY_HOST")" --interface="$(own_address "$PROXY_HOST" 6)"
	eventually media_relay_listens && return
	echo "the media relay does not start:" >&2
	cat "$LAB_DIR/media-relay.log" >&2
	return 1
}

# The proxy looks for its media relay when it starts.
media_proxy_start() { # flags for the relay
	[ "$PROXY_HOST" != proxy ] || network_add_proxy || return
	media_relay_start && kamailio_start "$PROXY_HOST" kamailio -A "MEDIA_FLAGS=\"$1\""
}

# Counts what a phone says and what it hears of the other one, between the phone and its NAT.
sound_is_counted() { # phone, the byte it says, the byte the other one says
	at "$1" nft -f - <<-END
		table inet sound {
			counter said { }
			counter heard { }
			chain output {
				type filter hook output priority filter
				udp dport != 5060 @th,64,8 0x80 @th,160,32 0x$2$2$2$2 counter name said
			}
			chain input {
				type filter hook input priority filter
				udp sport != 5060 @th,64,8 0x80 @th,160,32 0x$3$3$3$3 counter name heard
			}
		}
	END
}

# Four minutes of one sample, at 8 kHz.
wave_file() { # the sample's low byte and high byte, escaped
	printf 'RIFF\x24\x98\x3a\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0'
	printf 'data\0\x98\x3a\0'
	yes "$(printf '%b' "$1")" | tr -d '\n' | head -c 3840000
}

# Phones that speak, and have private Contacts.
alice_who_speaks_registers() { # [4 or 6]
	sound_is_counted phone1 00 80 && wave_file '\x84\x82' >"$LAB_DIR/alice.wav" || return
	BARESIP_SAYS=aufile,$LAB_DIR/alice.wav baresip_start phone1 alice "${1:-4}" 600
	eventually baresip_saw phone1 'SIP/2.0 200 OK'
}

bob_who_speaks_registers() { # [4 or 6]
	sound_is_counted phone3 80 00 && wave_file '\x7c\x7d' >"$LAB_DIR/bob.wav" || return
	BARESIP_SAYS=aufile,$LAB_DIR/bob.wav baresip_start phone3 bob "${1:-4}" 600
	eventually baresip_saw phone3 'SIP/2.0 200 OK'
}

speakers_register() { # [4 or 6]
	alice_who_speaks_registers "$@" && bob_who_speaks_registers "$@"
}

# An alice of SIPp's, who knows her public address for SIP, but not for sound.
alice_who_speaks_knows_her_address() {
	local lines=$LAB_DIR/phone1.lines play sipp
	sound_is_counted phone1 00 80 || return
	head -c 8000 /dev/zero >"$LAB_DIR/alice.pcmu"
	play="<action><exec rtp_stream=\"$LAB_DIR/alice.pcmu,-1,0\"/></action>"
	sed -e "s|\[media_port\]|[rtpstream_audio_port]|" \
		-e "s|\(<recv request=\"ACK\" next=\"talks\"\)/>|\1>$play</recv>|" \
		"$lab_root/tests/lab/sipp/answer.xml" >"$LAB_DIR/answer.xml"
	{ echo SEQUENTIAL && phone_line phone1 alice 600; } >"$lines"
	sipp_command phone1 4 register
	start phone1 phone1 "${sipp[@]}" -oocsf "$LAB_DIR/answer.xml" -inf "$lines" -m 1
	eventually phone_saw phone1 'SIP/2.0 200 OK'
}

# How many packets of 20 ms.
sound_count() { # phone, said or heard
	at "$1" nft list counter inet sound "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

sound_is_beyond() { # said or heard, count at phone1, count at phone3
	[ "$(sound_count phone1 "$1")" -gt "$2" ] && [ "$(sound_count phone3 "$1")" -gt "$3" ]
}

# From now on, for so many packets.
both_have() { # said or heard, packets
	eventually sound_is_beyond "$1" $(($(sound_count phone1 "$1") + $2)) \
		$(($(sound_count phone3 "$1") + $2))
}

they_hear_each_other() { # [packets]
	both_have heard "${1:-25}"
}

they_speak_and_hear_nothing() {
	both_have said 100 && [ "$(sound_count phone1 heard)$(sound_count phone3 heard)" = 00 ]
}

# The ports that a phone's sound comes from and goes to, as its NAT knows them: the relay's and the
# public one.
sound_ports() { # NAT, phone
	at "$1" conntrack -L -p udp -s "$(own_address "$2")" 2>/dev/null |
		sed -n 's/^udp [^d]*dst=[^d]*dport=\([0-9]*\).*dport=\([0-9]*\) .*/\1 \2/p' | grep -v '^5060 '
}

sound_comes_from_port_5nnnn() {
	sound_ports nat phone1 | grep -q ' 5[0-9]*$'
}

# alice's NAT forgets the flows of her sound alone, and gives them other ports, from 50000 on.
nat_moves_the_sound() {
	local port ports
	ports=$(sound_ports nat phone1 | sed 's/ .*//')
	show nat "nft: masquerade to :50000-50999; conntrack -D"
	at nat nft insert rule inet home postrouting ip saddr "$(own_address phone1)" \
		udp dport != 5060 oifname wan masquerade to :50000-50999 || return
	for port in $ports; do
		at nat conntrack -D -p udp -s "$(own_address phone1)" --orig-port-dst "$port"
	done >/dev/null 2>&1
	[ -n "$ports" ]
}

# Captures on both sides of natbox, where it relays: between it and the phones, and between it and
# the proxy.
both_sides_are_captured() {
	local side inside=lo
	[ "$PROXY_HOST" = border ] || inside=$PROXY_HOST
	for side in "outside wan" "inside $inside"; do
		start "${side% *}" border tcpdump -Z root --immediate-mode -U -i "${side#* }" \
			-w "$LAB_DIR/${side% *}.pcap" udp port 5060
		eventually grep -q 'listening on' "$LAB_DIR/${side% *}.log" || return
	done
}

# Of each message with a session description where it comes from and goes to, what it is, its
# Contact, and the description in hexadecimal, as it stands there: a line each in SIDE.described.
descriptions_are() { # side, how many
	tshark -r "$LAB_DIR/$1.pcap" -Y sdp -T fields -e ip.src -e udp.srcport -e ip.dst \
		-e udp.dstport -e sip.CSeq -e sip.Status-Code -e sip.Contact -e udp.payload |
		sed 's/\t[0-9a-f]*0d0a0d0a/\t/' | sort -u >"$LAB_DIR/$1.described"
	[ "$(grep -c . "$LAB_DIR/$1.described")" = "$2" ]
}

sides_have_the_same() { # fields, as for cut
	[ "$(cut -f "$1" "$LAB_DIR/outside.described")" = "$(cut -f "$1" "$LAB_DIR/inside.described")" ]
}

# The descriptions of so many offers and answers, each to the proxy and from it.
natbox_left_descriptions_alone() { # how many
	eventually descriptions_are outside $(($1 * 2)) &&
		eventually descriptions_are inside $(($1 * 2)) && sides_have_the_same 1-6,8
}

# After that: what else there is in these messages.
natbox_repaired_contacts() {
	sides_have_the_same 1-6 && not sides_have_the_same 7
}

# A phone of SIPp's tells of its messages, not of calls.
bob_calls_alice_of_sipp() {
	baresip_makes phone3 'bob@.*Call established' phone3 dial "sip:alice@$(proxy_address)"
}

bob_hangs_up_on_alice_of_sipp() {
	baresip_do phone3 hangup && eventually phone_saw phone1 'BYE sip:'
}

# What the media relay sends to private addresses is for nobody, or for a stranger in its network.
sound_astray_is_counted() {
	at "$PROXY_HOST" nft -f - <<-END
		table inet astray {
			counter sound { }
			chain output {
				type filter hook output priority filter
				ip daddr 192.168.0.0/16 udp sport 30000-40000 counter name sound
			}
		}
	END
}

nothing_went_astray() {
	at "$PROXY_HOST" nft list counter inet astray sound | grep -q 'packets 0 '
}
