#!/bin/bash
# natboxctl top on terminals of all sizes, with colours, without, and that cannot be drawn on; with
# phones that register, answer and are unplugged; while natbox is stopped and started again. What is
# looked at is the screen, which tmux keeps. On the loopback of a network namespace.
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,NATBOXCTL,TMPDIR "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox natboxctl || exit 1
. tests/phones.bash
export LC_ALL=C.UTF-8 # for what looks at the screen
ctl=${NATBOXCTL:-./natboxctl} socket=$work/natbox.sock

# Each top has a server of its own, as one that ends is there for a while.
terminals=0
terminal() { tmux -u -S "$work/tmux.$terminals" -f /dev/null "$@" 2>"$work/errors"; }

clean_up_more() { terminal kill-server; }

# With what printf takes for bytes in it.
register_of() { # who
	printf '%s\\r\\n' "REGISTER sip:$proxy SIP/2.0" "Via: SIP/2.0/UDP 192.168.1.10;branch=z9hG4bK1;rport" \
		"To: <sip:$1@$proxy>" "From: <sip:$1@$proxy>;tag=1" "Call-ID: 1" "CSeq: 1 REGISTER" \
		"Contact: <sip:$1@192.168.1.10>" "Expires: 600" "Content-Length: 0" ""
}

# A terminal in which top runs, and then tells its exit status.
top_on() { # columns, lines, further environment...
	terminal kill-server
	terminals=$((terminals + 1))
	terminal new-session -d -x "$1" -y "$2" env "${@:3}" sh -c \
		"trap : INT; $ctl -s $socket top; echo exit status \$?; exec sleep 1000"
}

look() { terminal capture-pane -p >"$work/screen"; }

# What is on the screen has that in it, at the top left corner its title.
shows() { # regular expressions...
	local text
	look || return
	for text; do
		grep -qE -e "$text" "$work/screen" || return
	done
}
lacks() { # regular expression
	look && ! grep -qE -e "$1" "$work/screen"
}

press() { terminal send-keys "$1"; }

# As many lines, none of them wider than that, and below the title nothing but tables.
fits() { # columns, lines
	shows '^natbox [0-9.]+, mode' && [ "$(wc -l <"$work/screen")" -eq "$2" ] &&
		[ "$(wc -L <"$work/screen")" -le "$1" ]
}

explain() { # status, what it shows
	[ "$1" -eq 0 ] || sed 's/^/# |/' "$work/screen"
	say "$1" "$2"
}

chmod 755 "$work"
printf '%s\n' '[natbox]' "proxy = $proxy:5060" 'interface = lo' 'user =' '[keepalive]' \
	'interval = 1s' '[control]' "socket = $socket" '[state]' 'path =' '[class slow-ones]' 'aor = bob@*' 'interval = 2s' \
	>"$work/ini"
: >"$work/log"
loopback_up $proxy $phone || exit 1
top_on 80 24 TERM=xterm-256color
eventually shows "^natboxctl: no natbox answers on $socket" '^exit status 3'
explain $? "where there is no natbox top says so, with status 3"

start
registrar_up
top_on 80 24 TERM=xterm-256color LC_ALL=C.UTF-8
eventually shows '^natbox [0-9.]+, mode sniff, up .* [0-9]{2}:[0-9]{2}:[0-9]{2} *$' '^ROUND TRIPS: no answer yet'
explain $? "top begins with which natbox it is"
phone_up alice 5070
phone_up bob 5071
eventually shows '^in +[0-9.]+ +[1-9][0-9]* +endpoints +2' '^keepalives +[0-9.]+ +[1-9]' '^answers +[0-9.]+ +[1-9]' \
	'registrations +2' "^[0-9:]{8} endpoint-add $phone:507[01]" 'slow-ones +1$' '\(none\) +1$'
explain $? "it counts phones by reason and class, keepalives and answers, and shows events"
eventually shows '^ROUND TRIPS of [0-9]+ answers in [0-9]+s: half within [0-9.]+m?s, 99% within' '^█{5}' \
	'^NEXT 1s: [0-2] keepalives?, 0 to [12] in each 20ms$' '^ +█'
