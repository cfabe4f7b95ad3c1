#!/bin/bash
# docs/*.md and README.md name only commands, filters, keys, events, metrics, alerts and options that
# there are, as natbox.8 and natboxctl.8 have them, which other tests hold against the sources. What
# they show of natbox.ini passes natbox -t. Links lead to files and headings that there are.
# shellcheck disable=SC2016 # backticks are Markdown's
set -u
cd "$(dirname "$0")/.." || exit 1
[ -n "${NATBOX:-}" ] || make -s natbox || exit 1
natbox=${NATBOX:-./natbox}
docs=(docs/[!H]*.md README.md)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each line of standard input, which has FILE and a word, has to be known.
check() { # what it is about, file with known words
	local name=$1 wrong
	sort -u >"$work/named"
	wrong=$(awk 'NR == FNR { known[$0] = 1; next }
		{ file = $1; sub(/^[^ ]* /, "") } !($0 in known) { print "# " file ": there is no " $0 }' "$2" \
		"$work/named")
	if [ -s "$work/named" ] && [ -s "$2" ] && [ -z "$wrong" ]; then
		echo "ok - the documents name only $name that there are"
	else
		printf '%s\nnot ok - %s\n' "$wrong" "the documents name only $name that there are"
		: >"$work/failed"
	fi
}

# What a pattern matches in the documents: FILE and the match, a line each.
find_words() { # extended regular expression
	grep -noE -e "$1" "${docs[@]}" | sed -E 's/^([^:]*:[0-9]+):/\1 /'
}

# Its items, one a line.
items() { # page, section
	sed -n "/^\.S[hs] $2\$/,/^\.S[hs] /p" "$1" | sed -n 's/^\.It Cm //p'
}

items natboxctl.8 COMMANDS | sed 's/ .*//' >"$work/commands"
find_words '(^ +(\$ )?|`|until )natboxctl( -j| -s [^ ]+)* [a-z]+' |
	awk '{ print $1, $NF }' | check commands "$work/commands"

items natboxctl.8 Filters | sed -E 's/ Ns = .*/=/; s/>.*/>/' >"$work/filters"
grep -nE 'natboxctl( -j)? (endpoints|lost) ' "${docs[@]}" | grep -oE "^[^:]*:[0-9]+|[ ']([a-z]+[=>]|lost\b)" |
	awk '/:/ { at = $0; next } { gsub(/[ \x27]/, ""); if (/[=>]/) print at, $0 }' | check filters "$work/filters"

# section.key, of each section.
awk '/^\.S[hs] / { section = "" } /^\.Ss \[/ { section = $2; gsub(/[][]/, "", section) }
	section != "" && /^\.It Cm [a-z-]+ =/ { print section "." $3 }' natbox.8 | sort -u >"$work/keys"
sections=$(cut -d. -f1 "$work/keys" | sort -u | tr '\n' '|')
find_words "\\b(${sections%|})\\.[a-z-]+(\\.[a-z]+)?" | grep -vE '\.(md|db|ini|service|json|sock|pcap|c|h|sh|yml)$' |
	check keys "$work/keys"
cut -d. -f2 "$work/keys" | sort -u >"$work/names"
find_words '`[a-z-]+ = ' | tr -d '`=' | awk '{ print $1, $2 }' | check "names of keys" "$work/names"

items natbox.8 EVENTS >"$work/events"
{
	find_words '"event":"[a-z-]+' | sed 's/"event":"//'
	find_words 'events?,? `[a-z-]+`' | sed -E 's/events?,? `([a-z-]+)`/\1/'
	find_words 'natboxctl( -j)? events -k [a-z,-]+' | awk '{ n = split($NF, kinds, ",")
		for (i = 1; i <= n; i++) print $1, kinds[i] }'
	grep -nE '^\| `[a-z-]+` \| [0-9]+ \|' docs/sizing.md | sed -E 's/^([0-9]+):\| `([a-z-]+)`.*/docs\/sizing.md:\1 \2/'
} | grep -v ' all$' | check events "$work/events"

sed -n '/^\.Sh METRICS/,/^\.Sh /p' natbox.8 | grep -oE '^\.It Cm natbox_[a-z_]+' | sed 's/.* //' >"$work/metrics"
find_words '\bnatbox_[a-z_]+' | sed -E 's/_(bucket|sum|count)$//' | check metrics "$work/metrics"

sed -n 's/^ *- alert: //p' etc/natbox.rules.yml >"$work/alerts"
find_words '\bNatbox[A-Z][A-Za-z]+' | check alerts "$work/alerts"

sed -n '/^\.Sh OPTIONS/,/^\.Sh /p' natbox.8 | grep -oE 'Fl -?[a-zA-Z-]+' | sed 's/Fl /-/' | sort -u >"$work/options"
find_words '(^ +(\$ )?|`|sudo )natbox( -[^ `|)]+)+' | awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^-/) print $1, $i }' |
	check options "$work/options"

# A heading as a link names it: small letters, blanks as hyphens, and nothing else but letters and digits.
anchors() { # file
	sed -n 's/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9-]//g'
}

for doc in docs/*.md README.md; do
	anchors "$doc" | sed "s|^|$doc#|"
	echo "$doc"
done >"$work/places"
find_words '\]\([^):]+\)' | while read -r at link; do
	link=${link#](} link=${link%)} doc=${at%:*}
	case $link in
	'#'*) echo "$at $doc$link" ;;
	*) echo "$at $(dirname "$doc")/$link" ;;
	esac
done | sed 's| \./| |' | check "links and headings" "$work/places"

# The examples of natbox.ini.
for doc in "${docs[@]}"; do
	awk -v file="$work/$(basename "$doc")" '/^ *```ini$/ { open = 1; number++; next } /^ *```$/ { open = 0 }
		open { sub(/^ +/, ""); print > (file "." number ".ini") }' "$doc"
done
shown=0 refused=0
for file in "$work"/*.ini; do
	shown=$((shown + 1))
	"$natbox" -t -c "$file" >"$work/said" 2>&1 || { refused=$((refused + 1)); sed 's/^/# /' "$file" "$work/said"; }
done
if [ $shown -gt 0 ] && [ $refused -eq 0 ]; then
	echo "ok - natbox -t takes the $shown configurations that the documents show"
else
	echo "not ok - natbox -t takes the $shown configurations that the documents show"
	: >"$work/failed"
fi
[ ! -e "$work/failed" ]
