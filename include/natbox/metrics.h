/* Metrics over HTTP: /metrics is Prometheus text (exposition.h), /healthz is 200 while the packet
 * loop turns and 503 when it does not.
 *
 * A thread of its own answers. The loop never waits for it: now and then it leaves a snapshot, or
 * leaves it for the next turn while the last one is being read. What the thread can be made to do
 * from the network is bounded: connections, also of one address, their memory, and how long one may
 * be idle.
 *
 * Order of calls: metrics_open while natbox may still listen anywhere; metrics_start once
 * privileges are dropped, as they are a thread's own; then metrics_turned and metrics_publish from
 * the loop; metrics_close. Times are microseconds of CLOCK_BOOTTIME. */
#ifndef NATBOX_METRICS_H
#define NATBOX_METRICS_H

#include <natbox/exposition.h>
#include <natbox/fault.h>

enum {
	/* How often a snapshot is taken at most. Nobody asks more often, and the loop may turn some
	 * ten thousand times a second. */
	METRICS_SNAPSHOT_US = 250 * 1000,
	/* The loop turns at least once a second, however little there is to do. When it has not for
	 * three times as long, it hangs: a busy host alone does not hold it up that long, and in
	 * relay mode the kernel has let SIP flow past it by then. */
	METRICS_HANG_US = 3 * 1000 * 1000,
};

struct metrics;

/* Listens there, and answers nobody yet. 0 or a negative errno with *fault set: the port is in use,
 * no such address, not allowed. */
int metrics_open(const struct address *listen, struct metrics **metrics, struct fault *fault);

/* Answers from now on, from a thread that takes no signals. The loop counts as having turned at
 * now_us. 0 or a negative errno with *fault set. */
int metrics_start(struct metrics *metrics, uint64_t now_us, struct fault *fault);

/* The loop has come to the end of a turn. To be called from the loop itself and after everything in
 * it that can hang. True when it is time for a snapshot. */
bool metrics_turned(struct metrics *metrics, uint64_t now_us);

/* Leaves a snapshot; *snapshot is copied. */
void metrics_publish(
	struct metrics *metrics, const struct metrics_snapshot *snapshot, uint64_t now_us);

/* Whether a loop that has turned last at turned_us is alive. */
bool metrics_is_alive(uint64_t turned_us, uint64_t now_us);

/* Stops listening and frees. NULL is fine. */
void metrics_close(struct metrics *metrics);

#endif
