/* Putting back what is in a state file. */
#ifndef STATE_RESTORATION_H
#define STATE_RESTORATION_H

#include "round.h"
#include "store.h"

#include <natbox/state.h>

/* Zero but for the first three. */
struct restoration {
	const struct state_options *options;
	struct endpoints *endpoints;
	struct rows *rows;
	struct address proxy; /* of the last record */
	/* What became of the reasons in the file. */
	unsigned restored, over, without_proxy, unwanted, beyond_limits;
};

/* Has the store look at its file. Where the disk stalls, the store is left to the thread that waits
 * for it, and another takes its place, which has no file. *store's result says what came of it. */
void restoration_look(struct store **store);

/* Puts everything back that can be read, as it is at now_us on the state clock, and starts the
 * keepalives. Likewise. */
void restoration_run(struct restoration *restoration, struct store **store, int64_t now_us);

#endif
