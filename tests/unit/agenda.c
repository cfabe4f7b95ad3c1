#include "agenda.h"

#include <criterion/criterion.h>
#include <string.h>

void agenda_clear(struct agenda *agenda)
{
	agenda->count = 0;
	agenda->numbers = 0;
}

static bool is_earlier(const struct agenda_item *a, const struct agenda_item *b)
{
	return a->time_us < b->time_us || (a->time_us == b->time_us && a->number < b->number);
}

void agenda_plan(struct agenda *agenda, uint64_t time_us, const void *what, size_t size)
{
	struct agenda_item *items = agenda->items;
	struct agenda_item item = {.time_us = time_us, .number = agenda->numbers++};
	unsigned at = agenda->count++;

	cr_assert_lt(at, AGENDA_MAX);
	cr_assert_leq(size, AGENDA_ITEM_MAX);
	memcpy(item.what, what, size);
	for (; at && is_earlier(&item, &items[(at - 1) / 2]); at = (at - 1) / 2)
		items[at] = items[(at - 1) / 2];
	items[at] = item;
}

uint64_t agenda_next(const struct agenda *agenda)
{
	return agenda->count ? agenda->items[0].time_us : UINT64_MAX;
}

bool agenda_take(struct agenda *agenda, uint64_t *time_us, void *what, size_t size)
{
	struct agenda_item *items = agenda->items;
	struct agenda_item last;
	unsigned at = 0, child;

	if (!agenda->count)
		return false;
	*time_us = items[0].time_us;
	memcpy(what, items[0].what, size);
	last = items[--agenda->count];
	while ((child = 2 * at + 1) < agenda->count) {
		if (child + 1 < agenda->count && is_earlier(&items[child + 1], &items[child]))
			child++;
		if (!is_earlier(&items[child], &last))
			break;
		items[at] = items[child];
		at = child;
	}
	items[at] = last;
	return true;
}
