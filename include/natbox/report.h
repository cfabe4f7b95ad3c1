/* Where the rooms of the core report to: the caller's sink, the time of the moment and the counters
 * that they share. */
#ifndef NATBOX_REPORT_H
#define NATBOX_REPORT_H

#include <natbox/engine.h>
#include <natbox/wheel.h>

struct report {
	struct engine_sink sink;
	uint64_t now_us;
	struct engine_counters counters;
};

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
void report_event(const struct report *report, struct event *event);

/* A limit was reached. Counted too. */
void report_refused(struct report *report, const struct address *client,
	const struct address *proxy, enum refusal refusal);

#endif
