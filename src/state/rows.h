/* What stands in a row of the tables. */
#ifndef STATE_ROWS_H
#define STATE_ROWS_H

#include "batch.h"

#include <sqlite3.h>

/* A statement's parameters for a row. state_us: the state clock when it was gathered. What is bound
 * lives until the next call. */
void row_put_meta(sqlite3_stmt *row, const struct meta *meta);
void row_put_record(
	sqlite3_stmt *row, uint32_t number, const struct record *record, int64_t state_us);
void row_put_quiet(sqlite3_stmt *row, const struct quiet_block *block, int64_t state_us);

/* A file on its way into the tables. */
struct reading {
	struct meta meta;
	int64_t now_us; /* on the state clock */
	bool has_quiets, is_damaged;
};

/* What is in a row, as it is at now_us. False when natbox has not written it like this. Ids live
 * until the next row. */
bool row_get_meta(sqlite3_stmt *row, struct meta *meta);
bool row_get_record(
	sqlite3_stmt *row, const struct reading *reading, uint32_t *number, struct record *record);
bool row_get_quiet(sqlite3_stmt *row, const struct reading *reading, struct quiet_block *block);

#endif
