# The proxy: Debian's Kamailio as registrar and proxy, which knows nothing about NAT.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh

# The host it runs on: border, or proxy, which is behind border.
PROXY_HOST=${PROXY_HOST:-border}

proxy_is_listening() {
	at "$PROXY_HOST" ss -Hlun sport = :5060 | grep -q 5060
}

proxy_start() { # further arguments for kamailio, such as -A WITH_DIGEST
	mkdir -p "$LAB_DIR/proxy"
	[ "$PROXY_HOST" = border ] || network_add_proxy || return
	start proxy "$PROXY_HOST" kamailio -DD -E -f "$lab_root/tests/lab/kamailio.cfg" \
		-Y "$LAB_DIR/proxy" -P "$LAB_DIR/proxy/pid" -m 32 -M 4 -n 1 \
		-l "udp:$(proxy_address)" -l "udp:$(proxy_address 6)" "$@"
	wait_until 10 proxy_is_listening && return
	echo "the proxy does not start:" >&2
	cat "$LAB_DIR/proxy.log" >&2
	return 1
}

# In the proxy's stead a registrar of SIPp's, which calls nobody.
registrar_start() {
	start proxy border sipp -sf "$lab_root/tests/lab/sipp/registrar.xml" -nostdin \
		-i "$(own_address border)" -p 5060 -trace_msg -message_file "$LAB_DIR/border.messages"
	wait_until 10 proxy_is_listening
}
