# Phones for people, as their packages bring them: linphonec and Jami's daemon, a pjsip phone.
# Neither sends keepalives of its own here, so that natbox's alone hold a NAT open, and neither asks
# for STUN. tools/deps does not install their packages: who wants them asks softphones_are_here.
# shellcheck shell=bash disable=SC2154 # lab_root comes from lab.sh

JAMI_DAEMON=${JAMI_DAEMON:-/usr/libexec/jamid}

# Which packages for these commands are missing, on standard error; fails where one is.
softphones_are_here() { # linphone, jami or ejabberd...
	local part missing=
	for part in "$@"; do
		case $part in
		linphone) command -v linphonec >/dev/null || missing+=' linphone-cli' ;;
		jami) [ -x "$JAMI_DAEMON" ] || missing+=' jami-daemon'
			command -v dbus-daemon >/dev/null || missing+=' dbus'
			command -v gdbus >/dev/null || missing+=' libglib2.0-bin' ;;
		ejabberd) command -v ejabberdctl >/dev/null || missing+=' ejabberd'
			compgen -G "/usr/lib/erlang/lib/p1_sip-*" >/dev/null || missing+=' erlang-p1-sip' ;;
		esac
	done
	[ -n "$missing" ] || return 0
	echo "this takes packages that are not installed: apt-get install$missing" >&2
	return 1
}

# linphonec takes commands from its standard input, which is a pipe that this holds open.
linphone_start() { # phone, user, [expires]
	local phone=$1 user=$2 expires=${3:-600} directory=$LAB_DIR/$1.linphone
	mkdir -p "$directory/.local/share/linphone"
	[ -e "$directory/commands" ] || mkfifo "$directory/commands"
	cat >"$directory/rc" <<-END
		[sip]
		sip_port=$(sip_port "$phone")
		sip_tcp_port=0
		sip_tls_port=0
		use_ipv6=0
		keepalive_period=0
		register_only_when_network_is_up=0
		bind_address=0.0.0.0
		default_proxy=0
		[net]
		firewall_policy=0
		[sound]
		playback_dev_id=
		[proxy_0]
		reg_proxy=<sip:$(proxy_address);transport=udp>
		reg_identity=<sip:$user@$(proxy_address)>
		reg_expires=$expires
		reg_sendregister=1
		publish=0
	END
	# shellcheck disable=SC2016 # the inner shell is to expand it
	start "$phone" "$phone" env HOME="$directory" bash -c \
		'exec linphonec -d 6 -a -c "$0/rc" -l "$0/log" <>"$0/commands"' "$directory"
}

linphone_do() { # phone, command
	show "$1" "linphonec: $2"
	echo "$2" >"$LAB_DIR/$1.linphone/commands"
}

# Jami's daemon has its own session bus, and an account of SIP's, which registers for an hour.
jami_start() { # phone, user
	local phone=$1 user=$2 directory=$LAB_DIR/$1.jami
	mkdir -p "$directory"
	start "$phone-bus" "$phone" dbus-daemon --session --nofork --address="unix:path=$directory/bus"
	eventually test -S "$directory/bus" || return
	start "$phone" "$phone" env HOME="$directory" XDG_CONFIG_HOME="$directory" \
		XDG_DATA_HOME="$directory" XDG_CACHE_HOME="$directory" \
		DBUS_SESSION_BUS_ADDRESS="unix:path=$directory/bus" "$JAMI_DAEMON" -c -d -p
	eventually jami_call "$phone" ConfigurationManager getAccountList || return
	jami_call "$phone" ConfigurationManager addAccount "{'Account.type': 'SIP',
		'Account.alias': '$user', 'Account.enable': 'true',
		'Account.hostname': '$(proxy_address)', 'Account.username': '$user',
		'Account.password': 'secret', 'Account.localPort': '$(sip_port "$phone")',
		'Account.localInterface': 'eth0',
		'Account.keepAliveEnabled': 'false', 'Account.allowIPAutoRewrite': 'false',
		'Account.autoAnswer': 'true',
		'Account.upnpEnabled': 'false', 'STUN.enable': 'false', 'TURN.enable': 'false',
		'TLS.enable': 'false', 'Account.videoEnabled': 'false'}" \
		>"$directory/account"
}

jami_call() { # phone, ConfigurationManager or CallManager, method, arguments
	local phone=$1 manager=$2 method=$3
	shift 3
	at "$phone" env DBUS_SESSION_BUS_ADDRESS="unix:path=$LAB_DIR/$phone.jami/bus" \
		gdbus call --session --dest cx.ring.Ring --object-path "/cx/ring/Ring/$manager" \
		--method "cx.ring.Ring.$manager.$method" "$@"
}
