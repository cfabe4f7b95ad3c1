#include "parts.h"

#include <errno.h>

int records_watch(struct endpoints *endpoints)
{
	return changes_init(&endpoints->changes, endpoints->reasons.capacity);
}

void records_change_all(struct endpoints *endpoints)
{
	for (uint32_t slot = 1; slot <= endpoints->reasons.used; slot++)
		changes_add(&endpoints->changes, slot);
}

/* The reason in a slot; NULL when it is empty. */
static const struct reason *reason_in(const struct endpoints *endpoints, uint32_t slot)
{
	if (slot == 0 || slot > endpoints->reasons.used || !reason_at(endpoints, slot)->label)
		return NULL;
	return reason_at(endpoints, slot);
}

/* An interval at most: after that a keepalive is overdue, for however long. */
static uint64_t quiet_of(const struct endpoints *endpoints, const struct endpoint *endpoint)
{
	const uint64_t interval_us = endpoint_rules(endpoints, endpoint)->interval_us;
	const uint64_t quiet_us = report_us_since(endpoints->report, endpoint->refreshed);

	return quiet_us < interval_us ? quiet_us : interval_us;
}

bool record_quiet(
	const struct endpoints *endpoints, uint32_t slot, uint64_t *quiet_us, bool *is_slow)
{
	const struct reason *reason = reason_in(endpoints, slot);
	const struct endpoint *endpoint;

	if (!reason)
		return false;
	endpoint = endpoint_at(endpoints, reason->endpoint);
	*quiet_us = quiet_of(endpoints, endpoint);
	*is_slow = endpoint_rules(endpoints, endpoint)->interval_us >
		   endpoints->settings->keepalive.rules.interval_us;
	return true;
}

/* With its BYE under way nobody would end it after a restart. */
static uint64_t left_of(const struct endpoints *endpoints, const struct reason *reason)
{
	const uint64_t left_us = report_us_until(endpoints->report, reason->expires);
	const uint32_t span = ticks_of(endpoints->settings->timers.transaction_us);
	uint32_t since;

	if (reason->kind != REASON_DIALOG || !reason->cseq)
		return left_us;
	since = (report_tick(endpoints->report) - reason->cseq) & CSEQ_MAX;
	if (since >= span)
		return 0;
	return left_us < (uint64_t)(span - since) * TICK_US ? left_us
							    : (uint64_t)(span - since) * TICK_US;
}

bool record_read(const struct endpoints *endpoints, uint32_t slot, struct record *record)
{
	const struct reason *reason = reason_in(endpoints, slot);
	const struct endpoint *endpoint;

	if (!reason || !left_of(endpoints, reason))
		return false;
	endpoint = endpoint_at(endpoints, reason->endpoint);
	*record = (struct record){
		.client = endpoint->client,
		.proxy = endpoints->proxies->list[endpoint->proxy],
		.nat = endpoint->nat,
		.kind = reason->kind,
		.early = reason->early,
		.proven = endpoint->proven,
		.lost = endpoint->lost,
		.key = reason_key(reason),
		.binding = reason->binding,
		.written = reason->written,
		.id = label_text(&endpoints->labels, reason->label),
		.user = label_user(&endpoints->labels, reason->label),
		.class = classes_name(&endpoints->classes, endpoint->class),
		.left_us = left_of(endpoints, reason),
		.quiet_us = quiet_of(endpoints, endpoint),
	};
	return true;
}

/* The tick of the last packet; an interval ago when a keepalive is overdue. */
static uint32_t refreshed_at(const struct endpoints *endpoints, unsigned class, uint64_t quiet_us)
{
	uint64_t interval_us = endpoints->classes.rules[class].interval_us;

	return report_tick(endpoints->report) -
	       ticks_of(quiet_us < interval_us ? quiet_us : interval_us);
}

/* Version 0.1 kept endpoints of two IP versions, and at addresses where nobody can be. */
static bool is_possible(const struct endpoints *endpoints, const struct reason_claim *claim)
{
	const struct address *proxy = &endpoints->proxies->list[claim->proxy];

	return address_is_one_host(&claim->client) &&
	       address_is_ipv4(&claim->client) == address_is_ipv4(proxy);
}

/* A record on its way back. */
struct record_return {
	struct reason_claim claim;
	struct endpoint_bucket bucket;
};

