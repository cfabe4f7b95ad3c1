/* The SQLite database in the state file: natbox.8 describes its tables. Each row has a check, so
 * that none is taken for true that natbox has not written.
 *
 * Each of these returns 0 or a negative errno, and has then set database->what: -EBADMSG with the
 * rest of a sentence about the file, any other one with a cause. Whatever they return,
 * database_close is to follow. */
#ifndef STATE_DATABASE_H
#define STATE_DATABASE_H

#include "batch.h"
#include "rows.h"

struct database {
	sqlite3 *handle; /* NULL: it is closed */
	struct fault what;
};

/* Opens a file that is there, and reads what it says of itself. -ENOENT: it was never written
 * to. */
int database_open(struct database *database, const char *path, struct meta *meta);

/* Makes the tables in an empty file. */
int database_make(struct database *database, const char *path);

/* Looks at all of its structure, and forgets records whose time was over at state_us. */
int database_examine(struct database *database, int64_t state_us);

/* Writes what is in a batch, all or nothing of it. */
int database_write(struct database *database, const struct batch *batch);

/* Reads records into an empty batch; before the first of them, all quiet times, in memory that is
 * the caller's to free. 1: there is more. -EBADMSG, once all is read: a row was not as natbox has
 * written it. */
int database_read(struct database *database, struct reading *reading, struct batch *batch);

void database_close(struct database *database);

#endif
