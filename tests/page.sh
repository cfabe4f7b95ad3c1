#!/bin/bash
# The status page of a running natbox, as a browser asks for it: the page, and what it asks for while it is
# shown. On the loopback of a network namespace, with the addresses of a proxy and a phone.
# tests/browser/run has a browser show it.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,NATBOXCTL,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox natboxctl build/statehost || exit 1
. tests/phones.bash
listen=127.0.0.1:9560

says() { # path, text
	get "$1" | grep -qF -- "$2"
}

says_not() { # path, text
	get "$1" >"$work/said" && [ -s "$work/said" ] && ! grep -qF -- "$2" "$work/said"
}

search() { # for what, more of curl's options
	get search --get --data-urlencode "q=$1" "${@:2}"
}

finds() { # for what, text
	search "$1" | grep -qF -- "$2"
}

cat >"$work/ini" <<INI
[natbox]
proxy = $proxy:5060, 198.51.100.1:5060
interface = lo
user =
[keepalive]
interval = 1s
[control]
socket = $work/natbox.sock
[state]
path =
[metrics]
listen = $listen
INI
loopback_up $proxy $phone 198.51.100.1 || exit 1

start
eventually answers 200 ""
say $? "natbox serves a status page"
get "" >"$work/html" && ! grep -q '//' "$work/html" && grep -q '</html>' "$work/html"
say $? "it is one file that refers to nothing outside"
get "" -D "$work/headers" >"$work/html"
nonce=$(sed -n "s/.*script-src 'nonce-\([A-Za-z0-9_-]*\)'.*/\1/p" "$work/headers")
[ ${#nonce} = 22 ] && [ "$(grep -c "nonce=\"$nonce\"" "$work/html")" = 2 ] &&
	! grep -q unsafe- "$work/headers"
say $? "its policy lets its own script run and no other"
says status.json '"well":true,"line":"All is well: no endpoint yet' &&
	says history.json '"samples":[[' && says lost.json '{"lost":[],"more":0}' &&
	says spread.json '"keepalives":0,' && finds alice '{"found":[],"more":false}'
say $? "with nothing there it says so"
answers 200 search?q=x --head && answers 405 search?q=x -d y=z && answers 400 search &&
	answers 400 search?q= && answers 404 lost && answers 200 metrics
say $? "what is asked for wrongly is told from what is not there"
answers 200 "search?q=$(printf 'x%.0s' {1..255})" && answers 400 "search?q=$(printf 'x%.0s' {1..256})"
say $? "what is searched for has 255 bytes at most"
answers 403 status.json -H 'Host: natbox.example:9560' && answers 200 status.json -H 'Host: localhost:9560' &&
	answers 200 status.json -H 'Host: [::1]:9560' && answers 200 metrics -H 'Host: natbox.example:9560'
say $? "on the loopback no name leads a browser to it"

registrar_up
phone_up "o'neil&co" 5070
eventually finds "o'NEIL&co@" "\"aor\":\"sip:o'neil&co@$proxy\"" && finds $phone:5070 "o'neil&co" &&
	finds "o'neil" '"lost":false' && ! finds $phone:5071 client
say $? "a phone that registers is found by its AOR, and by its address"
eventually finds "o'neil" '"proven":true' && says status.json '1 endpoint is kept reachable, none lost.' &&
	says spread.json '"keepalives":1,'
say $? "and is counted"
keepalives() { "${NATBOXCTL:-./natboxctl}" -s "$work/natbox.sock" keepalive "$1" >>"$work/log"; }
keepalives off && eventually says status.json '"well":false,"line":"keepalives are held: ' && keepalives on &&
	eventually says status.json '"well":true'
say $? "keepalives that are held are not well"
kill -STOP "${helpers[1]}"
eventually says lost.json "\"aor\":\"sip:o'neil&co@$proxy\"" && finds "o'neil" '"lost":true' &&
	eventually says status.json '"well":false,"line":"1 of 1 endpoints is lost'
say $? "a phone that is unplugged is told as lost"
kill -CONT "${helpers[1]}"
eventually says lost.json '"lost":[]' && eventually says status.json '"well":true'
say $? "and no more once it is back"

searches() { # how many at once
	for ((i = 0; i < $1; i++)); do
		search x -o /dev/null -w '%{http_code}\n' --interface 127.0.0.$((i + 2)) &
	done
	wait $(jobs -p | grep -vxF "$(printf '%s\n' "$pid" "${helpers[@]}")")
}
[ "$(searches 16 | sort | uniq -c | awk '$2 != 200 && $2 != 503 { odd = 1 } { all += $1 }
	END { print odd + 0, all }')" = "0 16" ] && answers 200 lost.json
say $? "who asks while many do is answered, or told to ask again"
stop
say $? "natbox stops cleanly"

keeps_none() { # further arguments
	start "$@" && eventually says status.json 'none is kept reachable, by -n or keepalive.scope.' && stop
}
keeps_none -n && keeps_none -o keepalive.scope=off
say $? "a dry run, and scope off, are said to keep nobody reachable"

printf '%s\n' "register sip:<script>alert(1)</script>\"\\@example.org" "hold 30000" "sync 20" |
	build/statehost "$work/state" >>"$work/log"
start -o state.path="$work/state" -o keepalive.interval=1h
eventually finds "</SCRIPT>" '"aor":"sip:<script>alert(1)</script>\"\\@example.org"'
say $? "an AOR that is a script is data"
[ "$(search 10.0. | grep -o '"client"' | wc -l)" = 50 ] && finds 10.0. '"more":true' &&
	finds nobody '{"found":[],"more":false}'
say $? "of ten thousands that are found, fifty are told"
says spread.json '"interval_ms":3600000,'
say $? "an interval of an hour is spread out too"
# shellcheck disable=SC2016 # the shell that it starts expands it
for i in {2..7}; do
	help_with /dev/null bash -c 'while curl -s -f --interface "$0" "$1"; do :; done' 127.0.0.$i \
		"http://$listen/search?q=nobody"
done
answers 200 status.json --interface 127.0.0.9
stop
say $? "natbox stops cleanly while somebody asks"
