#!/bin/sh
# natbox.8 has every word that the sources give as why an endpoint or a reason ended.
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
exit $status
