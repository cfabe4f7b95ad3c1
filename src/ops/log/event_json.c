#include "event_json.h"

static void put_reason(struct json *json, const struct event *event)
{
	json_put_member(json, "reason", reason_kind_names[event->reason.kind]);
	json_put_text_member(json, "id", event->reason.id);
	if (event->type == EVENT_REASON_END)
		json_put_member(json, "why", event->reason.why);
	else
		json_put_number_member(json, "expires", event->reason.expires);
}

static void put_rewrite(struct json *json, const struct event *event)
{
	json_put_member(json, "dir", event->rewrite.in ? "in" : "out");
	json_put_key(json, "what");
	json_put_char(json, '"');
	if (event->rewrite.status) {
		json_put_number(json, event->rewrite.status, 0);
		json_put_char(json, ' ');
	}
	json_put_escaped(json, event->rewrite.method);
	json_put_char(json, '"');
	json_put_set_member(
		json, "fields", event->rewrite.fields, rewritten_field_names, REWRITTEN_FIELDS);
}

static void put_details(struct json *json, const struct event *event)
{
	switch (event->type) {
	case EVENT_ENDPOINT_ADD:
		json_put_set_member(json, "nat", event->nat, nat_test_names, NAT_TESTS);
		if (event->class)
			json_put_member(json, "class", event->class);
		break;
	case EVENT_REASON_ADD:
	case EVENT_REASON_REFRESH:
	case EVENT_REASON_END:
		put_reason(json, event);
		break;
	case EVENT_REWRITE:
		put_rewrite(json, event);
		break;
	case EVENT_KEEPALIVE:
		json_put_member(json, "method", event->method);
		break;
	case EVENT_REPLY:
		json_put_number_member(json, "status", event->reply.status);
		json_put_key(json, "rtt");
		json_put_decimal(json, event->reply.rtt_us, 3); /* milliseconds */
		break;
	case EVENT_LOST:
		json_put_number_member(json, "missed", event->missed);
		break;
	case EVENT_FOUND:
		json_put_number_member(json, "silent", event->silent_s);
		break;
	case EVENT_ENDPOINT_REMOVE:
	case EVENT_MALFORMED:
	case EVENT_REFUSED:
		json_put_member(json, "why", event->why);
		break;
	}
}

static void start(struct json *json, int64_t time_us, const char *name)
{
	json_put_char(json, '{');
	json_put_time_member(json, time_us);
	json_put_member(json, "event", name);
}

void event_json(struct json *json, int64_t time_us, const struct event *event, uint64_t left_out)
{
	start(json, time_us, event_type_names[event->type]);
	json_put_address_member(json, "client", &event->client);
	json_put_address_member(json, "proxy", &event->proxy);
	put_details(json, event);
	if (left_out)
		json_put_number_member(json, "left_out", left_out);
	if (event->aor.at)
		json_put_text_member(json, "id", event->aor);
	if (event->restored)
		json_put_truth_member(json, "restored", true);
	json_put(json, "}\n");
}

void event_json_summary(struct json *json, int64_t time_us, const struct engine_counters *counters)
{
	start(json, time_us, "summary");
	json_put_number_member(json, "packets", counters->packets);
	json_put_number_member(json, "sip", counters->sip);
	json_put_number_member(json, "requests", counters->requests);
	json_put_number_member(json, "responses", counters->responses);
	json_put_number_member(json, "malformed", counters->malformed);
	json_put_number_member(json, "rewritten", counters->rewritten);
	json_put_number_member(json, "endpoints", counters->endpoints);
	json_put_number_member(json, "endpoints_max", counters->endpoints_max);
	json_put_number_member(json, "keepalives", counters->keepalives);
	json_put(json, "}\n");
}
