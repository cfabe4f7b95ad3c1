/* What stands in the state file, and the batches of changes in which it gets there. */
#ifndef STATE_FORMAT_H
#define STATE_FORMAT_H

#include "moment.h"
#include <natbox/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Another one whenever the tables change, and whenever keys of reasons are made in another
	 * way: old ones would find nothing any more. */
	STORE_VERSION = 1,
	STORE_SEED_SIZE = 16,
	/* Slots whose quiet times stand in one record. */
	QUIET_SLOTS = 512,
	/* A batch touches a page of 4 KB a record at worst: 16 MB of memory while it is written. */
	BATCH_RECORDS_MAX = 4096,
	BATCH_BYTES = 1 << 20,
};

enum store_table { STORE_META, STORE_REASONS, STORE_QUIET, STORE_TABLES };

struct store_meta {
	char magic[8];    /* "natbox" */
	uint32_t version; /* these two stay where they are in every version */
	uint32_t unused;
	uint8_t seed[STORE_SEED_SIZE];
	int64_t state_us; /* the state clock when the last batch was gathered */
	struct moment moment;
	uint64_t interval_us; /* keepalive.interval then */
};

struct stored_reason {
	uint64_t key;
	int64_t expires_us;
	int64_t taken_us; /* when this record was made */
	uint64_t quiet_us;
	uint8_t client_ip[16], proxy_ip[16];
	uint16_t client_port, proxy_port;
	uint8_t nat, kind, early, unused;
	uint16_t label_length, unused_too;
	uint32_t check; /* of all the bytes before it and of the label, which follows */
};

struct stored_quiet {
	int64_t taken_us;
	uint16_t quiet[QUIET_SLOTS]; /* 1 + units of QUIET_UNIT_US, rounded up; 0: empty */
};

enum { QUIET_UNIT_US = 64000 };

/* Changes to be written at once. */
struct batch {
	struct store_meta meta;
	uint32_t last_slot; /* reasons above are removed */
	unsigned count;
	size_t length;
	_Alignas(8) uint8_t bytes[BATCH_BYTES]; /* records, each with a head; multiples of 8 */
};

/* Adds a record with room for length bytes, to be filled in; length 0 removes the one there is.
 * NULL when the batch is full. */
void *batch_add(struct batch *batch, enum store_table table, uint32_t key, size_t length);
void batch_clear(struct batch *batch);

#endif
