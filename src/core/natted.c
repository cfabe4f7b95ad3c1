#include <natbox/nat.h>
#include <natbox/natted.h>
#include <natbox/wheel.h>

#include <errno.h>
#include <stdlib.h>

/* Of phones that come and go within NATTED_SECONDS: 100 a second. */
enum { PLACES = 32768 };

struct natted_place {
	uint32_t mark;   /* a hash of address and port, in its lowest bits the tests */
	uint32_t sender; /* a hash of the Call-ID; 0: anybody */
	uint32_t tick;
};

enum { TESTS_MASK = (1 << NAT_TESTS) - 1 };

int natted_init(struct natted *natted, const struct hash_key *key)
{
	natted->key = *key;
	natted->places = calloc(PLACES, sizeof(*natted->places));
	return natted->places ? 0 : -ENOMEM;
}

void natted_free(struct natted *natted)
{
	free(natted->places);
}

/* *mark: without tests. */
static struct natted_place *place_of(
	const struct natted *natted, const struct address *client, uint32_t *mark)
{
	struct hash hash;
	uint64_t sum;

	hash_start(&hash, &natted->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, client->port);
	sum = hash_end(&hash);
	*mark = (uint32_t)(sum >> 32) & ~(uint32_t)TESTS_MASK;
	return &natted->places[sum % PLACES];
}

static uint32_t sender_of(const struct natted *natted, struct text call_id)
{
	struct hash hash;

	if (!call_id.length)
		return 0;
	hash_start(&hash, &natted->key);
	hash_add_text(&hash, call_id);
	return (uint32_t)hash_end(&hash) | 1;
}

static bool is_known(const struct natted_place *place, uint32_t mark, uint32_t tick)
{
	return (place->mark & ~(uint32_t)TESTS_MASK) == mark && place->mark != mark &&
	       tick - place->tick <= NATTED_SECONDS * (1000000u / TICK_US);
}

void natted_note(struct natted *natted, uint32_t tick, const struct address *client,
	struct text call_id, unsigned nat)
{
	uint32_t mark, sender = sender_of(natted, call_id);
	struct natted_place *place = place_of(natted, client, &mark);

	if (sender && !place->sender && is_known(place, mark, tick))
		return; /* nobody takes away what is known of all */
	*place = (struct natted_place){
		.mark = mark | (nat & TESTS_MASK), .sender = sender, .tick = tick};
}

unsigned natted_recall(const struct natted *natted, uint32_t tick, const struct address *client,
	struct text call_id)
{
	uint32_t mark;
	const struct natted_place *place = place_of(natted, client, &mark);

	if (!is_known(place, mark, tick) ||
		(place->sender && place->sender != sender_of(natted, call_id)))
		return 0;
	return place->mark & TESTS_MASK;
}
