#include "fragments.h"

#include <stdlib.h>
#include <sys/queue.h>

enum {
	UNIT = 8, /* what offsets count in */
	UNITS_MAX = (UINT16_MAX + 1) / UNIT,
	BUCKETS = 2 * FRAGMENTS_PACKETS_MAX, /* a power of two */
};

/* A packet under way, in the chain of its bucket and in the list by age; or in the chain of those
 * that are free. */
struct partial {
	struct flow flow;
	uint32_t id;
	uint8_t protocol; /* of the fragment at offset 0; part of the key only in IPv4 */
	bool dropped;     /* kept so that the rest of it is known when it comes */
	LIST_ENTRY(partial) chained;
	TAILQ_ENTRY(partial) aged;
	uint32_t length;   /* of the whole; 0: the last fragment is yet to come */
	uint32_t received; /* bytes */
	uint32_t end;      /* of the farthest fragment */
	uint64_t started_us;
	uint64_t units[UNITS_MAX / 64]; /* which are here, a bit each */
	uint8_t bytes[UNITS_MAX * UNIT];
};

LIST_HEAD(chain, partial);
TAILQ_HEAD(ages, partial);

struct fragments {
	struct hash_key key;
	struct chain buckets[BUCKETS], free;
	struct ages ages; /* the oldest first */
	struct fragments_counters counters;
	unsigned used; /* partials; the others have never been, and take no memory */
	struct partial partials[FRAGMENTS_PACKETS_MAX];
};

enum judgement { FRAGMENT_FITS, FRAGMENT_REPEATED, FRAGMENT_CONTRADICTS };

struct fragments *fragments_new(const struct hash_key *key)
{
	struct fragments *fragments = calloc(1, sizeof(*fragments));

	if (!fragments)
		return NULL;
	fragments->key = *key;
	TAILQ_INIT(&fragments->ages);
	return fragments;
}

void fragments_free(struct fragments *fragments)
{
	free(fragments);
}

/* RFC 8200 leaves the protocol out of the key, and only the first fragment's counts. */
static uint8_t key_protocol(const struct flow *flow, uint8_t protocol)
{
	return address_is_ipv4(&flow->source) ? protocol : 0;
}

static struct chain *bucket_of(
	struct fragments *fragments, const struct flow *flow, uint32_t id, uint8_t protocol)
{
	struct hash hash;

	hash_start(&hash, &fragments->key);
	hash_add(&hash, flow->source.ip, sizeof(flow->source.ip));
	hash_add(&hash, flow->destination.ip, sizeof(flow->destination.ip));
	hash_add_number(&hash, (uint64_t)id << 8 | key_protocol(flow, protocol));
	return &fragments->buckets[hash_end(&hash) % BUCKETS];
}

static bool same_packet(const struct partial *partial, const struct packet *fragment)
{
	return partial->id == fragment->id &&
	       address_same_host(&partial->flow.source, &fragment->flow.source) &&
	       address_same_host(&partial->flow.destination, &fragment->flow.destination) &&
	       key_protocol(&partial->flow, partial->protocol) ==
		       key_protocol(&fragment->flow, fragment->protocol);
}

static void partial_remove(struct fragments *fragments, struct partial *partial)
{
	LIST_REMOVE(partial, chained);
	TAILQ_REMOVE(&fragments->ages, partial, aged);
	LIST_INSERT_HEAD(&fragments->free, partial, chained);
}

static void expire(struct fragments *fragments, uint64_t time_us)
{
	struct partial *oldest;

	while ((oldest = TAILQ_FIRST(&fragments->ages))) {
		uint64_t started = oldest->started_us;
		uint64_t age = time_us > started ? time_us - started : started - time_us;

		if (age <= FRAGMENTS_TIMEOUT_US)
			return;
		fragments->counters.timed_out += !oldest->dropped;
		partial_remove(fragments, oldest);
	}
}

/* One that is free: another is given up for it where none is. */
static struct partial *partial_take(struct fragments *fragments)
{
	struct partial *partial;

	if (LIST_EMPTY(&fragments->free) && fragments->used < FRAGMENTS_PACKETS_MAX)
		return &fragments->partials[fragments->used++];
	if (LIST_EMPTY(&fragments->free)) {
		fragments->counters.crowded_out++;
		partial_remove(fragments, TAILQ_FIRST(&fragments->ages));
	}
	partial = LIST_FIRST(&fragments->free);
	LIST_REMOVE(partial, chained);
	return partial;
}

