/* The state file itself. include/natbox/state.h describes what is in it. Whoever uses a store does
 * so from one thread at a time. */
#ifndef STORE_H
#define STORE_H

#include "directory.h"
#include "format.h"

#include <sys/stat.h>

#define STORE_FILE "state.mdb"

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
