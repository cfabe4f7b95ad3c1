/* Labels: the names that reasons carry (an AOR, a Call-ID), kept in one arena. Sizes are rounded to
 * LABEL_UNIT bytes and each size has its own list of free places, so there is no allocation after
 * the start. Nothing is compacted: when the arena is used up, bigger free places are split, and a
 * name for which there is none is cut to a smaller one. */
#ifndef NATBOX_LABELS_H
#define NATBOX_LABELS_H

#include <natbox/text.h>

enum {
	LABEL_UNIT = 4,
	LABEL_MAX = 510, /* bytes of a name; a longer one is cut: it is for people and logs */
	LABEL_UNITS_MAX = (1 << 29) - 1, /* places fit 29 bits: 2 GB of names */
	LABEL_CLASSES = (2 + LABEL_MAX + LABEL_UNIT - 1) / LABEL_UNIT + 1,
};

struct labels {
	uint32_t *units;
	uint32_t limit, used; /* in units; unit 0 is no label */
	uint32_t free[LABEL_CLASSES];
};

/* Room for count names of average bytes each. 0 or -ENOMEM. */
int labels_init(struct labels *labels, uint32_t count, uint32_t average);
void labels_free(struct labels *labels);

/* Keeps a copy, of as much of the name as there is room for where the arena is nearly full. Returns
 * its place, or 0 when there is no room at all. */
uint32_t label_take(struct labels *labels, struct text name);
void label_give(struct labels *labels, uint32_t place);
struct text label_text(const struct labels *labels, uint32_t place);

#endif
