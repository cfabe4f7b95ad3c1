#include "duplicates.h"

#include <stdlib.h>

enum { WAYS = 4, SETS = DUPLICATES_PACKETS / WAYS };

/* time_us + 1, so that zero is an empty one. */
struct sighting {
	uint64_t hash, stamp;
};

struct duplicates {
	struct hash_key key;
	struct sighting sets[SETS][WAYS];
};

struct duplicates *duplicates_new(const struct hash_key *key)
{
	struct duplicates *duplicates = calloc(1, sizeof(*duplicates));

	if (duplicates)
		duplicates->key = *key;
	return duplicates;
}

void duplicates_free(struct duplicates *duplicates)
{
	free(duplicates);
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

/* How far apart in time, either way; an empty one is farther than any. */
static uint64_t apart_us(struct sighting a, struct sighting b)
{
	if (a.stamp == 0)
		return UINT64_MAX;
	return a.stamp > b.stamp ? a.stamp - b.stamp : b.stamp - a.stamp;
}

bool duplicates_seen(struct duplicates *duplicates, uint64_t time_us, const struct packet *packet)
{
	struct sighting now = {packet_hash(&duplicates->key, packet), time_us + 1};
	struct sighting *set = duplicates->sets[now.hash % SETS], *farthest = set;

	for (unsigned way = 0; way < WAYS; way++) {
		uint64_t apart = apart_us(set[way], now);

		if (set[way].hash == now.hash && apart <= DUPLICATES_WINDOW_US)
			return true;
		if (apart > apart_us(*farthest, now))
			farthest = &set[way];
	}
	*farthest = now;
	return false;
}
