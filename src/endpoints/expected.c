/* Whose messages come next. What is known of a client stands in several places, each of which is
 * known from the one before, and with many clients none of them is in the cache. Of one client
 * after the other each would be waited for; of all at once, a part of each at a time, hardly any
 * is. */
#include "parts.h"

static void prefetch_heads(struct endpoints *endpoints)
{
	struct expected *expected = &endpoints->expected;

	for (unsigned i = 0; i < expected->count; i++) {
		struct lookup *lookup = &expected->list[i];

		lookup->head = endpoint_head(endpoints, &lookup->client, lookup->proxy);
		prefetch(lookup->head);
	}
}

/* The first of a list is asked for, the one that is looked for found. */
static void find_endpoints(const struct endpoints *endpoints, uint32_t found[static EXPECTED_MAX])
{
	const struct expected *expected = &endpoints->expected;

	for (unsigned i = 0; i < expected->count; i++)
		endpoint_prefetch_part(endpoints, *expected->list[i].head, ENDPOINT_ITSELF);
	for (unsigned i = 0; i < expected->count; i++) {
		const struct lookup *lookup = &expected->list[i];

		found[i] =
			endpoint_find_in(endpoints, lookup->head, &lookup->client, lookup->proxy);
		endpoint_prefetch_part(endpoints, found[i], ENDPOINT_REASON);
		wheel_prefetch(endpoints->schedule.wheel, found[i]);
	}
}

static const struct reason *latest_of(const struct endpoints *endpoints, uint32_t endpoint)
{
	return reason_at(endpoints, endpoint_at(endpoints, endpoint)->reasons);
}

/* And those that share a list with it, of which it is to be told apart. */
static void prefetch_reasons(const struct endpoints *endpoints, const uint32_t *found)
{
	const unsigned count = endpoints->expected.count;

	for (unsigned i = 0; i < count; i++) {
		const struct reason *latest = latest_of(endpoints, found[i]);

		endpoint_prefetch_part(endpoints, found[i], ENDPOINT_LABEL);
		prefetch(reason_head(endpoints, reason_key(latest)));
		prefetch(reason_at(endpoints, latest->hash_next));
	}
	for (unsigned i = 0; i < count; i++) {
		const struct reason *latest = latest_of(endpoints, found[i]);

		prefetch(reason_at(endpoints, *reason_head(endpoints, reason_key(latest))));
	}
}

void endpoints_prefetch_expected(struct endpoints *endpoints)
{
	uint32_t found[EXPECTED_MAX];

	prefetch_heads(endpoints);
	find_endpoints(endpoints, found);
	prefetch_reasons(endpoints, found);
}