/* Version 0.1 made keys of registrations in another way: they are found by their AOR, too. */
static uint64_t key_by_aor(
	const struct endpoints *endpoints, const struct record *record, uint16_t proxy)
{
	struct aor aor = {.proxy = proxy};

	if (proxy == PROXY_NONE || sip_uri_parse(record->id, &aor.uri) != 0)
		return record->key;
	return registration_key(endpoints, &aor, record->key);
}

/* What it was, where the classes now say nothing else. */
static unsigned class_of(const struct endpoints *endpoints, const struct record *record)
{
	struct class_facts facts = {.client = &record->client};

	if (!endpoints->settings->classes.count)
		return 0;
	facts.before = classes_find(&endpoints->classes, record->class);
	if (record->kind == REASON_REGISTRATION)
		facts.aor = record->id;
	return classes_match(&endpoints->classes, &facts);
}

/* Looks up where it belongs, which is fetched into the cache until it is put there. */
static struct record_return prepare(const struct endpoints *endpoints, const struct record *record)
{
	struct record_return prepared = {
		.claim = {.client = record->client,
			.proxy = proxies_find(endpoints->proxies, &record->proxy),
			.nat = record->nat,
			.kind = record->kind,
			.early = record->early,
			.proven = record->proven,
			.lost = record->lost,
			.class = (uint8_t)class_of(endpoints, record),
			.key = record->key,
			.binding = record->binding,
			.written = record->written,
			.id = record->id,
			.user = record->user},
	};

	/* Its own key was that of a transaction that is not known any more. */
	if (record->kind == REASON_DIALOG && record->early)
		prepared.claim.key = reason_orphan_key(
			endpoints, &record->client, prepared.claim.proxy, record->id);
	else if (record->kind == REASON_REGISTRATION && !record->binding)
		prepared.claim.key = key_by_aor(endpoints, record, prepared.claim.proxy);
	prepared.bucket = endpoint_bucket(endpoints, &record->client, prepared.claim.proxy);
	prefetch(prepared.bucket.head);
	prefetch(prepared.bucket.address_counter);
	prefetch(reason_head(endpoints, prepared.claim.key));
	return prepared;
}

/* Both lists that are looked through for it begin there. */
static void approach(const struct endpoints *endpoints, const struct record_return *prepared)
{
	prefetch(endpoint_at(endpoints, *prepared->bucket.head));
	prefetch(reason_at(endpoints, *reason_head(endpoints, prepared->claim.key)));
}

static int64_t finish(struct endpoints *endpoints, const struct record_return *prepared,
	const struct record *record)
{
	const struct reason_claim *claim = &prepared->claim;
	uint64_t left_us = record->left_us;
	int64_t slot;

	if (left_us == 0)
		return -ETIME;
	if (left_us > REASON_SECONDS_MAX * 1000000ull)
		left_us = REASON_SECONDS_MAX * 1000000ull;
	if (claim->proxy == PROXY_NONE)
		return -ENOENT;
	if (!is_possible(endpoints, claim))
		return -EINVAL;
	if (!reason_is_wanted(endpoints->settings, claim->kind) ||
		!endpoint_is_wanted(endpoints, &claim->client, claim->nat, claim->class))
		return -EPERM;
	slot = reason_restore(endpoints, claim, &prepared->bucket, left_us,
		refreshed_at(endpoints, claim->class, record->quiet_us));
	if (slot > 0 && claim->key != record->key)
		changes_add(&endpoints->changes, (uint32_t)slot);
	return slot;
}

/* Memory takes as long as restoring about so many records. */
enum { AHEAD = 16 };

void records_restore(
	struct endpoints *endpoints, const struct record *records, unsigned count, int64_t *slots)
{
	struct record_return waiting[AHEAD];

	for (unsigned i = 0; i < count + AHEAD; i++) {
		struct record_return *place = &waiting[i % AHEAD];

		if (i >= AHEAD && i - AHEAD < count)
			slots[i - AHEAD] = finish(endpoints, place, &records[i - AHEAD]);
		if (i >= AHEAD / 2 && i - AHEAD / 2 < count)
			approach(endpoints, &waiting[(i - AHEAD / 2) % AHEAD]);
		if (i < count)
			*place = prepare(endpoints, &records[i]);
	}
}

void records_resume(struct endpoints *endpoints)
{
	review_start(endpoints, true);
	restored_note(endpoints);
}
