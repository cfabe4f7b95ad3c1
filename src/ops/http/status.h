/* What the status page tells of the whole, as JSON; its first line is what is not well, in words.
 * natbox.8, STATUS PAGE, has each trouble with its bound. */
#ifndef NATBOX_STATUS_H
#define NATBOX_STATUS_H

#include "history.h"

/* What there is to know of natbox at a moment. Times are microseconds of CLOCK_BOOTTIME. */
struct condition {
	const struct metrics_snapshot *snapshot;
	const struct history *history;
	uint64_t now_us;
	uint64_t turned_us; /* the end of the packet loop's last turn */
};

enum {
	/* The loop turns at least once a second, however little there is to do. When it has not for
	 * three times as long, it hangs: a busy host alone does not hold it up that long, and in
	 * relay mode the kernel has let SIP flow past it by then. */
	METRICS_HANG_US = 3 * 1000 * 1000,
	/* No packet in a direction for so long is silence. */
	SILENCE_US = 5 * 60 * 1000000,
	/* A change that waits so long for the disk lags. */
	LAG_US = 30 * 1000000,
	/* Room for what status_write writes, with every number and line as long as it can be. */
	STATUS_MAX = 8192,
};

/* Whether a loop that has turned last at turned_us is alive. */
static inline bool metrics_is_alive(uint64_t turned_us, uint64_t now_us)
{
	return now_us <= turned_us || now_us - turned_us <= METRICS_HANG_US;
}

/* time_us: of the wall clock. */
void status_write(const struct condition *condition, uint64_t time_us, struct json *json);

#endif
