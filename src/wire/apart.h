/* Work that a library may end the process over, or never come back from, in a process of its own.
 * libnftables and the lexer in libpcap exit when memory is short. */
#ifndef NATBOX_APART_H
#define NATBOX_APART_H

#include <natbox/base.h>

/* How long the work may take. libnftables lists a rule set with a million elements in 10 s. */
enum { APART_MAX_S = 30 };

/* Has a child do the work and waits for it. What the work changes in the size bytes at context is
 * changed here too once it returns, whatever it returns, and nothing else: of what is allocated or
 * opened there nothing comes back. Descriptors above standard error are closed in the child, and
 * its standard error goes nowhere. Needs no free descriptor here.
 *
 * Returns what the work does, with *fault as the work has set it; or a negative errno with *fault
 * saying that natbox cannot do WHAT: -ECHILD when the child ended before the work did, -ETIMEDOUT
 * when it had to be ended. */
int apart_run(const char *what, int (*work)(void *context, struct fault *fault), void *context,
	size_t size, struct fault *fault);

#endif
