#!/bin/bash
# Keepalives hold a binding open only because they come from the proxy's own address and port. Here
# the internet gives them another port on their way, and the NAT takes them for a stranger's.
. "$(dirname "$0")/../../tools/lab.d/lab.sh"
lab_with_proxy
# A datagram that begins with NOTIFY or OPTIONS is a keepalive: the proxy sends none of its own.
show internet 'nft: another source port for keepalives'
at internet nft -f - <<-'END'
	table ip elsewhere {
		chain forward {
			type filter hook forward priority mangle
			ip saddr 198.51.100.2 udp sport 5060 @th,64,48 { 0x4e4f54494659, 0x4f5054494f4e } udp sport set 5070
		}
	}
END
# As many as a phone gets that has not answered one, the last of which is an OPTIONS.
natbox_start -o keepalive.max-lost=4 || exit 1

phone_line phone1 alice 600 | phone_start phone1
expect "a phone registers" eventually phone_saw phone1 'SIP/2.0 200 OK'
expect "natbox sends keepalives" eventually natbox_has_events 5 keepalive
expect "the last is an OPTIONS" natbox_has_events 1 keepalive '"method":"OPTIONS"'
expect "the phone got none" not phone_saw phone1 '\(NOTIFY\|OPTIONS\)'
expect "its NAT forgets the binding" eventually not nat_binding_exists nat 5061
expect "a call for the phone fails" phone_calls_in_vain phone4 alice
expect "the phone never rang" not phone_rang phone1
expect "natbox ran all the while, and stops cleanly" natbox_stop
verdict
