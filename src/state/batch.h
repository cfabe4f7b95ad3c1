/* What is written at once, or read: changes of reasons and quiet times of their endpoints. */
#ifndef STATE_BATCH_H
#define STATE_BATCH_H

#include <natbox/endpoints.h>

enum {
	SEED_SIZE = 16,
	/* A record writes to a page of 4 KB at worst: 16 MB of memory while a batch is written. */
	BATCH_RECORDS_MAX = 4096,
	BATCH_ID_BYTES = 1 << 18,
	/* Quiet times in one row, which so fills half a page, and such rows in a batch. */
	QUIETS_OF_BLOCK = 256,
	BATCH_BLOCKS_MAX = 128,
};

/* Points in time that can be compared after a restart, also when the wall clock was set in between.
 */
enum { BOOT_ID_SIZE = 40 };

struct timestamp {
	int64_t wall_us;            /* CLOCK_REALTIME: comparable always, but may be set */
	int64_t boot_us;            /* CLOCK_BOOTTIME: never set, but starts anew at each boot */
	char boot_id[BOOT_ID_SIZE]; /* which boot; filled up with zeros; empty when not known */
};

void timestamp_now(struct timestamp *timestamp);

/* What has passed from the one to the other. Within one boot the boot clock tells. Across boots the
 * wall clock has to, as far as it can be believed: one that went back, or more than 90 days forth,
 * longer than any reason lasts, counts as no time at all, so that a wrong clock does not end
 * everything. */
int64_t timestamp_elapsed(const struct timestamp *from, const struct timestamp *to);

/* What a file says of itself. */
struct meta {
	uint8_t seed[SEED_SIZE];
	uint64_t number;  /* of the batch */
	int64_t state_us; /* the state clock when it was gathered */
	struct timestamp timestamp;
	uint64_t interval_us; /* keepalive.interval then; slow endpoints had a longer one */
};

/* For how long the endpoint of the reason in a row had been quiet, rounded up. A quiet time is no
 * longer than an interval, which leaves a bit for whether the endpoint is slow (endpoints.h). */
#define QUIET_IS_SLOW (UINT32_C(1) << 31)
struct quiet {
	uint32_t row, quiet_ms;
};

struct quiet_block {
	uint32_t number;
	unsigned count;
	struct quiet quiets[QUIETS_OF_BLOCK];
};

struct batch {
	struct meta meta;
	unsigned count, block_count;
	size_t id_bytes;
	uint32_t rows[BATCH_RECORDS_MAX];
	struct record records[BATCH_RECORDS_MAX]; /* left_us 0: the row goes */
	char ids[BATCH_ID_BYTES];
	struct quiet_block blocks[BATCH_BLOCKS_MAX];
};

static inline void batch_clear(struct batch *batch)
{
	batch->count = batch->block_count = 0;
	batch->id_bytes = 0;
}

static inline bool batch_is_empty(const struct batch *batch)
{
	return !batch->count && !batch->block_count;
}

/* Whether there is room for any record and any block. */
static inline bool batch_has_room(const struct batch *batch)
{
	return batch->count < BATCH_RECORDS_MAX && batch->block_count < BATCH_BLOCKS_MAX &&
	       sizeof(batch->ids) - batch->id_bytes >= LABEL_MAX + CLASS_NAME_MAX;
}

static inline struct text batch_copy(struct batch *batch, struct text text)
{
	char *copy = batch->ids + batch->id_bytes;

	if (text.length)
		memcpy(copy, text.at, text.length);
	batch->id_bytes += text.length;
	return (struct text){copy, text.length};
}

/* Adds a record with a copy of its id and user, LABEL_MAX bytes together, and of its class. There
 * has to be room. */
static inline void batch_add(struct batch *batch, uint32_t row, const struct record *record)
{
	struct record *added = &batch->records[batch->count];

	batch->rows[batch->count++] = row;
	*added = *record;
	added->id = batch_copy(batch, record->id);
	added->user = batch_copy(batch, record->user);
	added->class = batch_copy(batch, record->class);
}

#endif
