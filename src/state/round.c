#include "round.h"

#include <errno.h>
#include <time.h>

/* Records gathered at once, which takes 100 us. With a cache that is full of other things it would
 * take a millisecond and more: then there are fewer. */
enum { GATHERED_AT_ONCE = 256, GATHERED_BETWEEN_LOOKS = 32, GATHERING_US = 300 };

static size_t slots_of(const struct endpoints *endpoints)
{
	return (size_t)endpoints->reasons.capacity + 1;
}

int round_init(struct round *round, struct endpoints *endpoints, uint64_t now_us, uint32_t last_row)
{
	struct rows *rows = &round->rows;

	*round = (struct round){.endpoints = endpoints, .quiet_due_us = now_us};
	rows->of_slot = table_new(slots_of(endpoints), sizeof(uint32_t));
	if (!rows->of_slot || changes_init(&rows->unused, last_row) != 0 ||
		changes_init(&rows->free, last_row) != 0)
		return -ENOMEM;
	while (rows->last < last_row)
		changes_add(&rows->free, ++rows->last);
	return records_watch(endpoints);
}

void round_free(struct round *round)
{
	if (round->rows.of_slot)
		table_free(round->rows.of_slot, slots_of(round->endpoints), sizeof(uint32_t));
	changes_free(&round->rows.unused);
	changes_free(&round->rows.free);
}

void round_list_fillings(const struct round *round, struct fillings *fillings)
{
	fillings_add(fillings, round->rows.of_slot, slots_of(round->endpoints), sizeof(uint32_t),
		&round->endpoints->reasons.used);
}

void round_begin(struct round *round, uint64_t now_us, bool last)
{
	round->begun_us = now_us;
	round->is_under_way = true;
	round->is_last = last;
	round->next_slot = 1;
	if (last)
		round->quiet_block = 0;
}

static uint32_t quiet_blocks(const struct round *round)
{
	return round->endpoints->reasons.used / QUIETS_OF_BLOCK + 1;
}

/* All blocks come in turn, each once every half interval, so that at most one keepalive has been
 * sent since a quiet time was noted. */
static bool is_quiet_due(const struct round *round, uint64_t now_us)
{
	if (round->is_last)
		return round->quiet_block < quiet_blocks(round);
	return now_us >= round->quiet_due_us && round->endpoints->reasons.count &&
	       classes_keep_alive(&round->endpoints->classes);
}

static void gather_quiet(struct round *round, struct batch *batch, uint64_t now_us)
{
	const uint64_t interval_us = round->endpoints->settings->keepalive.rules.interval_us;
	const uint32_t blocks = quiet_blocks(round), number = round->quiet_block % blocks;
	struct quiet_block *block = &batch->blocks[batch->block_count++];

	block->number = number;
	block->count = 0;
	for (uint32_t i = 0; i < QUIETS_OF_BLOCK; i++) {
		uint32_t slot = number * QUIETS_OF_BLOCK + i;
		uint64_t quiet_us;
		bool is_slow;

		if (record_quiet(round->endpoints, slot, &quiet_us, &is_slow) &&
			round->rows.of_slot[slot])
			block->quiets[block->count++] = (struct quiet){round->rows.of_slot[slot],
				(uint32_t)(quiet_us / 1000 + 1) | (is_slow ? QUIET_IS_SLOW : 0)};
	}
	round->quiet_block = number + 1;
	round->quiet_due_us += interval_us / 2 / blocks;
	if (round->quiet_due_us + interval_us < now_us)
		round->quiet_due_us = now_us;
}

static uint32_t new_row(struct rows *rows)
{
	const uint32_t row = changes_take(&rows->free, 1);

	return row ? row : ++rows->last;
}

/* The row of the slot is to be what is in it now. */
static void gather_reason(struct round *round, struct batch *batch, uint32_t slot)
{
	uint32_t *row = &round->rows.of_slot[slot];
	struct record record = {0};

	if (!record_read(round->endpoints, slot, &record) && !*row)
		return;
	if (!*row)
		*row = new_row(&round->rows);
	batch_add(batch, *row, &record);
}

/* After so many: whether the next ones are to wait for another turn. */
static bool is_enough(unsigned gathered, uint64_t begun_us)
{
	if (gathered % GATHERED_BETWEEN_LOOKS != 0)
		return false;
	return gathered == GATHERED_AT_ONCE || clock_us(CLOCK_MONOTONIC) - begun_us > GATHERING_US;
}

bool round_gather(struct round *round, struct batch *batch, uint64_t now_us)
{
	const uint64_t begun_us = clock_us(CLOCK_MONOTONIC);
	const struct record none = {0};

	for (unsigned gathered = 0; gathered == 0 || !is_enough(gathered, begun_us); gathered++) {
		uint32_t slot, row;

		if (!batch_has_room(batch))
			return true;
		slot = changes_take(&round->endpoints->changes, round->next_slot);
		if (slot) {
			round->next_slot = slot;
			gather_reason(round, batch, slot);
		} else if ((row = changes_take(&round->rows.unused, 1))) {
			batch_add(batch, row, &none);
			changes_add(&round->rows.free, row);
		} else if (is_quiet_due(round, now_us)) {
			gather_quiet(round, batch, now_us);
			return false;
		} else {
			round->is_under_way = false;
			return true;
		}
	}
	return false;
}
