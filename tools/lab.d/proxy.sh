# The proxy: Debian's Kamailio as registrar and proxy, which knows nothing about NAT.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh

proxy_is_listening() {
	at border ss -Hlun sport = :5060 | grep -q 5060
}

proxy_start() { # further arguments for kamailio, such as -A WITH_DIGEST
	mkdir -p "$LAB_DIR/proxy"
	start proxy border kamailio -DD -E -f "$lab_root/tests/lab/kamailio.cfg" \
		-Y "$LAB_DIR/proxy" -P "$LAB_DIR/proxy/pid" -m 32 -M 4 -n 1 \
		-l "udp:$(public_address border):5060" -l "udp:[$(public_address border 6)]:5060" "$@"
	wait_until 10 proxy_is_listening && return
	echo "the proxy does not start:" >&2
	cat "$LAB_DIR/proxy.log" >&2
	return 1
}
