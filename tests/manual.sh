#!/bin/sh
# natbox.8 has every word that the sources give as why an endpoint or a reason ended, and the options,
# keys and events that there are; natboxctl.8 the commands and filters that there are; and
# docs/HACKING.md and README's "Where things are" name only what there is.
cd "$(dirname "$0")/.." || exit 1
status=0

# The words in quotes in calls of these functions: of each call the first or the last.
words() { # functions, as a regular expression; head or tail
	cat src/*/*.c | tr '\n\t' '  ' | grep -oE "\b($1)\([^;{]*\"[^;]*;" |
		while read -r call; do echo "$call" | grep -oE '"[a-z]+"' | "$2" -n 1; done |
		tr -d '"' | sort -u
}

check() { # event, words
	item=$(sed -n "/^\.It Cm $1\$/,/^\.It /p" natbox.8 | sed 1d)
	missing=
	for word in $2; do
		echo "$item" | grep -qw "$word" || { echo "# $1: $word"; missing=1; }
	done
	if [ -n "$2" ] && [ -z "$missing" ]; then
		echo "ok - natbox.8 has every why of $1: $(echo "$2" | tr "\n" " ")"
	else
		echo "not ok - natbox.8 has every why of $1"
		status=1
	fi

}

check endpoint-remove "$(words 'endpoint_drop|endpoint_remove' tail)"
check reason-end "$(words 'reason_end|reason_drop|follow_end|follow_end_by|end_one|endpoint_remove' head)"

# The same list in the same order: what natbox takes, what natboxctl knows, what its manual has. top is
# made of others, and natbox knows nothing of it.
taken=$({ sed -n 's/^\t\[COMMAND_[A-Z]*\] = "\([a-z]*\)",$/\1/p' src/ops/control/control_request.c; echo top; } | sort)
known=$(sed -n '/^} commands\[\]/,/^};/s/^\t{"\([a-z]*\)".*/\1/p' src/ctl/main.c | sort)
written=$(sed -n '/^\.Sh COMMANDS/,/^\.Ss/s/^\.It Cm \([a-z]*\).*/\1/p' natboxctl.8 | sort)
if [ -n "$taken" ] && [ "$taken" = "$known" ] && [ "$taken" = "$written" ]; then
	echo "ok - natboxctl.8 has every command that there is, and no other"
else
	echo "# natbox: $taken"; echo "# natboxctl: $known"; echo "# natboxctl.8: $written"
	echo "not ok - natboxctl.8 has every command that there is, and no other"
	status=1
fi
filters=$(grep -oE '(TEXT\(|\{)"[a-z]+[=>]?"' src/ops/control/control_filter.c | grep -oE '[a-z]+[=>]?' | sort -u)
missing=
for filter in $filters; do
	sed -n '/^\.Ss Filters/,/^\.Sh/p' natboxctl.8 |
		grep -qE "^\.It Cm ${filter%[=>]}( Ns = |>|$)" || missing="$missing $filter"
done
items=$(sed -n '/^\.Ss Filters/,/^\.Sh/p' natboxctl.8 | grep -c '^\.It')
if [ -z "$missing" ] && [ "$items" = "$(echo "$filters" | wc -l)" ]; then
	echo "ok - natboxctl.8 has every filter that there is, and no other"
else
	echo "# missing:$missing, of" $filters
	echo "not ok - natboxctl.8 has every filter that there is, and no other"
	status=1
fi

same() { # what, list of the sources, list of natbox.8
	if [ -n "$2" ] && [ "$2" = "$3" ]; then
		echo "ok - natbox.8 has every $1 that there is, and no other"
	else
		echo "# sources:" $2; echo "# natbox.8:" $3
		echo "not ok - natbox.8 has every $1 that there is, and no other"
		status=1
	fi
}

# Short and long, where an option has both: -c/--config.
taken=$(sed -n 's/^\t\t{"\([a-z-]*\)", [a-z]*_argument, NULL, \(.*\)},$/--\1 \2/p' src/options.c |
	sed "s/ '\(.\)'/ -\1/; s/ OPTION_.*//" | tr ' ' '\n' | sort)
written=$(sed -n '/^\.Sh OPTIONS/,/^\.Sh /p' natbox.8 | grep '^\.It Fl' | grep -oE 'Fl -?[a-zA-Z-]+' |
	sed 's/^Fl /-/' | sort)
same option "$taken" "$written"
taken=$(sed -n '/config_keys\[CONFIG_KEYS\] = {$/,/^};/p' src/ops/config/config_keys.c |
	sed -n 's/^[[:blank:]]*{"\([a-z]*\)", "\([a-z-]*\)",.*/\1.\2/p' | sort)
written=$(awk '/^\.S[hs] / { section = "" } /^\.Ss \[[a-z]*\]/ { section = $2; gsub(/[][]/, "", section) }
	section != "" && /^\.It Cm [a-z-]+ =/ { print section "." $3 }' natbox.8 | sort)
same key "$taken" "$written"
taken=$( (sed -n 's/^\t\[EVENT_[A-Z_]*\] = "\([a-z-]*\)",$/\1/p' src/report/report.c; echo summary) | sort)
written=$(sed -n '/^\.Sh EVENTS/,/^\.Sh /s/^\.It Cm //p' natbox.8 | sort)
same event "$taken" "$written"

# Each `path` has to exist, and each `name` to stand in a path of its line, or anywhere when it has
# none; in a table a name is a function that is defined there.
stale() { # file
	grep -n '`' "$1" | while IFS=: read -r number line; do
		paths=
		# shellcheck disable=SC2016
		words=$(printf '%s\n' "$line" | grep -oE '`[^`]+`' | tr -d '`' | sed 's/^struct //')
		for word in $(printf '%s\n' "$words" | sed 's/ .*//'); do
			case $word in
			*[/.]*) [ -e "$word" ] || echo "# $1:$number: there is no $word"
				[ -f "$word" ] && paths="$paths $word" ;;
			esac
		done
		for word in $(printf '%s\n' "$words" | grep -xE '[A-Za-z_]+'); do
			defined="\\b$word\\b"
			case $line in '|'*) defined="^[a-z].*[ *]$word\\(" ;; esac
			# shellcheck disable=SC2086
			grep -qrE "$defined" ${paths:-src include} ||
				echo "# $1:$number: $word is not in${paths:- src}, but in:" \
					"$(grep -rlE "^[a-z].*[ *]$word\\(" src | tr '\n' ' ')"
		done
	done
}

wrong=$(stale docs/HACKING.md; sed '1,/^## Where things are/d' README.md | stale -)
if [ -z "$wrong" ]; then
	echo "ok - HACKING.md and README.md name only paths and functions that there are"
else
	printf '%s\nnot ok - %s\n' "$wrong" "HACKING.md and README.md name only paths and functions that there are"
	status=1
fi
exit $status
