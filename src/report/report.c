#include <natbox/report.h>

void report_event(struct report *report, struct event *event)
{
	report->work += WORK_EVENT;
	event->time_us = report->now_us;
	if (report->sink.event)
		report->sink.event(report->sink.context, event);
}

void report_refused(struct report *report, const struct address *client,
	const struct address *proxy, enum refusal refusal)
{
	struct event event = {.type = EVENT_REFUSED,
		.client = *client,
		.proxy = *proxy,
		.why = refusal_names[refusal]};

	report->counters.refused++;
	report->counters.refusals[refusal]++;
	report_event(report, &event);
}
