/* Where the rooms of the core report to: the caller's sink, the time of the moment and the counters
 * that they share. */
#ifndef NATBOX_REPORT_H
#define NATBOX_REPORT_H

#include <natbox/engine.h>
#include <natbox/wheel.h>

/* Work is counted so that it can be bounded, in units of very roughly half a microsecond: what a
 * look at something takes, and what an event does together with what it tells of, a keepalive
 * say. */
enum { WORK_LOOK = 1, WORK_EVENT = 4 };

struct report {
	struct engine_sink sink;
	uint64_t now_us;
	struct engine_counters counters;
	uint64_t work;       /* done since engine_advance was called */
	uint64_t work_limit; /* what may be done until it returns */
};

static inline bool report_has_time(const struct report *report)
{
	return report->work < report->work_limit;
}

static inline uint32_t report_tick(const struct report *report)
{
	return (uint32_t)(report->now_us / TICK_US);
}

/* A span of time in ticks, rounded up. */
static inline uint32_t ticks_of(uint64_t us)
{
	return (uint32_t)((us + TICK_US - 1) / TICK_US);
}

/* Stamps the event with the time and hands it to the sink. */
void report_event(struct report *report, struct event *event);

/* A limit was reached. Counted too. */
void report_refused(struct report *report, const struct address *client,
	const struct address *proxy, enum refusal refusal);

#endif
