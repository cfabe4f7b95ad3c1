/* Points in time that can be compared after a restart, also when the wall clock was set in between.
 */
#ifndef STATE_TIMESTAMP_H
#define STATE_TIMESTAMP_H

#include <stdint.h>

enum { BOOT_ID_SIZE = 40 };

struct timestamp {
	int64_t wall_us;            /* CLOCK_REALTIME: comparable always, but may be set */
	int64_t boot_us;            /* CLOCK_BOOTTIME: never set, but starts anew at each boot */
	char boot_id[BOOT_ID_SIZE]; /* which boot; filled up with zeros; empty when not known */
};

void timestamp_now(struct timestamp *timestamp);

/* What has passed from the one to the other. Within one boot the boot clock tells. Across boots the
 * wall clock has to, as far as it can be believed: one that went back, or more than 90 days forth,
 * longer than any reason lasts, counts as no time at all, so that a wrong clock does not end
 * everything. */
int64_t timestamp_elapsed(const struct timestamp *from, const struct timestamp *to);

#endif
