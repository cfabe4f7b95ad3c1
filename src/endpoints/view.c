#include <natbox/endpoints.h>

/* Keepalives keep their pace, so each that was missed is an interval, and the last one is not that
 * long ago. The first one that an unproven endpoint gets follows it at once. */
uint64_t endpoint_silent_us(const struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	const unsigned sent = endpoint->missed + endpoint->awaiting;
	const unsigned intervals = sent && !endpoint->proven ? sent - 1 : sent;

	return intervals * endpoint_rules(endpoints, endpoint)->interval_us +
	       report_us_since(endpoints->report, endpoint->refreshed);
}

static uint64_t next_keepalive_us(const struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	const struct schedule *schedule = &endpoints->schedule;
	uint32_t next;

	if (!schedule_sends(schedule, endpoint->class) || endpoint_is_given_up(endpoints, endpoint))
		return UINT64_MAX;
	next = schedule_next(
		schedule, index, endpoint->class, endpoint->refreshed, endpoint->heard);
	return report_us_until(endpoints->report, next);
}

void reason_view(const struct endpoints *endpoints, uint32_t index, struct reason_view *view)
{
	const struct reason *reason = reason_at(endpoints, index);

	*view = (struct reason_view){
		.kind = reason->kind,
		.early = reason->early,
		.id = label_text(&endpoints->labels, reason->label),
		.user = label_user(&endpoints->labels, reason->label),
		.left_us = report_us_until(endpoints->report, reason->expires),
	};
}

void endpoint_view(const struct endpoints *endpoints, uint32_t index, struct endpoint_view *view)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);
	const struct addressee addressee = endpoint_addressee(endpoints, index);

	*view = (struct endpoint_view){
		.client = endpoint->client,
		.proxy = endpoints->proxies->list[endpoint->proxy],
		.nat = endpoint->nat,
		.proven = endpoint->proven,
		.lost = endpoint->lost,
		.missed = endpoint->missed,
		.class = classes_name(&endpoints->classes, endpoint->class),
		.aor = addressee.aor,
		.user = addressee.user,
		.silent_us = endpoint_silent_us(endpoints, index),
		.next_us = next_keepalive_us(endpoints, index),
	};
	for (uint32_t i = endpoint->reasons; i; i = reason_at(endpoints, i)->next) {
		const uint64_t left_us =
			report_us_until(endpoints->report, reason_at(endpoints, i)->expires);

		view->reasons[reason_at(endpoints, i)->kind]++;
		if (left_us > view->left_us)
			view->left_us = left_us;
	}
}

uint32_t endpoints_walk(struct endpoints *endpoints, uint32_t from, uint32_t count,
	bool (*visit)(void *context, uint32_t endpoint), void *context)
{
	const uint32_t last = endpoints->endpoints.used;
	bool goes_on = true;

	for (; goes_on && count && from <= last; from++, count--) {
		if (endpoint_at(endpoints, from)->reasons)
			goes_on = visit(context, from);
	}
	return from <= last ? from : 0;
}
