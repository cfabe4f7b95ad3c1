#include <natbox/endpoints.h>

#include <errno.h>

/* A label is two lengths in two bytes, of the name (LABEL_MAX) and of the user (LABEL_USER_MAX),
 * then both. */
enum { NAME_BITS = 9, NAME_MASK = (1 << NAME_BITS) - 1 };

static unsigned class_of(size_t length)
{
	return (unsigned)((2 + length + LABEL_UNIT - 1) / LABEL_UNIT);
}

int labels_init(struct labels *labels, uint32_t count, uint32_t average)
{
	uint64_t limit = (uint64_t)count * class_of(average) + 1;

	memset(labels, 0, sizeof(*labels));
	labels->limit = limit > LABEL_UNITS_MAX ? LABEL_UNITS_MAX : (uint32_t)limit;
	labels->used = 1;
	labels->share = class_of(average);
	labels->units = table_new(labels->limit, LABEL_UNIT);
	return labels->units ? 0 : -ENOMEM;
}

void labels_free(struct labels *labels)
{
	table_free(labels->units, labels->limit, LABEL_UNIT);
	labels->units = NULL;
}

static uint32_t take_free(struct labels *labels, unsigned class)
{
	uint32_t piece = labels->free[class];

	if (piece)
		labels->free[class] = labels->units[piece];
	return piece;
}

static void put_free(struct labels *labels, unsigned class, uint32_t piece)
{
	labels->units[piece] = labels->free[class];
	labels->free[class] = piece;
}

static uint32_t take_unused(struct labels *labels, unsigned class)
{
	uint32_t piece = labels->used;

	if (labels->limit - labels->used < class)
		return 0;
	labels->used += class;
	return piece;
}

static uint32_t split_bigger(struct labels *labels, unsigned class)
{
	for (unsigned bigger = class + 1; bigger < LABEL_CLASSES; bigger++) {
		uint32_t piece = take_free(labels, bigger);

		if (piece) {
			put_free(labels, bigger - class, piece + class);
			return piece;
		}
	}
	return 0;
}

static uint32_t beyond_share(const struct labels *labels, unsigned class)
{
	return class > labels->share ? class - labels->share : 0;
}

/* The biggest piece there is of at most that class, which becomes its own. */
static uint32_t take_piece(struct labels *labels, unsigned *class)
{
	uint32_t piece = take_free(labels, *class);

	if (!piece)
		piece = take_unused(labels, *class);
	if (!piece)
		piece = split_bigger(labels, *class);
	while (!piece && *class > 1)
		piece = take_free(labels, --*class);
	return piece;
}

/* As much of a name as a piece has room for; what it does not need of the piece is free again, as
 * the length tells the size of the piece when it is given back. */
static size_t cut_to(struct labels *labels, uint32_t piece, unsigned *class, size_t length)
{
	const size_t room = *class * LABEL_UNIT - 2;
	unsigned needed;

	if (length > room)
		length = room;
	needed = class_of(length);
	if (needed < *class)
		put_free(labels, *class - needed, piece + needed);
	*class = needed;
	return length;
}

static void write(uint8_t *bytes, struct text name, struct text user)
{
	const uint16_t lengths = (uint16_t)(name.length | user.length << NAME_BITS);

	memcpy(bytes, &lengths, sizeof(lengths));
	bytes += sizeof(lengths);
	if (name.length)
		memcpy(bytes, name.at, name.length);
	if (user.length)
		memcpy(bytes + name.length, user.at, user.length);
}

uint32_t label_take(struct labels *labels, struct text name, struct text user)
{
	unsigned class, wanted;
	uint32_t piece;

	if (name.length > LABEL_MAX)
		name.length = LABEL_MAX;
	if (user.length > LABEL_USER_MAX || name.length + user.length > LABEL_MAX)
		user.length = 0;
	class = wanted = class_of(name.length + user.length);

	if (beyond_share(labels, class) > labels->limit / 2 - labels->beyond)
		class = labels->share;
	piece = take_piece(labels, &class);
	if (!piece)
		return 0;
	if (class < wanted) {
		user.length = 0;
		name.length = cut_to(labels, piece, &class, name.length);
	}
	labels->beyond += beyond_share(labels, class);
	write((uint8_t *)(labels->units + piece), name, user);
	return piece;
}

void label_give(struct labels *labels, uint32_t piece)
{
	const unsigned class =
		class_of(label_text(labels, piece).length + label_user(labels, piece).length);

	labels->beyond -= beyond_share(labels, class);
	put_free(labels, class, piece);
}

struct text label_text(const struct labels *labels, uint32_t piece)
{
	const char *bytes = (const char *)(labels->units + piece);
	uint16_t lengths;

	memcpy(&lengths, bytes, sizeof(lengths));
	return (struct text){bytes + sizeof(lengths), lengths & NAME_MASK};
}

struct text label_user(const struct labels *labels, uint32_t piece)
{
	const char *bytes = (const char *)(labels->units + piece);
	uint16_t lengths;

	memcpy(&lengths, bytes, sizeof(lengths));
	return (struct text){bytes + sizeof(lengths) + (lengths & NAME_MASK), lengths >> NAME_BITS};
}
