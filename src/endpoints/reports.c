#include "parts.h"

uint32_t reason_seconds_left(const struct endpoints *endpoints, uint32_t index)
{
	const uint32_t expires = reason_at(endpoints, index)->expires;

	return (uint32_t)(report_us_until(endpoints->report, expires) / 1000000);
}

static void hand_over(struct endpoints *endpoints, uint32_t index, struct event *event)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	event->client = endpoint->client;
	event->proxy = endpoints->proxies->list[endpoint->proxy];
	report_event(endpoints->report, event);
}

void endpoint_report_added(struct endpoints *endpoints, uint32_t index, bool restored)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (report_happened(endpoints->report, EVENT_ENDPOINT_ADD))
		hand_over(endpoints, index,
			&(struct event){.type = EVENT_ENDPOINT_ADD,
				.restored = restored,
				.nat = endpoint->nat,
				.class = classes_name(&endpoints->classes, endpoint->class).at});
}

void endpoint_report(struct endpoints *endpoints, uint32_t index, struct event *event)
{
	restored_tell_first(endpoints, index);
	hand_over(endpoints, index, event);
}

/* Of a reason what its event has of its own. */
static void describe(const struct endpoints *endpoints, uint32_t index, struct event *event)
{
	const struct reason *reason = reason_at(endpoints, index);

	event->reason.kind = reason->kind;
	event->reason.id = label_text(&endpoints->labels, reason->label);
	event->reason.expires = reason_seconds_left(endpoints, index);
}

void reason_report(
	struct endpoints *endpoints, uint32_t index, enum event_type type, const char *why)
{
	struct event event = {.type = type, .reason = {.why = why}};

	if (!report_happened(endpoints->report, type))
		return;
	describe(endpoints, index, &event);
	endpoint_report(endpoints, reason_at(endpoints, index)->endpoint, &event);
}

/* What a restart has put back is told of like what is new, but marked: a little at a time, as there
 * may be a million, and each endpoint before anything else is told of it. */

enum { NEW = 1 << EVENT_ENDPOINT_ADD | 1 << EVENT_REASON_ADD };

/* Where there is no memory for so small a set, nothing is told. */
void restored_note(struct endpoints *endpoints)
{
	struct untold *untold = &endpoints->untold;
	const uint32_t used = endpoints->endpoints.used;

	if (!(endpoints->report->events & NEW) || !endpoints->endpoints.count ||
		changes_init(&untold->endpoints, used) != 0)
		return;
	for (uint32_t index = 1; index <= used; index++) {
		if (endpoint_at(endpoints, index)->reasons)
			changes_add(&untold->endpoints, index);
	}
}

static void tell_reason(struct endpoints *endpoints, uint32_t index)
{
	struct event event = {.type = EVENT_REASON_ADD, .restored = true};

	if (!report_happened(endpoints->report, EVENT_REASON_ADD))
		return;
	describe(endpoints, index, &event);
	hand_over(endpoints, reason_at(endpoints, index)->endpoint, &event);
}

static void tell(struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	endpoint_report_added(endpoints, index, true);
	for (uint32_t reason = endpoint->reasons; reason;
		reason = reason_at(endpoints, reason)->next)
		tell_reason(endpoints, reason);
}

void restored_tell_now(struct endpoints *endpoints, uint32_t index)
{
	if (!changes_have(&endpoints->untold.endpoints, index))
		return;
	changes_remove(&endpoints->untold.endpoints, index);
	tell(endpoints, index);
}

void restored_tell(struct endpoints *endpoints, unsigned most)
{
	struct untold *untold = &endpoints->untold;

	while (restored_are_untold(endpoints) && most--) {
		const uint32_t index = changes_take(&untold->endpoints, untold->next);

		if (!index)
			changes_free(&untold->endpoints);
		else
			tell(endpoints, index);
		untold->next = index;
	}
}
