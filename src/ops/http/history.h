/* What the figures were: a sample a minute, for a day. */
#ifndef NATBOX_HISTORY_H
#define NATBOX_HISTORY_H

#include "../json.h"

#include <natbox/ops.h>

enum {
	HISTORY_SAMPLES = 24 * 60,
	HISTORY_EVERY_US = 60 * 1000 * 1000,
	/* Room for all of it as JSON: five numbers of 32 bits each, and some to spare. */
	HISTORY_JSON_MAX = HISTORY_SAMPLES * 64 + 128,
};

/* The sizes of a moment, and what had been counted by then. */
struct history_sample {
	uint64_t at_us;
	uint32_t lost, reasons[REASON_KINDS];
	uint64_t rtts[RTT_BOUNDS + 1];
	uint64_t capture_drops, refused, event_lines_lost;
};

/* Zeroed it is empty. */
struct history {
	struct history_sample samples[HISTORY_SAMPLES];
	uint32_t count; /* taken in all; number i stands at i % HISTORY_SAMPLES */
};

/* Takes a sample where it is time for one: at first at once. */
void history_note(
	struct history *history, const struct metrics_snapshot *snapshot, uint64_t now_us);

/* The latest sample that is at least so old, else the oldest there is. NULL: there is none. */
const struct history_sample *history_before(
	const struct history *history, uint64_t age_us, uint64_t now_us);

/* All samples, the oldest first. */
void history_write(const struct history *history, uint64_t now_us, struct json *json);

#endif
