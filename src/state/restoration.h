/* Putting back what is in a state file. */
#ifndef RESTORATION_H
#define RESTORATION_H

#include "store.h"

#include <natbox/record.h>

/* What became of the reasons in the file. */
struct restored {
	unsigned reasons, over, without_proxy, refused;
};

/* meta: what the file says of itself; now_us: the present on the state clock. 0 with everything put
 * back that can be, and its keepalives started; or a negative errno, and nothing is. */
int restoration_run(struct store *store, const struct store_meta *meta, int64_t now_us,
	struct endpoints *endpoints, struct restored *restored, struct fault *fault);

#endif
