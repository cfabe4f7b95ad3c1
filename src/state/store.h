/* The state file among other files: whose it is, and what becomes of it when it is damaged or
 * somebody else's. It is open only while it is read or written, so that all of it is in the one
 * file in between; then the journal beside it is empty. */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include "batch.h"
#include "directory.h"

struct store {
	struct directory directory;
	char path[PATH_MAX];
	bool has_file;    /* one that this store reads and writes */
	struct meta meta; /* what it says of itself */
	bool is_examined; /* its structure is sound, or it is this store's own */
};

/* path: the directory. Creates it when it is missing, and locks it. 0 or a negative errno. */
int store_open(struct store *store, const char *path, struct fault *fault);

/* Whether there is a file to be read: 0, -ENOENT: none, any other error: it cannot be said. */
int store_find(const struct store *store, struct fault *what);

/* What came of `doing`, "read" or "write": the result, and in *fault what is wrong, of which this
 * makes a line for people. A file that is damaged is set aside; `then` says what natbox goes on
 * with. 0, -ENOENT: there is none, or none any more (where *fault has a line it says why), any
 * other error: it cannot be read or written now. */
int store_judge(
	struct store *store, int result, const char *doing, const char *then, struct fault *fault);

/* Moves a file of the directory out of the way, to FILE.HOW-TIME, which nothing is called yet. 0 or
 * a negative errno. */
enum { ASIDE_NAME_MAX = 64 };
int store_move_aside(const struct store *store, const char *file, const char *how,
	char name[static ASIDE_NAME_MAX]);

/* Writes all of the batch, or nothing of it: 0, 1: the first to its file, or a negative errno. */
int store_write(struct store *store, struct batch *batch, struct fault *fault);

#endif
