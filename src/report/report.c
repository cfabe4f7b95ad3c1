#include <natbox/report.h>

const char *const event_type_names[EVENT_TYPES] = {
	[EVENT_ENDPOINT_ADD] = "endpoint-add",
	[EVENT_ENDPOINT_REMOVE] = "endpoint-remove",
	[EVENT_REASON_ADD] = "reason-add",
	[EVENT_REASON_REFRESH] = "reason-refresh",
	[EVENT_REASON_END] = "reason-end",
	[EVENT_REWRITE] = "rewrite",
	[EVENT_KEEPALIVE] = "keepalive",
	[EVENT_REPLY] = "reply",
	[EVENT_LOST] = "lost",
	[EVENT_FOUND] = "found",
	[EVENT_MALFORMED] = "malformed",
	[EVENT_REFUSED] = "refused",
};

const char *const reason_kind_names[REASON_KINDS] = {
	[REASON_REGISTRATION] = "registration",
	[REASON_SUBSCRIPTION] = "subscription",
	[REASON_DIALOG] = "dialog",
};

const char *const rewritten_field_names[REWRITTEN_FIELDS] = {"contact", "via", "ruri", "other"};

const char *const refusal_names[REFUSALS] = {
	[REFUSED_ENDPOINTS] = "endpoints",
	[REFUSED_ENDPOINTS_PER_ADDRESS] = "endpoints-per-address",
	[REFUSED_UNPROVEN] = "unproven",
	[REFUSED_UNPROVEN_PER_ADDRESS] = "unproven-per-address",
	[REFUSED_REASONS] = "reasons",
	[REFUSED_REASONS_PER_ENDPOINT] = "reasons-per-endpoint",
	[REFUSED_TRANSACTIONS] = "transactions",
	[REFUSED_DATAGRAM] = "datagram",
};

const char *const verdict_names[VERDICTS] = {"pass", "rewrite", "consume"};

const uint32_t rtt_bounds_us[RTT_BOUNDS] = {
	5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

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

void report_reply(struct report *report, uint64_t rtt_us)
{
	unsigned bound = 0;

	while (bound < RTT_BOUNDS && rtt_us > rtt_bounds_us[bound])
		bound++;
	report->counters.replies++;
	report->counters.rtt_us += rtt_us;
	report->counters.rtts[bound]++;
}
