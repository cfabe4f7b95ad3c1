/* The state file itself. include/natbox/state.h describes what is in it. Whoever uses a store does
 * so from one thread at a time. */
#ifndef STORE_H
#define STORE_H

#include "directory.h"

#include "moment.h"
#include <natbox/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define STORE_FILE "state.mdb"

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

struct store {
	struct directory directory;
	char path[PATH_MAX];
	struct stat file;  /* the one this store reads and writes; st_ino 0: none yet */
	size_t last_write; /* the number of the last transaction in it */
	bool begun;        /* the file has been begun, but nothing was written to it yet */
	bool is_new;       /* the last write was the first to its file */
};

/* path: the directory. Creates it when it is missing, locks it, and examines the file. 0: it can be
 * read, *meta is what it says; -ENOENT: there is none, or it has been set aside, which *fault says
 * (else its line is empty); any other error: nothing can be read, but writing may be tried. */
int store_open(struct store *store, const char *path, struct store_meta *meta, struct fault *fault);

/* Hands out all reasons in ascending order of their slots, each with its quiet times, which are
 * NULL when there are none; then calls end. Labels live until then. 0 or a negative errno. */
typedef void store_visitor(void *context, uint32_t slot, const struct stored_reason *reason,
	const char *label, const struct stored_quiet *quiet);
int store_read(struct store *store, store_visitor *visit, void (*end)(void *context), void *context,
	struct fault *fault);

/* Writes all of the batch, or nothing of it: 0 or a negative errno. */
int store_write(struct store *store, struct batch *batch, struct fault *fault);

#endif
