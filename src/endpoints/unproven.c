#include <natbox/endpoints.h>

#include <errno.h>

/* Heads of the lists of addresses: with the default limits, two of all that may be unproven to
 * each. */
enum { HEADS = 1 << 16 };

struct unproven_place {
	uint32_t endpoint, address;
	uint32_t older, newer; /* places; 0: none */
	uint32_t next;         /* of this address, or another with its head: the one before it */
};

int unproven_init(struct unproven *unproven, uint32_t limit)
{
	unproven->heads = table_new(HEADS, sizeof(uint32_t));
	if (unproven->heads &&
		pool_init(&unproven->places, sizeof(struct unproven_place), limit) == 0)
		return 0;
	return -ENOMEM;
}

void unproven_free(struct unproven *unproven)
{
	table_free(unproven->heads, HEADS, sizeof(uint32_t));
	pool_free(&unproven->places);
}

static struct unproven_place *place_at(const struct unproven *unproven, uint32_t place)
{
	return pool_item(&unproven->places, place);
}

void unproven_add(struct unproven *unproven, uint32_t endpoint, uint32_t address)
{
	uint32_t *head = &unproven->heads[address % HEADS];
	uint32_t place = pool_take(&unproven->places);

	*place_at(unproven, place) = (struct unproven_place){
		.endpoint = endpoint, .address = address, .older = unproven->newest, .next = *head};
	*head = place;
	*(unproven->newest ? &place_at(unproven, unproven->newest)->newer : &unproven->oldest) =
		place;
	unproven->newest = place;
}

void unproven_remove(struct unproven *unproven, uint32_t endpoint, uint32_t address)
{
	uint32_t *link = &unproven->heads[address % HEADS], place;
	const struct unproven_place *gone;

	while (place_at(unproven, *link)->endpoint != endpoint)
		link = &place_at(unproven, *link)->next;
	place = *link;
	gone = place_at(unproven, place);
	*link = gone->next;
	*(gone->older ? &place_at(unproven, gone->older)->newer : &unproven->oldest) = gone->newer;
	*(gone->newer ? &place_at(unproven, gone->newer)->older : &unproven->newest) = gone->older;
	pool_give(&unproven->places, place);
}

uint32_t unproven_oldest(const struct unproven *unproven)
{
	return unproven->oldest ? place_at(unproven, unproven->oldest)->endpoint : 0;
}

uint32_t unproven_oldest_of(const struct unproven *unproven, uint32_t address, uint32_t *count)
{
	uint32_t oldest = 0;

	*count = 0;
	for (uint32_t place = unproven->heads[address % HEADS]; place;
		place = place_at(unproven, place)->next) {
		if (place_at(unproven, place)->address != address)
			continue;
		oldest = place_at(unproven, place)->endpoint;
		++*count;
	}
	return oldest;
}
