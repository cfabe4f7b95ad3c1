/* The SQLite database in the state file: natbox.8 describes its tables. Each row has a check, so
 * that none is taken for true that natbox has not written.
 *
 * Each of these returns 0 or a negative errno, and says in *what what is wrong: -EBADMSG with the
 * rest of a sentence about the file, any other one with a cause. */
#ifndef STATE_DATABASE_H
#define STATE_DATABASE_H

#include "batch.h"
#include "rows.h"

#include <sqlite3.h>

enum statement {
	STATEMENT_PUT_META,
	STATEMENT_GET_META,
	STATEMENT_PUT_REASON,
	STATEMENT_END_REASON,
	STATEMENT_GET_REASONS,
	STATEMENT_PUT_QUIET,
	STATEMENT_GET_QUIET,
	STATEMENTS,
};

struct database {
	sqlite3 *handle; /* NULL: it is closed */
	sqlite3_stmt *statements[STATEMENTS];
};

/* Opens a file that is there, and reads what it says of itself. -ENOENT: it was never written to.
 * Where that fails nothing is left open. */
int database_open(
	struct database *database, const char *path, struct meta *meta, struct fault *what);

/* Makes the tables in an empty file. Where that fails nothing is left open. */
int database_make(struct database *database, const char *path, struct fault *what);

/* Looks at all of its structure, and forgets records whose time was over at state_us. */
int database_examine(struct database *database, int64_t state_us, struct fault *what);

/* Writes what is in a batch, all or nothing of it. */
int database_write(struct database *database, const struct batch *batch, struct fault *what);

/* Reads what is in the file into an empty batch: quiet times until there are no more, then records.
 * 1: there is more. -EBADMSG, once all is read: a row was not as natbox has written it. */
int database_read(struct database *database, struct reading *reading, struct batch *batch,
	struct fault *what);

/* The highest number of a row with a record; ROW_MAX where that makes no sense: slots keep their
 * rows, so it is no more than there ever were reasons at a time. */
enum { ROW_MAX = 1 << 26 };
int database_last_row(struct database *database, uint32_t *row, struct fault *what);

void database_close(struct database *database);

#endif
