/* The state file, an SQLite database: natbox.8 describes its tables. Each row has a check, so that
 * none is taken for true that natbox has not written. The file is open only while it is read or
 * written, so that all of it is in the one file in between; then the journal beside it is empty.
 *
 * What may wait for a disk is the store's job, in a thread of its own, to which the store belongs
 * while that runs. */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include "batch.h"
#include "directory.h"
#include "job.h"
#include "rows.h"

struct store {
	struct directory directory;
	char path[PATH_MAX];
	bool has_file;       /* one that this store reads and writes */
	bool is_unread;      /* there is one that could not be read, for a cause not its own */
	struct meta meta;    /* what it says of itself */
	bool has_written;    /* this store has: the structure of its file is sound, or its own */
	struct batch *batch; /* one of the two */

	struct job job;
	int result;         /* of the job: 0 or a negative errno, */
	struct fault fault; /* and why; its line is empty where there is nothing to say */
	sqlite3 *handle;    /* NULL: the file is closed */
	struct reading reading;
	bool has_more; /* to be read */
	struct batch batches[2];
};

/* path: the directory. NULL when memory is short. */
struct store *store_new(const char *path);
void store_free(struct store *store);

/* The jobs, with the store as context. After store_look and store_read the fault waits for
 * store_judge: -EBADMSG with the rest of a sentence about the file, -ENOENT without a word where
 * there is none or nothing was ever written to it, any other error with its cause. */

/* Opens the file, and reads what it says of itself, and all quiet times. */
void *store_look(void *store);

/* Reads records into the batch. A row that is not as natbox has written it is an error once all is
 * read, when the file is closed. */
void *store_read(void *store);

/* Locks the directory, and writes all of the batch, or nothing of it. 1: the first to its file. The
 * fault is a line for people; where another natbox has the directory for good, that of before. */
void *store_write(void *store);

/* What came of `doing`, "read" or "write": makes a line for people of what is wrong. A file that is
 * damaged is set aside; `then` says what natbox goes on with. -ENOENT: there is none, or none any
 * more. */
void store_judge(struct store *store, const char *doing, const char *then);

#endif
