#include "parts.h"

#include <errno.h>

/* A phone that learnt its address from one proxy may register with another: the first so many are
 * asked for it, a phone has two or three. */
enum { PROXIES_ASKED = 16 };

/* Most reasons, for this many endpoints. */
static uint32_t reasons_for(uint32_t limit)
{
	return limit <= UINT32_MAX / 2 / REASONS_PER_ENDPOINT ? limit * REASONS_PER_ENDPOINT
							      : UINT32_MAX / 2;
}

int endpoints_init(struct endpoints *endpoints, const struct settings *settings,
	struct report *report, const struct proxies *proxies, const struct hash_key *key)
{
	uint32_t limit = settings->limits.endpoints;
	uint32_t reasons = reasons_for(limit);
	uint32_t heads = table_size(1024, limit);

	*endpoints = (struct endpoints){
		.settings = settings,
		.report = report,
		.proxies = proxies,
		.key = *key,
		.endpoint_mask = heads - 1,
		.reason_mask = heads - 1,
		.endpoint_heads = table_new_backed(heads, sizeof(uint32_t)),
		.reason_heads = table_new_backed(heads, sizeof(uint32_t)),
		.per_address = table_new_backed(heads, sizeof(uint32_t)),
	};
	if (endpoints->endpoint_heads && endpoints->reason_heads && endpoints->per_address &&
		pool_init(&endpoints->endpoints, sizeof(struct endpoint), limit) == 0 &&
		pool_init(&endpoints->reasons, sizeof(struct reason), reasons) == 0 &&
		unproven_init(&endpoints->unproven, limit) == 0 &&
		labels_init(&endpoints->labels, reasons, LABEL_AVERAGE) == 0 &&
		natted_init(&endpoints->natted, key) == 0 &&
		schedule_init(&endpoints->schedule, settings, endpoints->classes.rules, limit,
			report_tick(report)) == 0) {
		classes_set(&endpoints->classes, settings);
		return 0;
	}
	return -ENOMEM;
}

void endpoints_free(struct endpoints *endpoints)
{
	const size_t heads = (size_t)endpoints->endpoint_mask + 1;

	pool_free(&endpoints->endpoints);
	pool_free(&endpoints->reasons);
	unproven_free(&endpoints->unproven);
	labels_free(&endpoints->labels);
	changes_free(&endpoints->changes);
	changes_free(&endpoints->untold.endpoints);
	natted_free(&endpoints->natted);
	table_free(endpoints->endpoint_heads, heads, sizeof(uint32_t));
	table_free(endpoints->reason_heads, heads, sizeof(uint32_t));
	table_free(endpoints->per_address, heads, sizeof(uint32_t));
	schedule_free(&endpoints->schedule);
}

void endpoints_list_fillings(const struct endpoints *endpoints, struct fillings *fillings)
{
	const struct labels *labels = &endpoints->labels;

	fillings_add_pool(fillings, &endpoints->endpoints);
	fillings_add_pool(fillings, &endpoints->reasons);
	fillings_add_pool(fillings, &endpoints->unproven.places.pool);
	fillings_add_pool(fillings, &endpoints->unproven.addresses.pool);
	fillings_add(fillings, labels->units, labels->limit, LABEL_UNIT, &labels->used);
	wheel_list_fillings(endpoints->schedule.wheel, &endpoints->endpoints.used, fillings);
}

bool endpoints_set_limit(struct endpoints *endpoints, uint32_t limit)
{
	pool_set_limit(&endpoints->reasons, reasons_for(limit));
	return pool_set_limit(&endpoints->endpoints, limit);
}

static bool is_for(const struct lookup *lookup, const struct address *client, uint16_t proxy)
{
	return lookup->proxy == proxy && address_equal(&lookup->client, client);
}

uint32_t *endpoint_head(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	const struct lookup *likely = &endpoints->likely;
	struct hash hash;

	if (likely->head && is_for(likely, client, proxy))
		return likely->head;
	hash_start(&hash, &endpoints->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, (uint64_t)client->port << 16 | proxy);
	return &endpoints->endpoint_heads[hash_end(&hash) & endpoints->endpoint_mask];
}

/* Of IPv6 an address is whoever has its /64: nobody gets less, and has 2^64 addresses in it. */
static uint32_t *address_counter(const struct endpoints *endpoints, const struct address *client)
{
	struct hash hash;

	hash_start(&hash, &endpoints->key);
	hash_add(&hash, client->ip, sizeof(client->ip) / (address_is_ipv4(client) ? 1 : 2));
	return &endpoints->per_address[hash_end(&hash) & endpoints->endpoint_mask];
}

struct endpoint_bucket endpoint_bucket(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	return (struct endpoint_bucket){
		.head = endpoint_head(endpoints, client, proxy),
		.address_counter = address_counter(endpoints, client),
	};
}

