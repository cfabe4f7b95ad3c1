#include <natbox/labels.h>

#include <errno.h>
#include <stdlib.h>
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
	labels->units = calloc(labels->limit, LABEL_UNIT);
	return labels->units ? 0 : -ENOMEM;
}

void labels_free(struct labels *labels)
{
	free(labels->units);
	labels->units = NULL;
}

uint32_t label_take(struct labels *labels, struct text name)
{
	uint16_t length = (uint16_t)(name.length < LABEL_MAX ? name.length : LABEL_MAX);
	unsigned class = class_of(length);
	uint32_t place = labels->free[class];
	uint8_t *bytes;

	if (place) {
		labels->free[class] = labels->units[place];
	} else if (labels->limit - labels->used >= class) {
		place = labels->used;
		labels->used += class;
	} else {
		return 0;
	}
	bytes = (uint8_t *)(labels->units + place);
	memcpy(bytes, &length, sizeof(length));
	memcpy(bytes + sizeof(length), name.at, length);
	return place;
}

void label_give(struct labels *labels, uint32_t place)
{
	unsigned class = class_of(label_text(labels, place).length);

	labels->units[place] = labels->free[class];
	labels->free[class] = place;
}

struct text label_text(const struct labels *labels, uint32_t place)
{
	const char *bytes = (const char *)(labels->units + place);
	uint16_t length;

	memcpy(&length, bytes, sizeof(length));
	return (struct text){bytes + sizeof(length), length};
}
