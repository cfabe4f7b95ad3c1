/* A deputy does in a thread of its own what may have to wait for others of this host: to list its
 * addresses is to wait until whoever changes interfaces has done. The loop waits a moment for it,
 * as most is done at once, and then goes on. */
#ifndef NATBOX_DEPUTY_H
#define NATBOX_DEPUTY_H

#include <stdbool.h>

/* How long the loop waits: a phone sends again after 500 ms (RFC 3261, 17.1.1.1). */
enum { DEPUTY_PATIENCE_MS = 100 };

struct deputy;

/* NULL: no memory. The thread starts with the first work, with the rights that its caller has by
 * then. */
struct deputy *deputy_new(unsigned patience_ms);

/* Ends once it has done what it is at. NULL is fine. */
void deputy_free(struct deputy *deputy);

/* Of a deputy that is free. True: it has been done. False: it is under way, and what belongs to
 * context is the deputy's until it is free again. Where threads are short the caller does it. */
bool deputy_do(struct deputy *deputy, void (*work)(void *context), void *context);

/* Whether it is at nothing. Does not wait. */
bool deputy_is_free(const struct deputy *deputy);

#endif
