#!/bin/bash
# The Debian package, and make install, which it is made of: what is in them and where. What dpkg,
# systemd and lintian make of it shows make vm.
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

say() { # status, what it shows
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; failed=1; fi
}

# Of a revision of its own, for the one that make deb has built is somebody's.
deb=$(DEB_REVISION=0 DEBFULLNAME='Ann Operator' DEBEMAIL=ann@example.com tools/deb 2>"$work/said")
say $? "the package is built: $deb"
cat "$work/said"
[ -n "$deb" ] || exit 1
symbols=${deb/natbox_/natbox-dbgsym_}
trap 'rm -rf "$work" "$deb" "$symbols"' EXIT
dpkg-deb -x "$deb" "$work/deb" && dpkg-deb -e "$deb" "$work/control" && dpkg-deb -x "$symbols" "$work/symbols"
(umask 077 && make -s install DESTDIR="$work/local" PREFIX=/usr/local)
grep -qxF 'Maintainer: Ann Operator <ann@example.com>' "$work/control/control"
say $? "its maintainer is who builds it"

files() { (cd "$1" && find . ! -type d | sort); }
# What only the package has, and that it has pages of the manual compressed.
comparable() { files "$1" | sed 's/\.gz$//; s|^\./usr/local/|./usr/|' | grep -vE '/(changelog|changelog.Debian|copyright)$'; }
[ "$(comparable "$work/deb")" = "$(comparable "$work/local")" ]
say $? "make install puts the same files as the package, $(files "$work/local" | wc -l) of them"
for file in usr/sbin/natbox usr/share/man/man8/natbox.8 usr/share/man/man5/natbox.ini.5 lib/systemd/system/natbox.service \
	usr/lib/sysusers.d/natbox.conf usr/lib/tmpfiles.d/natbox.conf etc/natbox/natbox.ini etc/logrotate.d/natbox \
	usr/share/bash-completion/completions/natbox usr/share/doc/natbox/examples/sniff.ini \
	usr/share/doc/natbox/examples/queue.ini usr/share/doc/natbox/examples/natbox.rules.yml \
	usr/share/doc/natbox/README.md usr/share/doc/natbox/docs/placement.md; do
	comparable "$work/deb" | grep -qxF "./$file"
	say $? "the package has $file"
done
[ "$(grep -rl '/usr/sbin/' "$work/local")" = "" ] &&
	grep -q '^ExecStart=/usr/local/sbin/natbox$' "$work/local/lib/systemd/system/natbox.service" &&
	grep -q '^ExecReload=/usr/local/sbin/natbox -t$' "$work/local/lib/systemd/system/natbox.service"
say $? "the unit finds natbox where PREFIX has put it"
dpkg-deb -c "$deb" | awk '$2 != "root/root" || $1 !~ /^(d|-rwx|-rw-)r-?/ || substr($1, 9, 1) == "w" { wrong = 1; print }
	END { exit wrong }'
say $? "all in the package is root's, and nobody else can write it"
[ "$(cat "$work/control/conffiles")" = "$(cd "$work/deb" && find etc -type f -printf '/%p\n' | sort)" ]
say $? "what is in /etc is the operator's to change"
for script in postinst prerm postrm; do
	sh -n "$work/control/$script" && [ -x "$work/control/$script" ]
	say $? "$script is a script"
done
[ "$(find "$work/local" ! -perm -444)" = "" ]
say $? "make install lets everybody read what it puts, whatever the umask"
is_kept() { # what of make's
	local file
	make -s "$1" DESTDIR="$work/local" PREFIX=/usr/local || return
	for file in $(cat "$work/control/conffiles"); do
		[ "$(tail -n 1 "$work/local$file")" = '# deb' ] || return
	done
}
while read -r file; do echo '# deb' >>"$work/local$file"; done <"$work/control/conffiles"
is_kept install
say $? "make install leaves a configuration that is there"
is_kept uninstall
say $? "so does make uninstall"
[ "$(files "$work/local")" = "$(sed 's/^/./' "$work/control/conffiles")" ]
say $? "and nothing else"

readelf -SnW "$work/deb/usr/sbin/natbox" >"$work/elf"
id=$(sed -n 's/.*Build ID: //p' "$work/elf")
! grep -q '\.debug_info' "$work/elf" &&
	readelf -SW "$work/symbols/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" 2>/dev/null | grep -q '\.debug_info'
say $? "natbox is stripped, and what it was stripped of is in a package beside it, by its build's number"
"$work/deb/usr/sbin/natbox" -V >/dev/null
say $? "stripped it runs"

for example in etc/examples/*.ini; do
	./natbox -t -c "$example" >/dev/null
	say $? "natbox -t takes $example"
done
[ "$(cd "$work/deb/usr/share/man" && gunzip -r . && mandoc man5/natbox.ini.5 2>&1 | head -n 1)" = \
	"$(mandoc natbox.8 | head -n 1)" ]
say $? "natbox.ini(5) is natbox(8)"

complete() { # word, the one before
	bash -c 'compopt() { :; }
		. "$1" && _natbox ./natbox "$2" "$3" && printf "%s\n" "${COMPREPLY[@]}"' bash \
		"$work/deb/usr/share/bash-completion/completions/natbox" "$@"
}
keys=$(awk '/^\[[a-z]+\]$/ { section = substr($0, 2, length($0) - 2) } /^#[a-z-]+ =/ { print section "." substr($1, 2) "=" }' etc/natbox.ini)
[ -n "$keys" ] && [ "$(complete '' -o | sort)" = "$(sort <<<"$keys")" ] &&
	[ "$(complete keepalive.int --option)" = keepalive.interval= ]
say $? "bash completes every key, $(wc -l <<<"$keys") of them"
[ "$(complete - ./natbox | sort)" = "$(./natbox -h | grep -E '^  (-.,|    --)' | cut -c 1-28 | grep -oE -- '--?[[:alpha:]-]+' | sort)" ] &&
	[ "$(complete --rep -q)" = --replay ]
say $? "and every option"

# Its words are those that natboxctl shows, where this natbox has one.
control() { # word, the one before, all words
	local word=$1 before=$2
	shift 2
	bash -c 'compopt() { :; }
		. etc/natboxctl.bash && COMP_WORDS=("${@:3}") COMP_CWORD=$(($# - 3)) &&
		_natboxctl ./natboxctl "$1" "$2" && printf "%s\n" "${COMPREPLY[@]}"' bash "$word" "$before" "$@"
}
if [ -x natboxctl ]; then
	[ "$(control stat natboxctl natboxctl stat | sort | tr '\n' ' ')" = "stats status " ] &&
		[ "$(control 'net' endpoints natboxctl -j endpoints net)" = network= ] &&
		[ "$(control show '/run/s' natboxctl -s /run/s show)" = show ] &&
		[ "$(control --so natboxctl natboxctl --so)" = --socket ]
	say $? "bash completes options, commands and filters of natboxctl"
	[ "$(control 'qu' lost natboxctl lost qu)" = 'quiet\>' ] && [ -z "$(control '' -k natboxctl events -k '')" ]
	say $? "a filter so that no file is made of it, and nothing where only its user knows"
fi
exit $failed
