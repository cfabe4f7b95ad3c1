/* Putting back what is in a state file. */
#ifndef STATE_RESTORATION_H
#define STATE_RESTORATION_H

#include "round.h"
#include "store.h"

#include <natbox/state.h>

/* What became of the reasons in a file. */
struct restored {
	unsigned restored, over, without_proxy, unwanted, beyond_limits;
};

/* Has the store look at its file. Where the disk stalls, the store is left to the thread that waits
 * for it, and another takes its place, which has no file. 0 or -ENOMEM; *store's result says the
 * rest. */
int restoration_look(struct store **store);

/* Puts everything back that can be read, as it is at now_us on the state clock, and starts the
 * keepalives. Likewise. */
int restoration_run(struct store **store, const struct state_options *options,
	struct endpoints *endpoints, int64_t now_us, struct rows *rows, struct restored *restored);

#endif
