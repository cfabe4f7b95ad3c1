/* Metrics as text: Prometheus' exposition format, version 0.0.4, with the names and labels that
 * CONTRACT "Metrics" fixes. Every series there can be is there from the start, with its zero. */
#ifndef NATBOX_EXPOSITION_H
#define NATBOX_EXPOSITION_H

#include <natbox/engine.h>

/* What there is to tell, all of one moment. */
struct metrics_snapshot {
	struct engine_counters engine;
	uint64_t capture_drops; /* packets that the kernel lost because nobody took them in time */
	uint64_t state_lag_us;  /* state_lag */
	uint64_t event_lines_lost;
};

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Room for the text with every number as long as it can be. */
enum { EXPOSITION_MAX = 16384 };

/* Writes the text, with a terminating zero; returns its length. */
size_t exposition_write(const struct metrics_snapshot *snapshot, char text[static EXPOSITION_MAX]);

#endif
