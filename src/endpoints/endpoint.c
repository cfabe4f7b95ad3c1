#include <natbox/base.h>
#include <natbox/endpoints.h>
#include <natbox/keepalive.h>

#include <errno.h>

/* A phone that learnt its address from one proxy may register with another: the first so many are
 * asked for it, a phone has two or three. */
enum { PROXIES_ASKED = 16 };

static uint32_t power_of_two_from(uint32_t least)
{
	uint32_t power = 1024;

	while (power < least && power < 1u << 31)
		power *= 2;
	return power;
}

/* Most reasons, for this many endpoints. */
static uint32_t reasons_for(uint32_t limit)
{
	return limit <= UINT32_MAX / 2 / REASONS_PER_ENDPOINT ? limit * REASONS_PER_ENDPOINT
							      : UINT32_MAX / 2;
}

int endpoints_init(struct endpoints *endpoints, const struct settings *settings,
	struct report *report, const struct proxies *proxies, const struct keepalive *keepalive,
	const struct hash_key *key)
{
	uint32_t limit = settings->limits.endpoints;
	uint32_t reasons = reasons_for(limit);
	uint32_t heads = power_of_two_from(limit);

	*endpoints = (struct endpoints){
		.settings = settings,
		.report = report,
		.proxies = proxies,
		.keepalive = keepalive,
		.key = *key,
		.endpoint_mask = heads - 1,
		.reason_mask = heads - 1,
		.endpoint_heads = table_new(heads, sizeof(uint32_t)),
		.reason_heads = table_new(heads, sizeof(uint32_t)),
		.per_address = table_new(heads, sizeof(uint32_t)),
	};
	if (endpoints->endpoint_heads && endpoints->reason_heads && endpoints->per_address &&
		pool_init(&endpoints->endpoints, sizeof(struct endpoint), limit) == 0 &&
		pool_init(&endpoints->reasons, sizeof(struct reason), reasons) == 0 &&
		labels_init(&endpoints->labels, reasons, LABEL_AVERAGE) == 0 &&
		natted_init(&endpoints->natted, key) == 0) {
		/* For the longest interval there can be, as it may become that. */
		endpoints->wheel = wheel_new(
			limit, ticks_of(INTERVAL_MAX_S * 1000000ull) + 1, report_tick(report));
		if (endpoints->wheel)
			return 0;
	}
	endpoints_free(endpoints);
	return -ENOMEM;
}

void endpoints_free(struct endpoints *endpoints)
{
	const size_t heads = (size_t)endpoints->endpoint_mask + 1;

	pool_free(&endpoints->endpoints);
	pool_free(&endpoints->reasons);
	labels_free(&endpoints->labels);
	changes_free(&endpoints->changes);
	natted_free(&endpoints->natted);
	table_free(endpoints->endpoint_heads, heads, sizeof(uint32_t));
	table_free(endpoints->reason_heads, heads, sizeof(uint32_t));
	table_free(endpoints->per_address, heads, sizeof(uint32_t));
	wheel_free(endpoints->wheel);
}

bool endpoints_set_limit(struct endpoints *endpoints, uint32_t limit)
{
	pool_set_limit(&endpoints->reasons, reasons_for(limit));
	return pool_set_limit(&endpoints->endpoints, limit);
}

static uint32_t *endpoint_head(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	struct hash hash;

	hash_start(&hash, &endpoints->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, (uint64_t)client->port << 16 | proxy);
	return &endpoints->endpoint_heads[hash_end(&hash) & endpoints->endpoint_mask];
}