static struct partial *partial_add(struct fragments *fragments, struct chain *bucket,
	const struct packet *fragment, uint64_t time_us)
{
	struct partial *partial = partial_take(fragments);

	partial->flow = fragment->flow;
	partial->id = fragment->id;
	partial->protocol = fragment->protocol;
	partial->dropped = false;
	partial->length = partial->received = partial->end = 0;
	partial->started_us = time_us;
	memset(partial->units, 0, sizeof(partial->units));
	LIST_INSERT_HEAD(bucket, partial, chained);
	TAILQ_INSERT_TAIL(&fragments->ages, partial, aged);
	return partial;
}

/* The packet that a fragment is of: one under way, or a new one. */
static struct partial *partial_for(
	struct fragments *fragments, const struct packet *fragment, uint64_t time_us)
{
	struct chain *bucket =
		bucket_of(fragments, &fragment->flow, fragment->id, fragment->protocol);

	for (struct partial *partial = LIST_FIRST(bucket); partial;
		partial = LIST_NEXT(partial, chained)) {
		if (same_packet(partial, fragment))
			return partial;
	}
	return partial_add(fragments, bucket, fragment, time_us);
}

/* The bits of word that units from first up to end cover. */
static uint64_t units_mask(unsigned word, unsigned first, unsigned end)
{
	uint64_t mask = UINT64_MAX;

	if (first > word * 64)
		mask <<= first - word * 64;
	if (end < (word + 1) * 64)
		mask &= UINT64_MAX >> ((word + 1) * 64 - end);
	return mask;
}

static enum judgement judge(const struct partial *partial, const struct packet *fragment)
{
	uint32_t end = fragment->offset + (uint32_t)fragment->bytes.length;
	unsigned first_unit = fragment->offset / UNIT, end_unit = (end + UNIT - 1) / UNIT;
	bool any = false, all = true;

	if (partial->length && (fragment->more ? end > partial->length : end != partial->length))
		return FRAGMENT_CONTRADICTS;
	if (!fragment->more && end < partial->end)
		return FRAGMENT_CONTRADICTS;
	for (unsigned word = first_unit / 64; word * 64 < end_unit; word++) {
		uint64_t mask = units_mask(word, first_unit, end_unit);

		any |= (partial->units[word] & mask) != 0;
		all &= (partial->units[word] & mask) == mask;
	}
	if (!any)
		return FRAGMENT_FITS;
	if (!all || (!fragment->more && !partial->length) ||
		memcmp(partial->bytes + fragment->offset, fragment->bytes.at,
			fragment->bytes.length) != 0)
		return FRAGMENT_CONTRADICTS;
	return FRAGMENT_REPEATED;
}

static void put(struct partial *partial, const struct packet *fragment)
{
	uint32_t end = fragment->offset + (uint32_t)fragment->bytes.length;
	unsigned first_unit = fragment->offset / UNIT, end_unit = (end + UNIT - 1) / UNIT;

	for (unsigned word = first_unit / 64; word * 64 < end_unit; word++)
		partial->units[word] |= units_mask(word, first_unit, end_unit);
	memcpy(partial->bytes + fragment->offset, fragment->bytes.at, fragment->bytes.length);
	partial->received += (uint32_t)fragment->bytes.length;
	if (end > partial->end)
		partial->end = end;
	if (!fragment->more)
		partial->length = end;
	if (fragment->offset == 0)
		partial->protocol = fragment->protocol;
}

bool fragments_add(struct fragments *fragments, uint64_t time_us, const struct packet *fragment,
	struct packet *whole)
{
	struct partial *partial;

	fragments->counters.fragments++;
	expire(fragments, time_us);
	partial = partial_for(fragments, fragment, time_us);
	if (partial->dropped)
		return false;
	switch (judge(partial, fragment)) {
	case FRAGMENT_REPEATED:
		fragments->counters.repeated++;
		return false;
	case FRAGMENT_CONTRADICTS:
		fragments->counters.overlapped++;
		partial->dropped = true;
		return false;
	case FRAGMENT_FITS:
		break;
	}
	put(partial, fragment);
	if (!partial->length || partial->received < partial->length)
		return false;

	fragments->counters.reassembled++;
	memset(whole, 0, sizeof(*whole));
	whole->flow = partial->flow;
	whole->id = partial->id;
	packet_decode_whole(partial->protocol,
		(struct text){(const char *)partial->bytes, partial->length}, whole);
	partial_remove(fragments, partial);
	return true;
}

struct fragments_counters fragments_counters(const struct fragments *fragments)
{
	return fragments->counters;
}
