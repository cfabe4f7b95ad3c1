/* Metrics as text: Prometheus' exposition format, version 0.0.4, with the names and labels that
 * CONTRACT "Metrics" fixes. Every series there can be is there from the start, with its zero. */
#ifndef NATBOX_EXPOSITION_H
#define NATBOX_EXPOSITION_H

#include <natbox/engine.h>

/* Turns of the event loop are counted by how long they are, at most: microseconds. The last of the
 * counters is of those beyond. */
enum { TURN_BOUNDS = 10 };
extern const uint32_t turn_bounds_us[TURN_BOUNDS];

struct turn_counters {
	uint64_t turns[TURN_BOUNDS + 1];
	uint64_t total_us; /* of all turns together */
};

/* What there is to tell, all of one moment. */
struct metrics_snapshot {
	struct engine_counters engine;
	uint64_t capture_drops; /* packets that the kernel lost because nobody took them in time */
	uint64_t state_lag_us;  /* state_lag */
	uint64_t event_lines_lost;
	struct turn_counters turns;
};

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Room for the text with every number as long as it can be. */
enum { EXPOSITION_MAX = 16384 };

/* Writes the text, with a terminating zero; returns its length. */
size_t exposition_write(const struct metrics_snapshot *snapshot, char text[static EXPOSITION_MAX]);

#endif
