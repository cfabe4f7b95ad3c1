#include "parts.h"

#include <errno.h>

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

/* A guess that is wrong, or at an endpoint that is gone, does no harm. */
uint32_t reason_find(const struct endpoints *endpoints, uint64_t key)
{
	uint32_t index = endpoint_at(endpoints, endpoints->likely.endpoint)->reasons;

	if (index && reason_key(reason_at(endpoints, index)) == key)
		return index;
	index = *reason_head(endpoints, key);
	while (index && reason_key(reason_at(endpoints, index)) != key)
		index = reason_at(endpoints, index)->hash_next;
	return index;
}

uint32_t reason_find_at(const struct endpoints *endpoints, uint64_t key,
	const struct address *client, uint16_t proxy)
{
	uint32_t index = reason_find(endpoints, key);

	if (!index || endpoint_is_at(reason_endpoint(endpoints, index), client, proxy))
		return index;
	index = *reason_head(endpoints, key);
	while (index && (reason_key(reason_at(endpoints, index)) != key ||
				!endpoint_is_at(reason_endpoint(endpoints, index), client, proxy)))
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

void reason_expect(struct endpoints *endpoints, uint64_t key, uint32_t endpoint)
{
	endpoints->likely.endpoint = endpoint;
	prefetch(reason_head(endpoints, key));
}

/* A reason of an endpoint that is in the tables: its index, 0 when there is no room for it or its
 * label. */
static uint32_t reason_enter(
	struct endpoints *endpoints, const struct reason_claim *claim, uint32_t endpoint)
{
	const struct text user = contact_user(claim->id, claim->user);
	uint32_t *head = reason_head(endpoints, claim->key);
	uint32_t index = pool_take(&endpoints->reasons), label;

	if (!index)
		return 0;
	label = label_take(&endpoints->labels, claim->id, user);
	if (!label) {
		pool_give(&endpoints->reasons, index);
		return 0;
	}
	*reason_at(endpoints, index) = (struct reason){
		.key = {(uint32_t)claim->key, (uint32_t)(claim->key >> 32)},
		.hash_next = *head,
		.endpoint = endpoint,
		.next = endpoint_at(endpoints, endpoint)->reasons,
		.label = label,
		.kind = claim->kind,
		.early = claim->early,
		.binding = claim->binding,
		.written = claim->written,
		.cseq = claim->cseq,
	};
	*head = index;
	endpoint_at(endpoints, endpoint)->reasons = index;
	endpoints->report->counters.reasons = endpoints->reasons.count;
	endpoints->report->counters.reasons_of[claim->kind]++;
	return index;
}

bool endpoint_has_reasons_enough(const struct endpoints *endpoints, uint32_t endpoint)
{
	unsigned count = 0;

	for (uint32_t reason = endpoint_at(endpoints, endpoint)->reasons; reason;
		reason = reason_at(endpoints, reason)->next)
		count++;
	return count >= REASONS_OF_ONE_MAX;
}

/* An answer of the proxy to somebody who has been given up is worth another question. */
static void ask_again(struct endpoints *endpoints, uint32_t index)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (!endpoint_is_given_up(endpoints, endpoint))
		return;
	endpoint->missed = (endpoint_trials(endpoint_rules(endpoints, endpoint)) - 1) & MISSED_MAX;
	schedule_place_soon(&endpoints->schedule, index, endpoint->class,
		report_tick(endpoints->report), endpoint->expires);
}

uint32_t reason_add(
	struct endpoints *endpoints, const struct reason_claim *claim, uint32_t endpoint)
{
	uint32_t index;

	if (endpoint_has_reasons_enough(endpoints, endpoint))
		return claim_refuse(endpoints, claim, REFUSED_REASONS_PER_ENDPOINT);
	index = reason_enter(endpoints, claim, endpoint);
	if (!index)
		return claim_refuse(endpoints, claim, REFUSED_REASONS);
	ask_again(endpoints, endpoint);
	return index;
}

/* Phones that share a Call-ID share the key of their registrations. */
static uint32_t find_restored(const struct endpoints *endpoints, const struct reason_claim *claim)
{
	if (claim->kind != REASON_REGISTRATION)
		return reason_find(endpoints, claim->key);
	return reason_find_at(endpoints, claim->key, &claim->client, claim->proxy);
}

/* Of one that has two records, as a start that had no use for it has kept the first and it has been
 * claimed anew since, the later end is that of the second. */
static void restore_longer(struct endpoints *endpoints, uint32_t index, uint32_t expires)
{
	struct reason *reason = reason_at(endpoints, index);

	if (!tick_before(reason->expires, expires))
		return;
	reason->expires = expires;
	changes_add(&endpoints->changes, index);
}

