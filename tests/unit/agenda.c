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

static void take(struct agenda *agenda, struct agenda_item *first)
{
	struct agenda_item *items = agenda->items;
	const struct agenda_item last = items[--agenda->count];
	unsigned at = 0, child;

	*first = items[0];
	while ((child = 2 * at + 1) < agenda->count) {
		if (child + 1 < agenda->count && is_earlier(&items[child + 1], &items[child]))
			child++;
		if (!is_earlier(&items[child], &last))
			break;
		items[at] = items[child];
		at = child;
	}
	items[at] = last;
}

void agenda_live(struct agenda *agenda, struct border *border, uint64_t *now_us,
	void (*happen)(const void *what))
{
	struct agenda_item item;
	uint64_t end_us = UINT64_MAX;

	while (agenda->count || *now_us < end_us) {
		if (!agenda->count && end_us == UINT64_MAX)
			end_us = *now_us + AGENDA_QUIET_S * UINT64_C(1000000);
		item.time_us = agenda->count ? agenda->items[0].time_us : end_us;
		if (border_runs_before(border, item.time_us))
			continue;
		*now_us = item.time_us;
		if (!agenda->count)
			return;
		take(agenda, &item);
		happen(item.what);
	}
}
