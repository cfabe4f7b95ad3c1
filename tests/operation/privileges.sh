#!/bin/bash
# What a natbox that was taken over could still do.
. "$(dirname "$0")/service.bash"

for mode in sniff relay; do
	start -o natbox.mode=$mode
	[ "$(sed -n 's/^NoNewPrivs:\s*//p' "/proc/$pid/status")" = 1 ]
	say $? "nothing that it executes gains privileges, in mode $mode"
	stop
done
readelf -hldW --dyn-syms "$natbox" >"$work/elf"
: >"$work/log"
elf_has() { grep -q -- "$1" "$work/elf"; }
elf_has 'Type: *DYN (Position-Independent' && elf_has GNU_RELRO && elf_has 'Flags:.*NOW' &&
	elf_has __stack_chk_fail && elf_has '__[a-z]*_chk@' && ! elf_has 'GNU_STACK.* RWE'
say $? "the binary is hardened: position, relocations, stack, buffers"
exit 0