explain $? "round trips and the spread of keepalives are bars"
# A socket that is bound to nothing sends as a phone.
ip -n "$namespace" route replace table local local $proxy dev lo src $phone
printf '%b' "$(register_of 'eve\xc2\x9b7m')" >"$work/eve"
ip netns exec "$namespace" bash -c "cat $work/eve >/dev/udp/$proxy/5060" # in one datagram
eventually shows 'sip:eve\\xc2\\x9b7m' && shows '^natbox'
explain $? "what a phone calls itself does nothing to the terminal"
fits 80 24
explain $? "all of that on 24 lines of 80 columns"

for size in 200x60 40x10 7x2 1x1 80x24; do
	terminal resize-window -x "${size%x*}" -y "${size#*x}"
	settled() { look && [ "$(wc -l <"$work/screen")" -eq "${size#*x}" ] && shows "$1"; }
	case $size in
	7x2 | 1x1) eventually settled '^n' ;;
	200x60) eventually settled '^NEXT 1s' && eventually settled "ADDRESS OF RECORD" && fits 200 60 ;;
	*) eventually settled '^missed ' && fits "${size%x*}" "${size#*x}" ;;
	esac
	explain $? "a terminal that becomes $size has its screen"
done

kill "${helpers[2]}" # bob is unplugged
eventually shows '^LOST: [12] +LAST HEARD +AGO +ADDRESS OF RECORD' \
	"^$phone:5071 +[0-9]{2}:[0-9]{2}:[0-9]{2} +[0-9ms]+  bob@$proxy" 'lost +[12] ' \
	"^[0-9:]{8} lost $phone:5071 missed=3 id=sip:bob@$proxy"
explain $? "a phone that is unplugged is lost, with its AOR and since when"
"$ctl" -s "$socket" keepalive off >"$work/out" && eventually shows 'keepalives HELD'
explain $? "that keepalives are held is in the title"
"$ctl" -s "$socket" keepalive on >"$work/out" && eventually shows 'keepalives on'
explain $? "and that they are sent again"

kill -STOP "$pid"
eventually shows "^natbox does not answer on $socket" '[0-9]{2}:[0-9]{2}:[0-9]{2} *$' 'registrations +[23]'
explain $? "a natbox that hangs is said to, with the figures from before"
kill -CONT "$pid"
eventually shows '^natbox [0-9.]+, mode'
explain $? "and goes on"
stop
eventually shows "^no natbox answers on $socket"
explain $? "that natbox has ended is said, too"
start
eventually shows '^natbox [0-9.]+, mode sniff, up [0-9]+s' 'endpoints +0' '^LOST: 0'
explain $? "and when it is started again its figures come again"
phone_up carol 5073
eventually shows "^[0-9:]{8} endpoint-add $phone:5073" 'endpoints +1'
explain $? "with its events"
press x
press q
eventually shows '^exit status 0' && lacks PACKETS
explain $? "q ends it, and no other key"

top_on 80 24 TERM=vt100 LC_ALL=C
eventually shows '^natbox' '^answers +[0-9.]+ +[1-9]' '^#{5}' && fits 80 24 && ! grep -qP '[^\x00-\x7f]' "$work/screen"
explain $? "a terminal without colours and UTF-8 is enough"
! terminal capture-pane -p -e | grep -q $'\e\\[3[0-7]m'
explain $? "and gets none"
terminal send-keys C-c
eventually shows '^exit status 0'
explain $? "so does an interrupt"
top_on 80 24 TERM=dumb
eventually shows '^natboxctl: .*TERM=dumb' '^exit status 2' && [ "$(grep -c . "$work/screen")" -le 3 ]
explain $? "a terminal that cannot place its cursor is told so, with status 2"
"$ctl" -s "$socket" top </dev/null >"$work/screen" 2>&1
[ $? -eq 2 ] && grep -q '^natboxctl: top needs a terminal' "$work/screen"
explain $? "so is what is no terminal"
"$ctl" -s "$socket" -j top </dev/null >"$work/screen" 2>&1
[ $? -eq 2 ] && grep -q '^natboxctl: top .* no -j' "$work/screen"
explain $? "there is no JSON of it"
stop
