/* Putting back what is in a state file. */
#ifndef STATE_RESTORATION_H
#define STATE_RESTORATION_H

#include "round.h"

#include <natbox/state.h>

/* A million endpoints take half a second; what gives nothing for this long is a disk that stalls.
 */
enum { DISK_WAIT_S = 10 };

/* What became of the reasons in a file. */
struct restored {
	unsigned restored, over, without_proxy, unwanted, beyond_limits;
};

/* Reads what the file says of itself, waiting for a disk that stalls for a limited time. Returns as
 * database_open does, or -ETIMEDOUT. */
int restoration_look(const char *path, struct meta *meta, struct fault *what);

/* Puts everything back that can be, as it is at now_us on the state clock, and starts the
 * keepalives. 0, or the first error of reading. */
int restoration_run(const char *path, const struct state_options *options,
	struct endpoints *endpoints, int64_t now_us, struct rows *rows, struct restored *restored,
	struct fault *what);

#endif
