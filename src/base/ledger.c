#include <natbox/base.h>

#include <errno.h>

/* Entries of one bucket, any of which may have a key: what an entry evicts is the oldest of these.
 * Four of 16 bytes are a line of the cache. */
enum { WAYS = 4 };

/* In ticks: an hour. */
enum { LITTLE = 360000 };

struct ledger_entry {
	uint64_t key; /* 0: empty */
	uint32_t tick;
	uint32_t number;
};

int ledger_init(struct ledger *ledger, uint32_t entries)
{
	const uint32_t buckets = table_size(1, entries / WAYS + (entries % WAYS != 0));

	ledger->mask = buckets - 1;
	ledger->entries = table_new_backed((size_t)buckets * WAYS, sizeof(*ledger->entries));
	return ledger->entries ? 0 : -ENOMEM;
}

void ledger_free(struct ledger *ledger)
{
	table_free(ledger->entries, ((size_t)ledger->mask + 1) * WAYS, sizeof(*ledger->entries));
	ledger->entries = NULL;
}

static struct ledger_entry *bucket_of(const struct ledger *ledger, uint64_t key)
{
	return &ledger->entries[(key & ledger->mask) * WAYS];
}

void ledger_prefetch(const struct ledger *ledger, uint64_t key)
{
	prefetch(bucket_of(ledger, key));
}

/* Older than others, however long ago. What is noted may be a little older than those itself. */
static uint32_t age(const struct ledger_entry *entry, uint32_t tick)
{
	return tick + LITTLE - entry->tick;
}

void ledger_note(struct ledger *ledger, uint64_t key, uint32_t tick, uint32_t number)
{
	struct ledger_entry *bucket = bucket_of(ledger, key), *chosen = bucket;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!bucket[i].key || bucket[i].key == key) {
			chosen = &bucket[i];
			break;
		}
		if (age(&bucket[i], tick) > age(chosen, tick))
			chosen = &bucket[i];
	}
	*chosen = (struct ledger_entry){.key = key, .tick = tick, .number = number};
}

bool ledger_find(const struct ledger *ledger, uint64_t key, uint32_t *tick, uint32_t *number)
{
	const struct ledger_entry *bucket = bucket_of(ledger, key);

	for (unsigned i = 0; i < WAYS; i++) {
		if (bucket[i].key != key || !key)
			continue;
		if (tick)
			*tick = bucket[i].tick;
		if (number)
			*number = bucket[i].number;
		return true;
	}
	return false;
}
