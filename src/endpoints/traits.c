#include "parts.h"

/* Keepalives that an unproven endpoint gets where keepalive.max-lost says none is ever lost. */
enum { TRIALS_DEFAULT = 3 };

void endpoint_note_change(struct endpoints *endpoints, const struct endpoint *endpoint)
{
	for (uint32_t reason = endpoint->reasons; reason;
		reason = reason_at(endpoints, reason)->next)
		changes_add(&endpoints->changes, reason);
}

bool endpoint_join_nat(struct endpoints *endpoints, uint32_t index, unsigned nat)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	const unsigned known = endpoint->nat;

	endpoint->nat |= nat & ((1 << NAT_TESTS) - 1);
	endpoints->report->counters.natted += endpoint->nat && !known;
	return endpoint->nat != known;
}

void endpoint_add_nat(struct endpoints *endpoints, uint32_t index, unsigned nat)
{
	if (endpoint_join_nat(endpoints, index, nat))
		endpoint_note_change(endpoints, endpoint_at(endpoints, index));
}

void endpoint_count(struct endpoints *endpoints, const struct endpoint *endpoint, int by)
{
	struct engine_counters *counters = &endpoints->report->counters;
	const unsigned proxy =
		endpoint->proxy < PROXIES_COUNTED ? endpoint->proxy : PROXIES_COUNTED;

	counters->of_proxies[proxy] += (uint32_t)by;
	counters->endpoints_of_class[endpoint->class] += (uint32_t)by;
	if (endpoint->nat)
		counters->natted += (uint32_t)by;
	if (endpoint->lost)
		counters->lost_now += (uint32_t)by;
	counters->endpoints += (uint32_t)by;
	if (counters->endpoints > counters->endpoints_max)
		counters->endpoints_max = counters->endpoints;
}

static void count_lost(struct endpoints *endpoints, struct endpoint *endpoint, bool lost)
{
	uint32_t *count = &endpoints->report->counters.lost_now;

	*count -= endpoint->lost;
	endpoint->lost = lost;
	*count += endpoint->lost;
}

void endpoint_set_lost(struct endpoints *endpoints, uint32_t index, bool lost)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	count_lost(endpoints, endpoint, lost);
	endpoint_note_change(endpoints, endpoint);
}

/* As many as made it so it has missed at least. */
void endpoint_restore_lost(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	count_lost(endpoints, endpoint, true);
	endpoint->missed = endpoint_rules(endpoints, endpoint)->max_lost & MISSED_MAX;
}

unsigned endpoint_trials(const struct keepalive_rules *rules)
{
	return 1 + (rules->max_lost ? rules->max_lost : TRIALS_DEFAULT);
}

void endpoint_join_class(struct endpoints *endpoints, uint32_t index, unsigned class)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t *counts = endpoints->report->counters.endpoints_of_class;

	counts[endpoint->class]--;
	endpoint->class = class % CLASS_NUMBERS;
	counts[endpoint->class]++;
}

void endpoint_place_anew(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	endpoint->refreshed = schedule_place_anew(&endpoints->schedule, index, endpoint->class,
		report_tick(endpoints->report), endpoint->refreshed, endpoint->expires);
}

void endpoint_change_class(struct endpoints *endpoints, uint32_t index, unsigned class)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	endpoint_join_class(endpoints, index, class);
	endpoint_note_change(endpoints, endpoint);
	if (endpoint_is_given_up(endpoints, endpoint))
		return;
	if (!endpoint->proven && !endpoint->missed && !endpoint->awaiting)
		schedule_place_soon(&endpoints->schedule, index, endpoint->class,
			report_tick(endpoints->report), endpoint->expires);
	else
		endpoint_place_anew(endpoints, index);
}