int64_t reason_restore(struct endpoints *endpoints, const struct reason_claim *claim,
	const struct endpoint_bucket *bucket, uint64_t left_us, uint32_t refreshed)
{
	const uint32_t expires = ticks_of(endpoints->report->now_us + left_us);
	uint32_t where = endpoint_find_in(endpoints, bucket->head, &claim->client, claim->proxy);
	uint32_t index = find_restored(endpoints, claim);
	struct endpoint *endpoint;
	struct reason *reason;
	enum refusal refusal;

	if (index) {
		restore_longer(endpoints, index, expires);
		return -EEXIST;
	}
	if (!where)
		where = endpoint_enter(endpoints, claim, bucket, &refusal);
	if (!where)
		return -ENOSPC;
	index = reason_enter(endpoints, claim, where);
	if (!index) {
		if (!endpoint_at(endpoints, where)->reasons)
			endpoint_leave(endpoints, where);
		return -ENOSPC;
	}
	endpoint = endpoint_at(endpoints, where);
	reason = reason_at(endpoints, index);
	endpoint_join_nat(endpoints, where, claim->nat);
	if (claim->kind == REASON_REGISTRATION)
		endpoint_join_class(endpoints, where, claim->class);
	if (claim->lost)
		endpoint_restore_lost(endpoints, where);
	if (claim->proven)
		endpoint_set_proven(endpoints, where);
	if (!reason->next || tick_before(endpoint->refreshed, refreshed))
		endpoint->refreshed = refreshed;
	reason->expires = expires;
	if (tick_before(reason->expires, endpoint->expires))
		endpoint->expires = reason->expires;
	return index;
}

/* One of its reasons now runs out at tick, maybe before anything else wakes it. */
static void endpoint_expires(struct endpoints *endpoints, uint32_t index, uint32_t tick)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);

	if (tick_before(tick, endpoint->expires))
		endpoint->expires = tick;
	schedule_wake_by(&endpoints->schedule, index, tick);
}

void reason_prolong(struct endpoints *endpoints, uint32_t index, uint32_t seconds)
{
	struct reason *reason = reason_at(endpoints, index);

	if (seconds > REASON_SECONDS_MAX)
		seconds = REASON_SECONDS_MAX;
	reason->expires = ticks_of(endpoints->report->now_us + seconds * 1000000ull);
	endpoint_expires(endpoints, reason->endpoint, reason->expires);
	changes_add(&endpoints->changes, index);
}

void reason_note_bye(struct endpoints *endpoints, uint32_t index, bool under_way)
{
	const uint32_t now = report_tick(endpoints->report) & CSEQ_MAX;

	reason_at(endpoints, index)->cseq = !under_way ? 0 : now ? now : 1;
	changes_add(&endpoints->changes, index);
}

void reason_set_user(struct endpoints *endpoints, uint32_t index, struct text contact)
{
	struct reason *reason = reason_at(endpoints, index);
	const struct text name = label_text(&endpoints->labels, reason->label);
	const struct text user = contact_user(name, contact);
	uint32_t label;

	if (!contact.at || text_equal(user, label_user(&endpoints->labels, reason->label)))
		return;
	label = label_take(&endpoints->labels, name, user);
	if (!label)
		return;
	if (label_text(&endpoints->labels, label).length < name.length) {
		label_give(&endpoints->labels, label);
		return;
	}
	label_give(&endpoints->labels, reason->label);
	reason->label = label & LABEL_UNITS_MAX;
}

void reason_refresh(struct endpoints *endpoints, uint32_t index, uint32_t seconds)
{
	reason_prolong(endpoints, index, seconds);
	reason_report(endpoints, index, EVENT_REASON_REFRESH, NULL);
	ask_again(endpoints, reason_at(endpoints, index)->endpoint);
}

static void unlink_key(struct endpoints *endpoints, uint32_t index)
{
	struct reason *reason = reason_at(endpoints, index);
	uint32_t *link = reason_head(endpoints, reason_key(reason));

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

	restored_tell_first(endpoints, reason->endpoint);
	unlink_key(endpoints, index);
	while (*link != index)
		link = &reason_at(endpoints, *link)->next;
	*link = reason->next;

	reason_report(endpoints, index, EVENT_REASON_END, why);
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
	char copy[AOR_COPY_MAX];
	const struct text aor = endpoint_copy_aor(endpoints, endpoint, copy);

	reason_drop(endpoints, index, why);
	if (!endpoint_at(endpoints, endpoint)->reasons)
		endpoint_drop(endpoints, endpoint, "ended", aor);
}

void endpoint_remove(struct endpoints *endpoints, uint32_t endpoint, const char *why_reason,
	const char *why_endpoint)
{
	char copy[AOR_COPY_MAX];
	const struct text aor = endpoint_copy_aor(endpoints, endpoint, copy);

	while (endpoint_at(endpoints, endpoint)->reasons)
		reason_drop(endpoints, endpoint_at(endpoints, endpoint)->reasons, why_reason);
	endpoint_drop(endpoints, endpoint, why_endpoint, aor);
}

bool endpoint_expire(struct endpoints *endpoints, uint32_t index, uint32_t tick)
{
	struct endpoint *endpoint = endpoint_at(endpoints, index);
	char copy[AOR_COPY_MAX];
	struct text aor;
	uint32_t next;

	if (tick_before(tick, endpoint->expires))
		return true;
	aor = endpoint_copy_aor(endpoints, index, copy);
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
	endpoint_drop(endpoints, index, "expired", aor);
	return false;
}
