/* Putting back what is in a state file. */
#ifndef STATE_RESTORATION_H
#define STATE_RESTORATION_H

#include "round.h"

#include <natbox/state.h>

/* A million endpoints take half a second; what gives nothing for this long is a disk that stalls.
 */
enum { DISK_WAIT_S = 10 };

struct restoration;

/* What became of the reasons in a file. */
struct restored {
	unsigned restored, over, without_proxy, unwanted, beyond_limits;
};

/* Opens the file and reads what it says of itself, waiting for a disk that stalls for a limited
 * time. 0; -ENOENT, without a word: nothing was ever written to it; or another negative errno, as a
 * database has it. */
int restoration_begin(
	const char *path, struct restoration **begun, struct meta *meta, struct fault *what);

/* Puts everything back that can be, as it is at now_us on the state clock, starts the keepalives and
 * frees. 0, or the first error of reading. */
int restoration_end(struct restoration *restoration, const struct state_options *options,
	struct endpoints *endpoints, int64_t now_us, struct rows *rows, struct restored *restored,
	struct fault *what);

/* Instead of that; NULL is fine. */
void restoration_free(struct restoration *restoration);

#endif
