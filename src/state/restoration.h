/* Putting back what is in a state file. */
#ifndef RESTORATION_H
#define RESTORATION_H

#include "store.h"

#include <natbox/endpoints.h>
#include <natbox/state.h>

/* Memory takes as long as restoring about so many records. */
enum { RECORDS_AHEAD = 16 };

struct restoration {
	const struct store_meta *meta; /* what the file says of itself */
	int64_t now_us;                /* on the state clock */
	struct endpoints *endpoints;
	const struct state_options *options;
	/* What became of the reasons. */
	unsigned restored, over, without_proxy, unwanted, beyond_limits;

	/* A record waits for a while between being read and being restored, until what it needs of
	 * the tables is in the cache. */
	unsigned read;
	struct record_return waiting[RECORDS_AHEAD];
};

/* 0 with everything put back that can be, and its keepalives started; or a negative errno, and
 * nothing is. */
int restoration_run(struct restoration *restoration, struct store *store, struct fault *fault);

#endif
