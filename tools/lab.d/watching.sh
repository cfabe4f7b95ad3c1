# Those who watch a natbox, each in his own way: whether it is lost is asked for one phone, alice, and
# each says "lost" or "reachable", and where he names phones its address, its address of record
# without sip:, and for how many seconds it has not been heard.
# shellcheck shell=bash disable=SC2154,SC2034 # lab_root comes from lab.sh; scenarios use WATCHERS
NATBOXCTL=${NATBOXCTL:-$lab_root/natboxctl}
WATCHERS='status show lost top list line metrics alert'
WATCHERS_THAT_NAME_PHONES='show lost top list'

watched_natbox_start() { # further arguments for natbox
	natbox_start -o metrics.listen=127.0.0.1:9560 "$@"
}

ask_natbox() { # natboxctl's arguments
	at border "$NATBOXCTL" -s "$LAB_DIR/$(natbox_name).sock" "$@"
}

ask_over_http() { # path
	at border curl -s --max-time 20 "http://127.0.0.1:9560/$1"
}

# On a terminal that tmux keeps.
top_terminal() { # tmux's arguments
	at border tmux -u -S "$LAB_DIR/tmux" -f /dev/null "$@"
}

top_start() {
	top_terminal new-session -d -x 100 -y 40 env TERM=xterm-256color LC_ALL=C.UTF-8 \
		"$NATBOXCTL" -s "$LAB_DIR/$(natbox_name).sock" top
	eventually top_is_drawn
}

top_is_drawn() {
	top_terminal capture-pane -p | grep -q '^LOST: '
}

# As natboxctl writes a span of time.
seconds_in() { # 7s or 12m30s
	awk -v span="$1" 'BEGIN { minutes = span ~ /m/ ? span + 0 : 0; sub(/.*m/, "", span); print minutes * 60 + span }'
}

# What a part of a sentence means.
lost_or_not() { # how many are lost
	case $1 in
	0) echo reachable ;;
	[1-9]*) echo lost ;;
	*) echo nothing ;;
	esac
}

tells_status() {
	lost_or_not "$(ask_natbox status | sed -n 's/^endpoints .*; \([0-9]*\) lost, .*/\1/p')"
}

tells_show() {
	local state client aor quiet
	read -r state client aor quiet < <(ask_natbox show alice | awk '
		NR == 1 { client = $1 }
		/^  state / { state = $2 == "LOST:" ? "lost" : $2; sub(/,$/, "", state) }
		/^  last heard / { quiet = $3 }
		/^  registration / { aor = $2; sub(/^sip:/, "", aor); sub(/,$/, "", aor) }
		END { print state, client, aor, quiet }')
	echo "$state $client $aor $(seconds_in "$quiet")"
}

# Each of the lists has one line, or none.
tells_list_of() { # fields of that line: address, address of record, how long ago
	if [ -n "$1" ]; then echo "lost $1 ${2#sip:} $(seconds_in "$3")"; else echo reachable; fi
}

tells_lost() {
	local client quiet aor
	ask_natbox lost >"$LAB_DIR/lost" || return
	read -r client quiet aor < <(awk '$NF ~ /^alice@/ { print $1, $3, $NF }' "$LAB_DIR/lost")
	tells_list_of "$client" "$aor" "$quiet"
}

# It has the time of day, and how long ago that was when it was told last, which is not what is now.
tells_top() {
	local client clock aor ago=0
	top_terminal capture-pane -p >"$LAB_DIR/screen" && grep -q '^natbox ' "$LAB_DIR/screen" || return
	read -r client clock aor < <(sed '1,/^LOST: /d; /^EVENTS/,$d' "$LAB_DIR/screen" |
		awk '$4 ~ /^alice@/ { print $1, $2, $4 }')
	[ -z "$client" ] || ago=$((($(date +%s) - $(date -d "$clock" +%s) + 86400) % 86400))
	tells_list_of "$client" "$aor" "${ago}s"
}

# The page's list, and its first line.
tells_list() {
	local client aor quiet
	ask_over_http lost.json >"$LAB_DIR/lost.json" && grep -q '^{"lost":' "$LAB_DIR/lost.json" || return
	read -r client aor quiet < <(tr '{' '\n' <"$LAB_DIR/lost.json" |
		sed -n 's/^"client":"\([^"]*\)".*"aor":"\(sip:alice@[^"]*\)".*"lost":true.*"quiet":\([0-9]*\).*/\1 \2 \3/p')
	tells_list_of "$client" "$aor" "${quiet}s"
}

# With two phones, one that is lost is not well.
tells_line() {
	case $(ask_over_http status.json) in
	*'"well":true,"line":"All is well: 2 endpoints are kept reachable, none lost."'*) echo reachable ;;
	*'"well":false,"line":"1 of 2 endpoints is lost:'*) echo lost ;;
	*) echo nothing ;;
	esac
}

metric() { # name without labels
	ask_over_http metrics | sed -n "s/^$1 //p"
}

tells_metrics() {
	lost_or_not "$(metric natbox_endpoints_lost)"
}

# What stands in a rule of etc/natbox.rules.yml: its expr, or its for.
alert_says() { # alert, key
	awk -v alert="$1" -v key="$2:" '
		$2 == "alert:" { is_it = $3 == alert }
		is_it && $1 == key { sub(/^ *[a-z]*: */, ""); print }' "$lab_root/etc/natbox.rules.yml"
}

# As Prometheus would with what it scrapes now, where the expression compares a figure with a number.
tells_alert() {
	local name operator number
	[[ "$(alert_says NatboxPhonesLost expr)" =~ ^([a-z_]+)\ (>|>=|==|!=|<|<=)\ ([0-9.]+)$ ]] || return
	name=${BASH_REMATCH[1]} operator=${BASH_REMATCH[2]} number=${BASH_REMATCH[3]}
	metric "$name" | awk "{ print (\$1 $operator $number) ? \"lost\" : \"reachable\" }"
}
