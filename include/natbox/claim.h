/* The claim to relay: one natbox has it in a network namespace, as the kernel rules
 * (natbox/rules.h) have one table there, and one pair of ports that they divert to. */
#ifndef NATBOX_CLAIM_H
#define NATBOX_CLAIM_H

#include <natbox/fault.h>

/* Takes the claim, before there are sockets or rules. Needs no privilege. When somebody has it this
 * waits up to 3 s, for a natbox that was killed. Returns a descriptor that holds the claim until it
 * is closed or the process ends, however it does; or a negative errno with *fault set: -EADDRINUSE
 * when another natbox goes on having it. */
int claim_take(struct fault *fault);

#endif
