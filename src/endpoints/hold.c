#include "parts.h"

/* How a claim becomes a reason: where there is no room for it, unproven endpoints make some. */

static void give_way(struct endpoints *endpoints, uint32_t endpoint, enum refusal refusal)
{
	const struct endpoint *oldest = endpoint_at(endpoints, endpoint);

	report_refused(endpoints->report, &oldest->client, &endpoints->proxies->list[oldest->proxy],
		refusal, endpoint_addressee(endpoints, endpoint).aor);
	endpoint_remove(endpoints, endpoint, "replaced", "limit");
}

/* Who has to give way next for a claim, and why; 0: nobody. Of its address it is the oldest,
 * for another there; of all the oldest of all. */
static uint32_t next_to_give_way(
	struct endpoints *endpoints, const struct reason_claim *claim, enum refusal *refusal)
{
	const struct settings *settings = endpoints->settings;
	const struct unproven *unproven = &endpoints->unproven;
	uint32_t of_address, unproven_of_address;
	uint32_t oldest = endpoint_oldest_unproven(
		endpoints, &claim->client, &of_address, &unproven_of_address);

	*refusal = REFUSED_ENDPOINTS_PER_ADDRESS;
	if (of_address >= settings->limits.endpoints_per_address)
		return oldest;
	*refusal = REFUSED_UNPROVEN_PER_ADDRESS;
	if (!claim->proven && unproven_of_address >= settings->limits.unproven_per_address)
		return oldest;
	*refusal = REFUSED_ENDPOINTS;
	if (endpoints->endpoints.count >= endpoints->endpoints.limit)
		return unproven_oldest(unproven);
	*refusal = REFUSED_UNPROVEN;
	if (!claim->proven && unproven->all.count >= settings->limits.unproven)
		return unproven_oldest(unproven);
	return 0;
}

static void make_room_for(struct endpoints *endpoints, const struct reason_claim *claim)
{
	enum refusal refusal;
	uint32_t endpoint;

	for (unsigned i = 0; i < MAKE_ROOM_MAX; i++) {
		endpoint = next_to_give_way(endpoints, claim, &refusal);
		if (!endpoint)
			return;
		give_way(endpoints, endpoint, refusal);
	}
}

static void take_traits(
	struct endpoints *endpoints, uint32_t endpoint, const struct reason_claim *claim)
{
	endpoint_add_nat(endpoints, endpoint, claim->nat);
	if (claim->kind == REASON_REGISTRATION)
		endpoint_set_class(endpoints, endpoint, claim->class);
}

void reason_renew(struct endpoints *endpoints, uint32_t index, const struct reason_claim *claim)
{
	struct reason *reason = reason_at(endpoints, index);

	take_traits(endpoints, reason->endpoint, claim);
	reason->early = claim->early;
	reason_set_user(endpoints, index, claim->user);
	reason->binding = claim->binding;
	reason->written = claim->written;
	reason->cseq = claim->cseq;
	reason_refresh(endpoints, index, claim->seconds);
}

bool reason_may_move(struct endpoints *endpoints, const struct reason_claim *claim, uint32_t reason)
{
	uint32_t to = endpoint_find(endpoints, &claim->client, claim->proxy);
	uint32_t from = reason_at(endpoints, reason)->endpoint;
	bool is_last = endpoint_at(endpoints, from)->reasons == reason &&
		       !reason_at(endpoints, reason)->next;
	enum refusal refusal = REFUSED_REASONS_PER_ENDPOINT;

	if (to ? !endpoint_has_reasons_enough(endpoints, to)
	       : endpoint_has_room(endpoints, &claim->client, is_last ? from : 0, &refusal))
		return true;
	claim_refuse(endpoints, claim, refusal);
	return false;
}

/* The endpoint where a claim stands, a new one if need be; 0 when a limit refuses it. */
static uint32_t place_of(struct endpoints *endpoints, const struct reason_claim *claim)
{
	uint32_t endpoint = endpoint_find(endpoints, &claim->client, claim->proxy);

	if (endpoint) {
		restored_tell_first(endpoints, endpoint);
		take_traits(endpoints, endpoint, claim);
		return endpoint;
	}
	make_room_for(endpoints, claim);
	return endpoint_add(endpoints, claim);
}

uint32_t reason_hold(struct endpoints *endpoints, const struct reason_claim *claim)
{
	uint32_t reason = reason_find_at(endpoints, claim->key, &claim->client, claim->proxy);
	uint32_t endpoint;

	if (reason) {
		reason_renew(endpoints, reason, claim);
		return reason;
	}
	if (claim->kind != REASON_REGISTRATION)
		reason = reason_find(endpoints, claim->key);
	if (reason && !reason_may_move(endpoints, claim, reason))
		return 0;
	if (reason)
		reason_end(endpoints, reason, "moved");
	endpoint = place_of(endpoints, claim);
	if (!endpoint)
		return 0;
	reason = reason_add(endpoints, claim, endpoint);
	if (!reason) {
		if (!endpoint_at(endpoints, endpoint)->reasons)
			endpoint_drop(endpoints, endpoint, "limit", (struct text){0});
		return 0;
	}
	reason_prolong(endpoints, reason, claim->seconds);
	reason_report(endpoints, reason, EVENT_REASON_ADD, NULL);
	return reason;
}
