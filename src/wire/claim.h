/* Claims: what one natbox alone may do in a network namespace. To relay: the kernel rules
 * (natbox/rules.h) have one table there, and one pair of ports that they divert to. To serve a
 * proxy: two would send every phone two keepalives.
 *
 * A claim is an abstract socket name. Each network namespace has its own, and the kernel forgets
 * them with the process, however it ends. Anybody may take such a name, so who has it counts only
 * as root or as a user that natbox runs as: a stranger can hide that another natbox serves the same
 * proxy, but keeps none from starting. */
#ifndef NATBOX_CLAIM_H
#define NATBOX_CLAIM_H

#include <natbox/base.h>

/* To relay; to serve is "serve [2001:db8::1]:5060" and the like. */
#define CLAIM_RELAY "relay"
enum { CLAIM_MAX = 80 };

/* Claims to do this, as in "relay", before there are sockets or rules. Needs no privilege. When
 * somebody has the claim this waits up to 3 s, for a natbox that was killed. user: whom natbox is
 * going to run as.
 *
 * Returns a descriptor that holds the claim until it is closed or the process ends, or a negative
 * errno with *fault set: -EADDRINUSE when another natbox goes on having it. fault->line is else
 * empty, or a warning: a stranger has the name, nothing is claimed. */
int claim_take(const char *purpose, uid_t user, struct fault *fault);

/* For a purpose that another's would include: whether anybody but this process has the claim to
 * `other`. Waits as claim_take does. 0, perhaps with a warning; or a negative errno with *fault
 * set. */
int claim_look(const char *purpose, const char *other, uid_t user, struct fault *fault);

#endif
