/* When packets came last, to a second, at no cost for any of them. */
#ifndef NATBOX_LATELY_H
#define NATBOX_LATELY_H

#include <natbox/report.h>

/* Of DIRECTION_IN and DIRECTION_OUT, zeroed at the start. */
struct lately {
	uint64_t counted[DIRECTION_NONE];
	uint64_t seen_us[DIRECTION_NONE]; /* 0: never */
};

/* About once a second. */
void lately_look(struct lately *lately, const struct engine_counters *counters, uint64_t now_us);

/* How long ago; UINT64_MAX: there was none. */
uint64_t lately_since(const struct lately *lately, enum direction direction, uint64_t now_us);

#endif
