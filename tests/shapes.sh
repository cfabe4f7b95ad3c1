#!/bin/sh
# Whatever a message is filled with, it costs the engine no more than a plain message and 4 ns a byte:
# values, parameters, quotes, brackets, folded lines, header fields, lines of a body. One line for
# each kind of message, which names its dearest shape (tools/shapes.c).
cd "$(dirname "$0")/.." || exit 1
make -s tools || exit 1
build/shapes 4 | awk '
	/ ns a byte: / {
		sub(/ ns a byte:/, "", $0)
		cost = $1; kind = $0; sub(/^[^ ]* /, "", kind); sub(/,.*/, "", kind)
		print "# " $0
		print (cost <= 4 ? "ok" : "not ok") " - " kind " costs no more than a plain one and 4 ns a byte"
		odd = odd || cost > 4
		next
	}
	{ print "# " $0 }
	END { exit odd }'
