# shellcheck shell=bash disable=SC2034 # what is set here the tests use
# A Debian 12 that is booted with systemd in namespaces of its own: make_base, boot, inside.
base=build/vm/base
work=$(mktemp -d)
machine='' leader='' failed=0

cleanup() {
	[ -z "$leader" ] || kill -s RTMIN+4 "$leader" 2>/dev/null # systemd(1): poweroff
	[ -z "$machine" ] || {
		within 30 has_ended || kill "$machine"
		wait "$machine"
	}
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

has_ended() { ! kill -0 "$machine" 2>/dev/null; }

say() { # status, what it shows
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		failed=1
		[ -z "$leader" ] || inside journalctl -q -n 10 --no-pager -u natbox | sed 's/^/# /'
	fi
}

# Tries a command again and again until it is true.
within() { # seconds, command...
	local i limit=$(($1 * 5))
	shift
	for ((i = 0; i < limit; i++)); do
		"$@" && return
		sleep 0.2
	done
	return 1
}

eventually() { # command...
	within 60 "$@"
}

# The suite and mirror of this host's own packages.
mirror() {
	# shellcheck disable=SC2016 # apt-get expands it
	apt-get indextargets --format '$(SITE) $(RELEASE)' | awk '$2 == "bookworm" { print $1; exit }'
}

# Has what the package depends on, as there is no network inside, and what the tests call.
make_base() { # package
	local packages
	packages=$({
		dpkg-deb -f "$1" Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//' | tr -d ' '
		printf '%s\n' systemd systemd-sysv dbus iproute2 procps logrotate
	} | sort -u | paste -sd ,)
	[ "$(cat build/vm/packages 2>/dev/null)" = "$packages" ] && return
	rm -rf build/vm && mkdir -p build/vm
	echo "# debootstrap, once"
	debootstrap --variant=minbase --include="$packages" bookworm $base "$(mirror)" >build/vm/log 2>&1 || return
	rm -rf $base/var/cache/apt/archives/*.deb
	echo "$packages" >build/vm/packages
}

inside() {
	nsenter -t "$leader" -a -- env -i PATH="$PATH" TERM=dumb SYSTEMD_PAGER='' "$@" </dev/null
}

write_file() { # path; its text on standard input
	nsenter -t "$leader" -a -- dd of="$1" status=none
}

find_leader() {
	leader=$(pgrep -P "$machine" -x systemd)
}

is_up() {
	case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) false ;; esac
}

boot() {
	systemd-nspawn -q -b -D $base --volatile=overlay --private-network --register=no --keep-unit \
		--machine="natbox-$$" --bind-ro="$PWD/build:/packages" --console=pipe </dev/null >"$work/console" 2>&1 &
	machine=$!
	eventually find_leader && eventually is_up
}

install_package() { # path from here
	inside env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
		"/packages/${1#build/}" >"$work/apt" 2>&1 || { sed 's/^/# /' "$work/apt"; false; }
}
