/* The one rule of mode queue that hands packets over. nft has an expression for it, which not every
 * kernel was built with; xt's target NFQUEUE, which such a kernel may have instead, nft shows but
 * cannot read. */
#ifndef NATBOX_QUEUE_RULE_H
#define NATBOX_QUEUE_RULE_H

#include "alive.h"

#include <natbox/base.h>

/* Has the chain to_natbox of table inet natbox hold this rule and no other: to the queue, and past
 * it where nobody reads it. 0 or a negative errno with *fault set: -ENOENT where there is no such
 * chain, or the kernel has neither form. */
int queue_rule_put(struct alive *alive, uint16_t number, struct fault *fault);

#endif
