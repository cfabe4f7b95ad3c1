# Two borders, each with a Kamailio that passes all on to the one at home, where phones register.
# alice, on phone1, registers and subscribes through border, and calls through border2, which never
# hears of a registration. bob, on phone3, does all through border.
# shellcheck shell=bash

borders_up() {
	local border
	network_add border2 && network_add home && PROXY_HOST=home proxy_start || return
	for border in border border2; do
		kamailio_start $border border -A "HOME=\"$(own_address home)\"" || return
	done
}

# What is said of natbox and the proxy on border, done on border2.
on_border2() { # function, arguments
	NATBOX_HOST=border2 PROXY_HOST=border2 "$@"
}

natboxes_stop() {
	natbox_stop && on_border2 natbox_stop
}

alice_calls_bob_through_border2() {
	on_border2 alice_calls_bob
}

