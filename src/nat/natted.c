#include <natbox/nat.h>
#include <natbox/schedule.h>

/* Phones that come and go within NATTED_SECONDS: 100 a second. */
enum { NATTED_ADDRESSES = 32768 };

/* The number in the ledger: in its lowest bits the tests, above them a hash of the Call-ID whose
 * sender alone is meant, 0 for anybody. */
enum { TESTS_MASK = (1 << NAT_TESTS) - 1 };

int natted_init(struct natted *natted, const struct hash_key *key)
{
	natted->key = *key;
	return ledger_init(&natted->ledger, NATTED_ADDRESSES);
}

void natted_free(struct natted *natted)
{
	ledger_free(&natted->ledger);
}

static uint64_t address_key(const struct natted *natted, const struct address *client)
{
	struct hash hash;

	hash_start(&hash, &natted->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, client->port);
	return hash_end(&hash);
}

static uint32_t sender_of(const struct natted *natted, struct text call_id)
{
	struct hash hash;

	if (!call_id.length)
		return 0;
	hash_start(&hash, &natted->key);
	hash_add_text(&hash, call_id);
	return ((uint32_t)hash_end(&hash) | (TESTS_MASK + 1)) & ~(uint32_t)TESTS_MASK;
}

/* 0: nothing is known, or not any more. */
static uint32_t known_of(const struct natted *natted, uint32_t now, uint64_t key)
{
	uint32_t tick, number;

	if (!ledger_find(&natted->ledger, key, &tick, &number) ||
		now - tick > NATTED_SECONDS * (1000000u / TICK_US))
		return 0;
	return number;
}

static bool is_of_anybody(uint32_t known)
{
	return known && !(known & ~(uint32_t)TESTS_MASK);
}

void natted_note(struct natted *natted, uint32_t now, const struct address *client,
	struct text call_id, unsigned nat)
{
	uint64_t key = address_key(natted, client);
	uint32_t sender = sender_of(natted, call_id);

	if (sender && is_of_anybody(known_of(natted, now, key)))
		return; /* nobody takes away what is known of all */
	ledger_note(&natted->ledger, key, now, sender | (nat & TESTS_MASK));
}

unsigned natted_recall(const struct natted *natted, uint32_t now, const struct address *client,
	struct text call_id)
{
	uint32_t known = known_of(natted, now, address_key(natted, client));

	if (is_of_anybody(known) || (known & ~(uint32_t)TESTS_MASK) == sender_of(natted, call_id))
		return known & TESTS_MASK;
	return 0;
}
