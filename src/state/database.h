/* The SQLite database in the state file: natbox.8 describes its tables. Each row has a check, so
 * that none is taken for true that natbox has not written.
 *
 * The first of these to fail says why in the database's result and what, and those after it do
 * nothing. Whatever they come to, database_close is to follow. */
#ifndef STATE_DATABASE_H
#define STATE_DATABASE_H

#include "batch.h"
#include "rows.h"

struct database {
	sqlite3 *handle;   /* NULL: it is closed */
	int result;        /* 0, or -EBADMSG with the rest of a sentence about the file in what, */
	struct fault what; /* or another negative errno with a cause */
};

/* Opens a file that is there. */
void database_open(struct database *database, const char *path);

/* Reads what it says of itself. -ENOENT: nothing was ever written to it. */
void database_look(struct database *database, struct meta *meta);

/* Looks at all of its structure, and forgets records whose time was over at state_us. */
void database_examine(struct database *database, int64_t state_us);

/* Writes what is in a batch, all or nothing of it. */
void database_write(struct database *database, const struct batch *batch);

/* Reads records into an empty batch; before the first of them, all quiet times, in memory that is
 * the caller's to free. Whether there may be more. -EBADMSG, once all is read: a row was not as
 * natbox has written it. */
bool database_read(struct database *database, struct reading *reading, struct batch *batch);

void database_close(struct database *database);

#endif
