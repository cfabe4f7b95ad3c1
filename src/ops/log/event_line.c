#include "log.h"

#include <natbox/settings.h>

#include <stdio.h>

enum { ID_SHOWN_MAX = 512, NAMES_MAX = 128 };

/* The names whose bit is set, separated by commas. */
static const char *list_set(
	unsigned set, const char *const *names, unsigned count, char out[static NAMES_MAX])
{
	size_t used = 0;

	out[0] = 0;
	for (unsigned bit = 0; bit < count && used < NAMES_MAX; bit++) {
		if (set & 1U << bit)
			used += (size_t)snprintf(
				out + used, NAMES_MAX - used, "%s%s", used ? ", " : "", names[bit]);
	}
	return out;
}

static void write_reason(const struct event *event, char *out, size_t size)
{
	const struct text id = event->reason.id;
	int length = snprintf(out, size, "%s %.*s, ", reason_kind_names[event->reason.kind],
		text_shown(id, ID_SHOWN_MAX), id.at);

	if (event->type == EVENT_REASON_END)
		snprintf(out + length, size - (size_t)length, "%s", event->reason.why);
	else
		snprintf(out + length, size - (size_t)length, "%u s", event->reason.expires);
}

static void write_rewrite(const struct event *event, char *out, size_t size)
{
	const struct text method = event->rewrite.method;
	char names[NAMES_MAX], status[16] = "";

	if (event->rewrite.status)
		snprintf(status, sizeof(status), "%u ", event->rewrite.status);
	snprintf(out, size, "%s, %s%.*s: %s", event->rewrite.in ? "in" : "out", status,
		text_shown(method, ID_SHOWN_MAX), method.at,
		list_set(event->rewrite.fields, rewritten_field_names, REWRITTEN_FIELDS, names));
}

/* What any event may have, at its end. */
static void write_rest(const struct event *event, char *out, size_t size)
{
	const struct text aor = event->aor;

	if (aor.at)
		snprintf(out, size, ", %.*s", text_shown(aor, ID_SHOWN_MAX), aor.at);
	else if (event->restored)
		snprintf(out, size, ", restored");
}

const char *event_refusal(const struct event *event)
{
	static const char *const texts[REFUSALS] = {
		[REFUSED_ENDPOINTS] = "limits.endpoints is reached",
		[REFUSED_ENDPOINTS_PER_ADDRESS] =
			"limits.endpoints-per-address is reached for this address",
		[REFUSED_UNPROVEN] = "limits.unproven is reached: this endpoint, which has waited "
				     "longest for proof, makes room",
		[REFUSED_UNPROVEN_PER_ADDRESS] =
			"limits.unproven-per-address is reached for this address: this endpoint, "
			"the one that has waited longest for proof, makes room",
		[REFUSED_REASONS] = "there is room for four reasons to each of limits.endpoints, "
				    "and it is full",
		[REFUSED_REASONS_PER_ENDPOINT] =
			"this endpoint has as many reasons as one can have, which no key changes",
		[REFUSED_TRANSACTIONS] = "limits.transactions is reached, the request that has "
					 "waited longest is given up",
		[REFUSED_DATAGRAM] = "a repaired message would be too long for UDP, it goes on as "
				     "it came",
	};
	const unsigned refusal = text_find(text_from(event->why), refusal_names, REFUSALS);

	return refusal < REFUSALS ? texts[refusal] : event->why;
}

static void write_details(const struct event *event, char *out, size_t size)
{
	char names[NAMES_MAX];

	switch (event->type) {
	case EVENT_ENDPOINT_ADD:
		list_set(event->nat, nat_test_names, NAT_TESTS, names);
		snprintf(out, size, "%s%s%s", *names ? names : "no test hits",
			event->class ? ", class " : "", event->class ? event->class : "");
		break;
	case EVENT_REASON_ADD:
	case EVENT_REASON_REFRESH:
	case EVENT_REASON_END:
		write_reason(event, out, size);
		break;
	case EVENT_REWRITE:
		write_rewrite(event, out, size);
		break;
	case EVENT_KEEPALIVE:
		snprintf(out, size, "%s", event->method);
		break;
	case EVENT_REPLY:
		snprintf(out, size, "%u after %.3f ms", event->reply.status,
			(double)event->reply.rtt_us / 1e3);
		break;
	case EVENT_LOST:
		snprintf(out, size, "%u keepalives in a row without an answer", event->missed);
		break;
	case EVENT_FOUND:
		snprintf(out, size, "after %llu s without a sign of life",
			(unsigned long long)event->silent_s);
		break;
	case EVENT_REFUSED:
		snprintf(out, size, "%s", event_refusal(event));
		break;
	case EVENT_ENDPOINT_REMOVE:
	case EVENT_MALFORMED:
		snprintf(out, size, "%s", event->why);
		break;
	}
}

const char *event_line(const struct event *event, char line[static EVENT_LINE_MAX])
{
	char client[ADDRESS_TEXT_MAX], proxy[ADDRESS_TEXT_MAX];
	int length;

	address_format(&event->client, client);
	address_format(&event->proxy, proxy);
	length = snprintf(line, EVENT_LINE_MAX, "%s %s at %s: ", event_type_names[event->type],
		client, proxy);
	write_details(event, line + length, EVENT_LINE_MAX - (size_t)length);
	length = (int)strlen(line);
	write_rest(event, line + length, EVENT_LINE_MAX - (size_t)length);
	return line;
}

void event_log(const struct event *event)
{
	char line[EVENT_LINE_MAX];

	if (event->type == EVENT_REFUSED)
		log_warning("%s", event_line(event, line));
	else
		log_debug("%s", event_line(event, line));
}
