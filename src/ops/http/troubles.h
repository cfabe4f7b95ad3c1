/* What is not well, in words, for the first line of the status page. natbox.8, STATUS PAGE, has
 * each with its bound. */
#ifndef NATBOX_TROUBLES_H
#define NATBOX_TROUBLES_H

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
	TROUBLE_MAX = 160, /* bytes of a line, with its zero */
	TROUBLES_MAX = 8,
	/* No packet in a direction for so long is silence. */
	SILENCE_US = 5 * 60 * 1000000,
	/* A change that waits so long for the disk lags. */
	LAG_US = 30 * 1000000,
	/* Of endpoints one in so many is lost: more are many. */
	MANY_LOST = 10,
	/* How far back something counts that has happened. */
	RECENT_US = 10 * 60 * 1000000,
};

struct troubles {
	unsigned count;
	char lines[TROUBLES_MAX][TROUBLE_MAX];
};

/* Whether a loop that has turned last at turned_us is alive. */
static inline bool metrics_is_alive(uint64_t turned_us, uint64_t now_us)
{
	return now_us <= turned_us || now_us - turned_us <= METRICS_HANG_US;
}

/* The worst comes first. */
void troubles_find(const struct condition *condition, struct troubles *troubles);

#endif
