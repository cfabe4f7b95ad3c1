#include <natbox/report.h>

void report_event(struct report *report, struct event *event)
{
	event->time_us = report->now_us;
	report->sink.event(report->sink.context, event);
}

void report_refused(struct report *report, const struct address *client,
	const struct address *proxy, enum refusal refusal, struct text aor)
{
	struct event event = {.type = EVENT_REFUSED,
		.client = *client,
		.proxy = *proxy,
		.aor = aor,
		.why = refusal_names[refusal]};

	report->counters.refused++;
	report->counters.refusals[refusal]++;
	if (report_happened(report, EVENT_REFUSED))
		report_event(report, &event);
}

const uint32_t rtt_bounds_us[RTT_BOUNDS] = {
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

void report_reply(struct report *report, uint64_t rtt_us)
{
	unsigned bound = 0;

	while (bound < RTT_BOUNDS && rtt_us > rtt_bounds_us[bound])
		bound++;
	report->counters.replies++;
	report->counters.rtt_us += rtt_us;
	report->counters.rtts[bound]++;
}
