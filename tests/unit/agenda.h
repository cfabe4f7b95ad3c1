/* What is to happen in a world of a test, and when: the first one first, and what is due at the
 * same time in the order in which it was planned. */
#ifndef NATBOX_TESTS_AGENDA_H
#define NATBOX_TESTS_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGENDA_MAX = 1 << 14, AGENDA_ITEM_MAX = 96 };

struct agenda_item {
	uint64_t time_us, number;
	_Alignas(uint64_t) char what[AGENDA_ITEM_MAX];
};

struct agenda {
	uint64_t numbers;
	unsigned count;
	struct agenda_item items[AGENDA_MAX]; /* a heap */
};

/* Forgets all of it. */
void agenda_clear(struct agenda *agenda);

/* Plans what has size bytes, AGENDA_ITEM_MAX at most. */
void agenda_plan(struct agenda *agenda, uint64_t time_us, const void *what, size_t size);

/* When the first one is due; UINT64_MAX: there is none. */
uint64_t agenda_next(const struct agenda *agenda);

/* Takes the first one out. False when there is none. */
bool agenda_take(struct agenda *agenda, uint64_t *time_us, void *what, size_t size);

#endif
