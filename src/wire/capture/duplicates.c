#include "duplicates.h"

int duplicates_init(struct duplicates *duplicates, const struct hash_key *key)
{
	duplicates->key = *key;
	return ledger_init(&duplicates->seen, DUPLICATES_PACKETS);
}

void duplicates_free(struct duplicates *duplicates)
{
	ledger_free(&duplicates->seen);
}

static uint64_t packet_hash(const struct hash_key *key, const struct packet *packet)
{
	struct hash hash;

	hash_start(&hash, key);
	hash_add(&hash, packet->flow.source.ip, sizeof(packet->flow.source.ip));
	hash_add(&hash, packet->flow.destination.ip, sizeof(packet->flow.destination.ip));
	hash_add_number(&hash, (uint64_t)packet->flow.source.port << 48 |
				       (uint64_t)packet->flow.destination.port << 32 | packet->id);
	hash_add_number(&hash, (uint64_t)packet->offset << 1 | packet->more);
	hash_add_text(&hash, packet->bytes);
	return hash_end(&hash);
}

/* Either way. */
static uint32_t apart_us(uint32_t a, uint32_t b)
{
	return a - b < b - a ? a - b : b - a;
}

/* 32 bits of the time are enough: they are the same again after 71 minutes. */
bool duplicates_seen(struct duplicates *duplicates, uint64_t time_us, const struct packet *packet)
{
	const uint64_t hash = packet_hash(&duplicates->key, packet);
	const uint32_t now_us = (uint32_t)time_us;
	uint32_t seen_us;

	if (ledger_find(&duplicates->seen, hash, NULL, &seen_us) &&
		apart_us(now_us, seen_us) <= DUPLICATES_WINDOW_US)
		return true;
	ledger_note(&duplicates->seen, hash, (uint32_t)(time_us / TICK_US), now_us);
	return false;
}