static uint32_t *address_counter(const struct endpoints *endpoints, const struct address *client)
{
	struct hash hash;

	hash_start(&hash, &endpoints->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	return &endpoints->per_address[hash_end(&hash) & endpoints->endpoint_mask];
}

/* The endpoint in the list from that one on; 0 when there is none. */
static uint32_t find_from(const struct endpoints *endpoints, uint32_t index,
	const struct address *client, uint16_t proxy)
{
	while (index) {
		const struct endpoint *endpoint = endpoint_at(endpoints, index);

		if (endpoint->proxy == proxy && address_equal(&endpoint->client, client))
			break;
		index = endpoint->hash_next;
	}
	return index;
}

uint32_t endpoint_find(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	return find_from(endpoints, *endpoint_head(endpoints, client, proxy), client, proxy);
}

const uint32_t *endpoint_expect(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	const uint32_t *head = endpoint_head(endpoints, client, proxy);

	__builtin_prefetch(head);
	return head;
}

uint32_t endpoint_find_at(const struct endpoints *endpoints, const uint32_t *expected,
	const struct address *client, uint16_t proxy)
{
	return find_from(endpoints, *expected, client, proxy);
}

static void report_endpoint(
	const struct endpoints *endpoints, const struct endpoint *endpoint, struct event event)
{
	event.client = endpoint->client;
	event.proxy = endpoints->proxies->list[endpoint->proxy];
	report_event(endpoints->report, &event);
}

static uint32_t refuse(
	struct endpoints *endpoints, const struct reason_claim *claim, enum refusal refusal)
{
	report_refused(endpoints->report, &claim->client, &endpoints->proxies->list[claim->proxy],
		refusal);
	return 0;
}

/* What is known of the client from its endpoints at other proxies. */
static unsigned nat_elsewhere(const struct endpoints *endpoints, const struct address *client)
{
	const struct proxies *proxies = endpoints->proxies;

	if (!*address_counter(endpoints, client))
		return 0;
	for (uint16_t proxy = 0; proxy < proxies->count && proxy < PROXIES_ASKED; proxy++) {
		uint32_t index = endpoint_find(endpoints, client, proxy);

		if (index && endpoint_at(endpoints, index)->nat)
			return endpoint_at(endpoints, index)->nat;
	}
	return 0;
}

unsigned endpoints_learn_nat(struct endpoints *endpoints, uint32_t endpoint,
	const struct address *client, const struct sip_message *message, unsigned nat)
{
	uint32_t now = report_tick(endpoints->report);

	if (endpoint)
		return nat | endpoint_at(endpoints, endpoint)->nat;
	if (nat) {
		natted_note(&endpoints->natted, now, client, message->call_id, nat);
		return nat;
	}
	nat = nat_elsewhere(endpoints, client);
	return nat ? nat : natted_recall(&endpoints->natted, now, client, message->call_id);
}

bool endpoint_is_wanted(const struct settings *settings, const struct address *client, unsigned nat)
{
	return (nat || settings->keepalive.scope == KEEPALIVE_ALL) &&
	       !networks_contain(&settings->nat.exempt, client);
}

/* Puts it into the tables. Its index, or 0 when a limit is reached, which *refusal names. */
static uint32_t endpoint_enter(struct endpoints *endpoints, const struct reason_claim *claim,
	const struct reason_place *place, enum refusal *refusal)
{
	struct engine_counters *counters = &endpoints->report->counters;
	struct endpoint *endpoint;
	uint32_t index;

	*refusal = REFUSED_ENDPOINTS_PER_ADDRESS;
	if (*place->address_counter >= endpoints->settings->limits.endpoints_per_address)
		return 0;
	*refusal = REFUSED_ENDPOINTS;
	index = pool_take(&endpoints->endpoints);
	if (!index)
		return 0;

	endpoint = endpoint_at(endpoints, index);
	*endpoint = (struct endpoint){.client = claim->client,
		.proxy = claim->proxy,
		.hash_next = *place->endpoint_head,
		.expires =
			report_tick(endpoints->report) + ticks_of(REASON_SECONDS_MAX * 1000000ull),
		.nat = (uint16_t)(claim->nat & ((1 << NAT_TESTS) - 1))};
	*place->endpoint_head = index;
	++*place->address_counter;
	counters->endpoints = endpoints->endpoints.count;
	if (counters->endpoints > counters->endpoints_max)
		counters->endpoints_max = counters->endpoints;
	return index;
}

static uint32_t endpoint_add(struct endpoints *endpoints, const struct reason_claim *claim)
{
	enum refusal refusal;
	const struct reason_place place = {
		.endpoint_head = endpoint_head(endpoints, &claim->client, claim->proxy),
		.address_counter = address_counter(endpoints, &claim->client),
	};
	uint32_t index = endpoint_enter(endpoints, claim, &place, &refusal);
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (!index)
		return refuse(endpoints, claim, refusal);
	report_endpoint(endpoints, endpoint,
		(struct event){.type = EVENT_ENDPOINT_ADD, .nat = endpoint->nat});
	liveness_start(endpoints, index);
	return index;
}

/* Takes an endpoint without a reason left out of the tables. */
static void endpoint_leave(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t *link = endpoint_head(endpoints, &endpoint->client, endpoint->proxy);

	while (*link != index)
		link = &endpoint_at(endpoints, *link)->hash_next;
	*link = endpoint->hash_next;
	--*address_counter(endpoints, &endpoint->client);
	wheel_remove(endpoints->wheel, index);
	if (endpoint->nat)
		natted_note(&endpoints->natted, report_tick(endpoints->report), &endpoint->client,
			(struct text){0}, endpoint->nat);
	pool_give(&endpoints->endpoints, index);
	endpoints->report->counters.endpoints = endpoints->endpoints.count;
}

static void endpoint_drop(struct endpoints *endpoints, uint32_t index, const char *why)
{
	report_endpoint(endpoints, endpoint_at(endpoints, index),
		(struct event){.type = EVENT_ENDPOINT_REMOVE, .why = why});
	endpoint_leave(endpoints, index);
}

bool reason_is_wanted(const struct settings *settings, enum reason_kind kind)
{
	switch (kind) {
	case REASON_REGISTRATION:
		return settings->keepalive.registrations;
	case REASON_SUBSCRIPTION:
		return settings->keepalive.subscriptions;
	case REASON_DIALOG:
		break;
	}
	return settings->keepalive.dialogs;
}

static uint64_t key_of(const struct reason *reason)
{
	return (uint64_t)reason->key[1] << 32 | reason->key[0];
}

static uint32_t *reason_head(const struct endpoints *endpoints, uint64_t key)
{
	return &endpoints->reason_heads[key & endpoints->reason_mask];
}

uint32_t reason_find(const struct endpoints *endpoints, uint64_t key)
{
	uint32_t index = *reason_head(endpoints, key);

	while (index && key_of(reason_at(endpoints, index)) != key)
		index = reason_at(endpoints, index)->hash_next;
	return index;
}

uint64_t reason_orphan_key(const struct endpoints *endpoints, const struct address *client,
	uint16_t proxy, struct text call_id)
{
	struct hash hash;

	if (call_id.length > LABEL_MAX)
		call_id.length = LABEL_MAX; /* as it was kept */
	hash_start(&hash, &endpoints->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, (uint64_t)client->port << 16 | proxy);
	hash_add_text(&hash, call_id);
	return hash_end(&hash);
}

/* A slot that is free, or another's by now, does no harm: a key is that of one reason. */
uint32_t reason_find_near(const struct endpoints *endpoints, uint64_t key, uint32_t endpoint)
{
	uint32_t latest = endpoint ? endpoint_at(endpoints, endpoint)->reasons : 0;

	if (latest && key_of(reason_at(endpoints, latest)) == key)
		return latest;
	return reason_find(endpoints, key);
}

void reason_expect(const struct endpoints *endpoints, uint64_t key, uint32_t endpoint)
{
	if (endpoint)
		__builtin_prefetch(endpoint_at(endpoints, endpoint));
	else
		__builtin_prefetch(reason_head(endpoints, key));
}

uint32_t reason_seconds_left(const struct endpoints *endpoints, uint32_t index)
{
	uint32_t now = report_tick(endpoints->report);
	uint32_t expires = reason_at(endpoints, index)->expires;
	uint32_t second = 1000000 / TICK_US;

	return tick_before(now, expires) ? (expires - now) / second : 0;
}

static void report_reason(
	const struct endpoints *endpoints, uint32_t index, enum event_type type, const char *why)
{
	const struct reason *reason = reason_at(endpoints, index);

	report_endpoint(endpoints, endpoint_at(endpoints, reason->endpoint),
		(struct event){.type = type,
			.reason = {.kind = reason->kind,
				.id = label_text(&endpoints->labels, reason->label),
				.expires = reason_seconds_left(endpoints, index),
				.why = why}});
}

/* Makes a reason of the item taken for it. False when there is no room for its label. */
static bool reason_enter(struct endpoints *endpoints, const struct reason_claim *claim,
	uint32_t index, uint32_t endpoint)
{
	uint32_t label = label_take(&endpoints->labels, claim->id);
	uint32_t *head = reason_head(endpoints, claim->key);

	if (!label)
		return false;
	*reason_at(endpoints, index) = (struct reason){
		.key = {(uint32_t)claim->key, (uint32_t)(claim->key >> 32)},
		.hash_next = *head,
		.endpoint = endpoint,
		.next = endpoint_at(endpoints, endpoint)->reasons,
		.label = label,
		.kind = claim->kind,
		.early = claim->early,
	};
	*head = index;
	endpoint_at(endpoints, endpoint)->reasons = index;
	endpoints->report->counters.reasons = endpoints->reasons.count;
	endpoints->report->counters.reasons_of[claim->kind]++;
	return true;
}

static bool has_reasons_enough(const struct endpoints *endpoints, uint32_t endpoint)
{
	unsigned count = 0;

	for (uint32_t reason = endpoint_at(endpoints, endpoint)->reasons; reason;
		reason = reason_at(endpoints, reason)->next)
		count++;
	return count >= REASONS_OF_ONE_MAX;
}

static uint32_t reason_add(
	struct endpoints *endpoints, const struct reason_claim *claim, uint32_t endpoint)
{
	uint32_t index;

	if (has_reasons_enough(endpoints, endpoint))
		return refuse(endpoints, claim, REFUSED_REASONS_PER_ENDPOINT);
	index = pool_take(&endpoints->reasons);
	if (!index)
		return refuse(endpoints, claim, REFUSED_REASONS);
	if (!reason_enter(endpoints, claim, index, endpoint)) {
		pool_give(&endpoints->reasons, index);
		return refuse(endpoints, claim, REFUSED_REASONS);
	}
	return index;
}

/* Takes the item of a reason, and finds or makes its endpoint. */
static bool restore_into(struct endpoints *endpoints, const struct reason_claim *claim,
	uint32_t slot, uint32_t endpoint)
{
	if (!pool_take_at(&endpoints->reasons, slot))
		return false;
	if (reason_enter(endpoints, claim, slot, endpoint))
		return true;
	pool_give(&endpoints->reasons, slot);
	return false;
}

struct reason_place reason_place(
	const struct endpoints *endpoints, const struct reason_claim *claim)
{
	struct reason_place place = {
		.endpoint_head = endpoint_head(endpoints, &claim->client, claim->proxy),
		.address_counter = address_counter(endpoints, &claim->client),
	};

	__builtin_prefetch(place.endpoint_head, 1);
	__builtin_prefetch(place.address_counter, 1);
	__builtin_prefetch(reason_head(endpoints, claim->key), 1);
	return place;
}

int reason_restore(struct endpoints *endpoints, uint32_t slot, const struct reason_claim *claim,
	const struct reason_place *place, uint64_t left_us, uint32_t refreshed)
{
	uint32_t index = find_from(endpoints, *place->endpoint_head, &claim->client, claim->proxy);
	struct endpoint *endpoint;
	struct reason *reason;
	enum refusal refusal;

	if (reason_find(endpoints, claim->key))
		return -EEXIST;
	if (!index)
		index = endpoint_enter(endpoints, claim, place, &refusal);
	if (!index)
		return -ENOSPC;
	endpoint = endpoint_at(endpoints, index);
	if (!restore_into(endpoints, claim, slot, index)) {
		if (!endpoint->reasons)
			endpoint_leave(endpoints, index);
		return -ENOSPC;
	}
	if (!reason_at(endpoints, slot)->next || tick_before(endpoint->refreshed, refreshed))
		endpoint->refreshed = refreshed;
	reason = reason_at(endpoints, slot);
	reason->expires = ticks_of(endpoints->report->now_us + left_us);
	if (tick_before(reason->expires, endpoint->expires))
		endpoint->expires = reason->expires;
	return 0;
}

void reason_prolong(struct endpoints *endpoints, uint32_t index, uint32_t seconds)
{
	struct reason *reason = reason_at(endpoints, index);

	if (seconds > REASON_SECONDS_MAX)
		seconds = REASON_SECONDS_MAX;
	reason->expires = ticks_of(endpoints->report->now_us + seconds * 1000000ull);
	liveness_expires(endpoints, reason->endpoint, reason->expires);
	changes_add(&endpoints->changes, index);
}

void reason_refresh(struct endpoints *endpoints, uint32_t index, uint32_t seconds)
{
	reason_prolong(endpoints, index, seconds);
	report_reason(endpoints, index, EVENT_REASON_REFRESH, NULL);
}

static bool stands_where_claimed(
	const struct endpoints *endpoints, uint32_t reason, const struct reason_claim *claim)
{
	const struct endpoint *endpoint = reason_endpoint(endpoints, reason);

	return endpoint->proxy == claim->proxy && address_equal(&endpoint->client, &claim->client);
}

uint32_t reason_hold(struct endpoints *endpoints, const struct reason_claim *claim)
{
	uint32_t reason = reason_find(endpoints, claim->key), endpoint;

	if (reason && stands_where_claimed(endpoints, reason, claim)) {
		endpoint_add_nat(endpoints, reason_at(endpoints, reason)->endpoint, claim->nat);
		reason_at(endpoints, reason)->early = claim->early;
		reason_refresh(endpoints, reason, claim->seconds);
		return reason;
	}
	if (reason)
		reason_end(endpoints, reason, "moved");
	endpoint = endpoint_find(endpoints, &claim->client, claim->proxy);
	if (endpoint)
		endpoint_add_nat(endpoints, endpoint, claim->nat);
	else
		endpoint = endpoint_add(endpoints, claim);
	if (!endpoint)
		return 0;
	reason = reason_add(endpoints, claim, endpoint);
	if (!reason) {
		if (!endpoint_at(endpoints, endpoint)->reasons)
			endpoint_drop(endpoints, endpoint, "limit");
		return 0;
	}
	reason_prolong(endpoints, reason, claim->seconds);
	report_reason(endpoints, reason, EVENT_REASON_ADD, NULL);
	return reason;
}

static void unlink_key(struct endpoints *endpoints, uint32_t index)
{
	struct reason *reason = reason_at(endpoints, index);
	uint32_t *link = reason_head(endpoints, key_of(reason));

	while (*link != index)
		link = &reason_at(endpoints, *link)->hash_next;
	*link = reason->hash_next;
}

void reason_rekey(struct endpoints *endpoints, uint32_t index, uint64_t key)
{
	struct reason *reason = reason_at(endpoints, index);
	uint32_t *head = reason_head(endpoints, key);

	unlink_key(endpoints, index);
	reason->key[0] = (uint32_t)key;
	reason->key[1] = (uint32_t)(key >> 32);
	reason->hash_next = *head;
	*head = index;
	changes_add(&endpoints->changes, index);
}

/* Takes the reason out of the tables; its endpoint stays, whatever is left of it. */
static void reason_drop(struct endpoints *endpoints, uint32_t index, const char *why)
{
	struct reason *reason = reason_at(endpoints, index);
	uint32_t *link = &endpoint_at(endpoints, reason->endpoint)->reasons;

	unlink_key(endpoints, index);
	while (*link != index)
		link = &reason_at(endpoints, *link)->next;
	*link = reason->next;

	report_reason(endpoints, index, EVENT_REASON_END, why);
	label_give(&endpoints->labels, reason->label);
	reason->label = 0;
	changes_add(&endpoints->changes, index);
	endpoints->report->counters.reasons_of[reason->kind]--;
	pool_give(&endpoints->reasons, index);
	endpoints->report->counters.reasons = endpoints->reasons.count;
}

void reason_end(struct endpoints *endpoints, uint32_t index, const char *why)
{
	uint32_t endpoint = reason_at(endpoints, index)->endpoint;

	reason_drop(endpoints, index, why);
	if (!endpoint_at(endpoints, endpoint)->reasons)
		endpoint_drop(endpoints, endpoint, "ended");
}

void endpoint_remove(struct endpoints *endpoints, uint32_t endpoint, const char *why_reason,
	const char *why_endpoint)
{
	while (endpoint_at(endpoints, endpoint)->reasons)
		reason_drop(endpoints, endpoint_at(endpoints, endpoint)->reasons, why_reason);
	endpoint_drop(endpoints, endpoint, why_endpoint);
}

bool endpoint_expire(struct endpoints *endpoints, uint32_t index, uint32_t tick)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t next;

	if (tick_before(tick, endpoint->expires))
		return true;
	endpoint->expires = tick + ticks_of(REASON_SECONDS_MAX * 1000000ull);
	for (uint32_t reason = endpoint->reasons; reason; reason = next) {
		uint32_t expires = reason_at(endpoints, reason)->expires;

		next = reason_at(endpoints, reason)->next;
		if (!tick_before(tick, expires))
			reason_drop(endpoints, reason, "expired");
		else if (tick_before(expires, endpoint->expires))
			endpoint->expires = expires;
	}
	if (endpoint->reasons)
		return true;
	endpoint_drop(endpoints, index, "expired");
	return false;
}

/* Ends the reasons of an endpoint whose kind does not count any more. */
static void review_reasons(struct endpoints *endpoints, uint32_t index)
{
	uint32_t reason = endpoint_at(endpoints, index)->reasons;

	while (reason) {
		uint32_t next = reason_at(endpoints, reason)->next;

		if (!reason_is_wanted(endpoints->settings, reason_at(endpoints, reason)->kind))
			reason_end(endpoints, reason, "ended");
		reason = next;
	}
}

bool endpoint_review(struct endpoints *endpoints, uint32_t index)
{
	const struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (!endpoint_is_wanted(endpoints->settings, &endpoint->client, endpoint->nat)) {
		endpoint_remove(endpoints, index, "ended", "flushed");
		return false;
	}
	review_reasons(endpoints, index);
	return endpoint->reasons != 0;
}
