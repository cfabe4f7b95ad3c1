#include <natbox/base.h>
#include <natbox/endpoints.h>

#include <errno.h>
#include <string.h>

/* A label is its length in two bytes, then the name. */
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

uint32_t label_take(struct labels *labels, struct text name)
{
	uint16_t length = (uint16_t)(name.length < LABEL_MAX ? name.length : LABEL_MAX);
	unsigned class = class_of(length);
	uint32_t piece;
	uint8_t *bytes;

	if (beyond_share(labels, class) > labels->limit / 2 - labels->beyond)
		class = labels->share;
	piece = take_piece(labels, &class);
	bytes = (uint8_t *)(labels->units + piece);

	if (!piece)
		return 0;
	labels->beyond += beyond_share(labels, class);
	if (class < class_of(length))
		length = (uint16_t)(class * LABEL_UNIT - 2);
	memcpy(bytes, &length, sizeof(length));
	memcpy(bytes + sizeof(length), name.at, length);
	return piece;
}

void label_give(struct labels *labels, uint32_t piece)
{
	const unsigned class = class_of(label_text(labels, piece).length);

	labels->beyond -= beyond_share(labels, class);
	put_free(labels, class, piece);
}

struct text label_text(const struct labels *labels, uint32_t piece)
{
	const char *bytes = (const char *)(labels->units + piece);
	uint16_t length;

	memcpy(&length, bytes, sizeof(length));
	return (struct text){bytes + sizeof(length), length};
}
