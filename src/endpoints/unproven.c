#include <natbox/endpoints.h>

#include <errno.h>

/* Heads of the chains of places, and of those of addresses: with the default limits, two of all
 * that may be unproven to each. */
enum { HEADS = 1 << 16 };

/* What both kinds of items begin with. */
struct unproven_item {
	uint32_t number; /* the endpoint, or the address */
	uint32_t next;   /* with its head */
};

/* An endpoint stands in the list of all and in that of its address. */
enum list { OF_ALL, OF_ADDRESS, LISTS };

struct unproven_place {
	struct unproven_item item;
	uint32_t address; /* of addresses */
	struct {
		uint32_t older, newer; /* places; 0: none */
	} in[LISTS];
};

/* An address that has any. */
struct unproven_address {
	struct unproven_item item;
	struct unproven_list list;
};

static int items_init(struct unproven_items *items, size_t size, uint32_t limit)
{
	items->heads = table_new(HEADS, sizeof(*items->heads));
	return items->heads ? pool_init(&items->pool, size, limit) : -ENOMEM;
}

static void items_free(struct unproven_items *items)
{
	table_free(items->heads, HEADS, sizeof(*items->heads));
	pool_free(&items->pool);
}

/* Where the item with a number is linked, or will be. */
static uint32_t *items_link(const struct unproven_items *items, uint32_t number)
{
	uint32_t *link = &items->heads[number % HEADS];
	struct unproven_item *item;

	while (*link && (item = pool_item(&items->pool, *link))->number != number)
		link = &item->next;
	return link;
}

static uint32_t items_add(struct unproven_items *items, uint32_t *link, uint32_t number)
{
	*link = pool_take(&items->pool);
	*(struct unproven_item *)pool_item(&items->pool, *link) =
		(struct unproven_item){.number = number};
	return *link;
}

static void items_remove(struct unproven_items *items, uint32_t *link)
{
	const uint32_t index = *link;

	*link = ((struct unproven_item *)pool_item(&items->pool, index))->next;
	pool_give(&items->pool, index);
}

int unproven_init(struct unproven *unproven, uint32_t limit)
{
	const int error = items_init(&unproven->places, sizeof(struct unproven_place), limit);

	return error ? error
		     : items_init(&unproven->addresses, sizeof(struct unproven_address), limit);
}

void unproven_free(struct unproven *unproven)
{
	items_free(&unproven->places);
	items_free(&unproven->addresses);
}

static struct unproven_place *place_at(const struct unproven *unproven, uint32_t place)
{
	return pool_item(&unproven->places.pool, place);
}

static struct unproven_address *address_at(const struct unproven *unproven, uint32_t address)
{
	return pool_item(&unproven->addresses.pool, address);
}

static void join(const struct unproven *unproven, enum list which, struct unproven_list *list,
	uint32_t place)
{
	place_at(unproven, place)->in[which].older = list->newest;
	*(list->newest ? &place_at(unproven, list->newest)->in[which].newer : &list->oldest) =
		place;
	list->newest = place;
	list->count++;
}

static void leave(const struct unproven *unproven, enum list which, struct unproven_list *list,
	uint32_t place)
{
	const uint32_t older = place_at(unproven, place)->in[which].older,
		       newer = place_at(unproven, place)->in[which].newer;

	*(older ? &place_at(unproven, older)->in[which].newer : &list->oldest) = newer;
	*(newer ? &place_at(unproven, newer)->in[which].older : &list->newest) = older;
	list->count--;
}

void unproven_add(struct unproven *unproven, uint32_t endpoint, uint32_t number)
{
	uint32_t *link = items_link(&unproven->addresses, number);
	const uint32_t address = *link ? *link : items_add(&unproven->addresses, link, number);
	const uint32_t place =
		items_add(&unproven->places, items_link(&unproven->places, endpoint), endpoint);

	place_at(unproven, place)->address = address;
	join(unproven, OF_ALL, &unproven->all, place);
	join(unproven, OF_ADDRESS, &address_at(unproven, address)->list, place);
}

void unproven_remove(struct unproven *unproven, uint32_t endpoint)
{
	uint32_t *link = items_link(&unproven->places, endpoint);
	struct unproven_address *address = address_at(unproven, place_at(unproven, *link)->address);

	leave(unproven, OF_ALL, &unproven->all, *link);
	leave(unproven, OF_ADDRESS, &address->list, *link);
	items_remove(&unproven->places, link);
	if (!address->list.count)
		items_remove(&unproven->addresses,
			items_link(&unproven->addresses, address->item.number));
}

/* The endpoint of the oldest place. */
static uint32_t oldest_in(const struct unproven *unproven, const struct unproven_list *list)
{
	return list->oldest ? place_at(unproven, list->oldest)->item.number : 0;
}

uint32_t unproven_oldest(const struct unproven *unproven)
{
	return oldest_in(unproven, &unproven->all);
}

uint32_t unproven_oldest_of(const struct unproven *unproven, uint32_t number, uint32_t *count)
{
	const uint32_t address = *items_link(&unproven->addresses, number);

	*count = address ? address_at(unproven, address)->list.count : 0;
	return address ? oldest_in(unproven, &address_at(unproven, address)->list) : 0;
}