uint32_t endpoint_find_in(const struct endpoints *endpoints, const uint32_t *head,
	const struct address *client, uint16_t proxy)
{
	uint32_t index = *head;

	while (index) {
		const struct endpoint *endpoint = endpoint_at(endpoints, index);

		if (endpoint_is_at(endpoint, client, proxy))
			break;
		index = endpoint->hash_next;
	}
	return index;
}

uint32_t endpoint_find(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	return endpoint_find_in(endpoints, endpoint_head(endpoints, client, proxy), client, proxy);
}

void endpoint_prefetch(struct endpoints *endpoints, const struct address *client, uint16_t proxy)
{
	struct expected *expected = &endpoints->expected;

	while (expected->next < expected->count) {
		endpoints->likely = expected->list[expected->next++];
		if (is_for(&endpoints->likely, client, proxy))
			return;
	}
	endpoints->likely = (struct lookup){
		.client = *client,
		.proxy = proxy,
		.head = endpoint_head(endpoints, client, proxy),
	};
	prefetch(endpoints->likely.head);
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

/* What is known of whoever stands at an address, or stood there a short while ago. */
static unsigned nat_at(
	const struct endpoints *endpoints, const struct address *address, struct text call_id)
{
	const unsigned nat = nat_elsewhere(endpoints, address);

	return nat ? nat
		   : natted_recall(
			     &endpoints->natted, report_tick(endpoints->report), address, call_id);
}

/* The same of where its first Contact says that a user agent is, with its own address and another
 * port: its NAT has given it this one since. */
static unsigned nat_where_named(const struct endpoints *endpoints, const struct address *client,
	const struct sip_message *message)
{
	const struct sip_uri *uri = &message->contacts[0].uri;
	struct address named = *client;

	if (!message->contact_count || !uri->is_address || uri_port(uri) == client->port ||
		!address_same_host(&uri->address, client))
		return 0;
	named.port = uri_port(uri);
	return nat_at(endpoints, &named, message->call_id);
}

unsigned endpoints_learn_nat(struct endpoints *endpoints, uint32_t endpoint,
	const struct address *client, const struct sip_message *message, unsigned nat)
{
	if (endpoint)
		return nat | endpoint_at(endpoints, endpoint)->nat;
	if (nat) {
		natted_note(&endpoints->natted, report_tick(endpoints->report), client,
			message->call_id, nat);
		return nat;
	}
	nat = nat_at(endpoints, client, message->call_id);
	return nat ? nat : nat_where_named(endpoints, client, message);
}

/* The number that unproven endpoints of an address go by: where its counter is. */
static uint32_t number_of(const struct endpoints *endpoints, const uint32_t *address_counter)
{
	return (uint32_t)(address_counter - endpoints->per_address);
}

/* It is among the unproven no more. */
static void leave_unproven(struct endpoints *endpoints, uint32_t index)
{
	unproven_remove(&endpoints->unproven, index);
	endpoints->report->counters.unproven = endpoints->unproven.all.count;
}

bool endpoint_set_proven(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (endpoint->proven)
		return false;
	leave_unproven(endpoints, index);
	endpoint->proven = true;
	return true;
}

void endpoint_prove(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	const uint32_t now = report_tick(endpoints->report);

	if (!endpoint_set_proven(endpoints, index))
		return;
	/* Who is lost is found by a sign of life, for which this need not be one. */
	if (!endpoint->lost)
		endpoint->missed = 0;
	endpoint->awaiting = false;
	endpoint->refreshed = now;
	endpoint_note_change(endpoints, endpoint);
	schedule_place(&endpoints->schedule, index, endpoint->class, now, endpoint->refreshed,
		endpoint->expires);
}

bool endpoint_is_wanted(const struct endpoints *endpoints, const struct address *client,
	unsigned nat, unsigned class)
{
	return (nat || endpoints->classes.rules[class].scope == KEEPALIVE_ALL) &&
	       !networks_contain(&endpoints->settings->nat.exempt, client);
}

uint32_t endpoint_enter(struct endpoints *endpoints, const struct reason_claim *claim,
	const struct endpoint_bucket *bucket, enum refusal *refusal)
{
	/* Where nothing is sent, nobody can prove that he is there, and none is harmed. */
	const bool is_proven = claim->proven || !endpoints->report->sink.send;
	struct endpoint *endpoint;
	uint32_t index;

	*refusal = REFUSED_ENDPOINTS_PER_ADDRESS;
	if (*bucket->address_counter >= endpoints->settings->limits.endpoints_per_address)
		return 0;
	*refusal = REFUSED_ENDPOINTS;
	if (endpoints->endpoints.count >= endpoints->endpoints.limit)
		return 0;
	*refusal = REFUSED_UNPROVEN;
	if (!is_proven && endpoints->unproven.all.count >= endpoints->settings->limits.unproven)
		return 0;
	index = pool_take(&endpoints->endpoints);

	endpoint = endpoint_at(endpoints, index);
	*endpoint = (struct endpoint){.client = claim->client,
		.proxy = claim->proxy,
		.hash_next = *bucket->head,
		.expires =
			report_tick(endpoints->report) + ticks_of(REASON_SECONDS_MAX * 1000000ull),
		.nat = (uint16_t)(claim->nat & ((1 << NAT_TESTS) - 1)),
		.proven = is_proven,
		.class = claim->class % CLASS_NUMBERS};
	*bucket->head = index;
	++*bucket->address_counter;
	if (!is_proven) {
		unproven_add(
			&endpoints->unproven, index, number_of(endpoints, bucket->address_counter));
		endpoints->report->counters.unproven = endpoints->unproven.all.count;
	}
	endpoint_count(endpoints, endpoint, 1);
	return index;
}

/* Of so many endpoints, so many of which are unproven, those that would stay. */
static uint32_t staying(uint32_t count, uint32_t unproven)
{
	return count - (unproven < MAKE_ROOM_MAX ? unproven : MAKE_ROOM_MAX);
}

bool endpoint_has_room(const struct endpoints *endpoints, const struct address *client,
	uint32_t gone, enum refusal *refusal)
{
	const struct endpoint *goes = endpoint_at(endpoints, gone);
	const bool goes_here = gone && address_counter(endpoints, &goes->client) ==
					       address_counter(endpoints, client);
	const bool is_unproven = gone && !goes->proven;
	uint32_t of_address, unproven_of_address;

	*refusal = REFUSED_ENDPOINTS_PER_ADDRESS;
	endpoint_oldest_unproven(endpoints, client, &of_address, &unproven_of_address);
	if (staying(of_address - goes_here, unproven_of_address - (goes_here && is_unproven)) >=
		endpoints->settings->limits.endpoints_per_address)
		return false;
	*refusal = REFUSED_ENDPOINTS;
	return staying(endpoints->endpoints.count - (gone != 0),
		       endpoints->unproven.all.count - is_unproven) < endpoints->endpoints.limit;
}

uint32_t endpoint_oldest_unproven(const struct endpoints *endpoints, const struct address *client,
	uint32_t *count, uint32_t *unproven)
{
	const uint32_t *counter = address_counter(endpoints, client);

	*count = *counter;
	return unproven_oldest_of(&endpoints->unproven, number_of(endpoints, counter), unproven);
}

uint32_t claim_refuse(
	struct endpoints *endpoints, const struct reason_claim *claim, enum refusal refusal)
{
	const struct text aor = claim->kind == REASON_REGISTRATION ? claim->id : (struct text){0};

	report_refused(endpoints->report, &claim->client, &endpoints->proxies->list[claim->proxy],
		refusal, aor);
	return 0;
}

uint32_t endpoint_add(struct endpoints *endpoints, const struct reason_claim *claim)
{
	const struct endpoint_bucket bucket =
		endpoint_bucket(endpoints, &claim->client, claim->proxy);
	enum refusal refusal;
	uint32_t index = endpoint_enter(endpoints, claim, &bucket, &refusal);
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (!index)
		return claim_refuse(endpoints, claim, refusal);
	endpoint_report_added(endpoints, index, false);
	endpoint->refreshed = ticks_of(endpoints->report->now_us);
	if (endpoint->proven)
		schedule_place(&endpoints->schedule, index, endpoint->class,
			report_tick(endpoints->report), endpoint->refreshed, endpoint->expires);
	else
		schedule_place_soon(&endpoints->schedule, index, endpoint->class,
			report_tick(endpoints->report), endpoint->expires);
	return index;
}

void endpoint_leave(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	uint32_t *link = endpoint_head(endpoints, &endpoint->client, endpoint->proxy);

	while (*link != index)
		link = &endpoint_at(endpoints, *link)->hash_next;
	*link = endpoint->hash_next;
	--*address_counter(endpoints, &endpoint->client);
	if (!endpoint->proven)
		leave_unproven(endpoints, index);
	wheel_remove(endpoints->schedule.wheel, index);
	if (endpoint->nat)
		natted_note(&endpoints->natted, report_tick(endpoints->report), &endpoint->client,
			(struct text){0}, endpoint->nat);
	endpoint_count(endpoints, endpoint, -1);
	pool_give(&endpoints->endpoints, index);
}

void endpoint_drop(struct endpoints *endpoints, uint32_t index, const char *why, struct text aor)
{
	if (report_happened(endpoints->report, EVENT_ENDPOINT_REMOVE))
		endpoint_report(endpoints, index,
			&(struct event){.type = EVENT_ENDPOINT_REMOVE, .aor = aor, .why = why});
	endpoint_leave(endpoints, index);
}
