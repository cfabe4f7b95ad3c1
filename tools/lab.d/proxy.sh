# The proxy: Debian's Kamailio as registrar and proxy, which knows nothing about NAT.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh

# The host it runs on: border, or proxy, which is behind border.
PROXY_HOST=${PROXY_HOST:-border}

is_listening() { # host
	at "$1" ss -Hlun sport = :5060 | grep -q 5060
}

# Starts a Kamailio on a host, with a configuration from tests/lab.
kamailio_start() { # host, configuration, further arguments for kamailio
	local host=$1 configuration=$lab_root/tests/lab/$2.cfg directory=$LAB_DIR/proxy-$1
	shift 2
	mkdir -p "$directory"
	start "proxy-$host" "$host" kamailio -DD -E -f "$configuration" -Y "$directory" \
		-P "$directory/pid" -m 32 -M 4 -n 1 -l "udp:$(with_port "$(own_address "$host")" 5060)" \
		-l "udp:$(with_port "$(own_address "$host" 6)" 5060)" "$@"
	eventually is_listening "$host" && return
	echo "the proxy on $host does not start:" >&2
	cat "$LAB_DIR/proxy-$host.log" >&2
	return 1
}

proxy_start() { # further arguments for kamailio, such as -A WITH_DIGEST
	[ "$PROXY_HOST" != proxy ] || network_add_proxy || return
	kamailio_start "$PROXY_HOST" kamailio "$@"
}

# In the proxy's stead a registrar of SIPp's, which calls nobody.
registrar_start() {
	fresh "$LAB_DIR/border.messages"
	start proxy-border border sipp -sf "$lab_root/tests/lab/sipp/registrar.xml" -nostdin \
		-i "$(own_address border)" -p 5060 -trace_msg -message_file "$LAB_DIR/border.messages"
	eventually is_listening border
}

# In the proxy's stead an ejabberd, on the host proxy alone. Whoever is named may register, with the
# password "secret". It runs without what it needs for a cluster, so several labs may have one.
ejabberd_start() { # users...
	local user users='' directory=$LAB_DIR/ejabberd beams
	network_add_proxy || return
	mkdir -p "$directory"
	for user in "$@"; do
		users+="ejabberd_auth:try_register(<<\"$user\">>,<<\"$(own_address proxy)\">>,<<\"secret\">>),"
	done
	beams=$(dirname "$(dpkg -L ejabberd | grep '/mod_sip.beam$')")
	start proxy-proxy proxy env HOME="$directory" ERL_LIBS="${beams%/*/ebin}" \
		EJABBERD_LOG_PATH="$directory/log" erl -noinput \
		-pa "$beams" -mnesia dir "\"$directory\"" \
		-ejabberd config "\"$lab_root/tests/lab/ejabberd.yml\"" \
		log_path "\"$directory/log\"" -eval "{ok, _} = application:ensure_all_started(ejabberd),
			${users}io:format(\"users are known~n\")."
	eventually grep -q 'users are known' "$LAB_DIR/proxy-proxy.log" &&
		eventually is_listening proxy && return
	echo "ejabberd does not start:" >&2
	tail -n 20 "$LAB_DIR/proxy-proxy.log" >&2
	return 1
}

# A registrar that tells how many Contacts it has bound, and passes requests on to them
# (tests/programs/registrar.c).
telling_registrar_start() { # [-b: compares bytes]
	start proxy-border border "$lab_root/build/registrar" "$@" "$(proxy_address)"
	eventually is_listening border
}
