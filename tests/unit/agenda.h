/* What is to happen in a world of a test, and when: the first one first, and what is due at the
 * same time in the order in which it was planned. */
#ifndef NATBOX_TESTS_AGENDA_H
#define NATBOX_TESTS_AGENDA_H

#include "border.h"

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

/* What is planned happens, and what that plans, and in between what the border's engine has to do:
 * until AGENDA_QUIET_S seconds after there was nothing more for the first time. *now_us follows. */
enum { AGENDA_QUIET_S = 400 };
void agenda_live(struct agenda *agenda, struct border *border, uint64_t *now_us,
	void (*happen)(const void *what));

#endif
