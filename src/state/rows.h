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
	int64_t now_us; /* on the state clock */
	uint32_t last_row;
	int64_t *last_us;   /* by row, up to that one: its endpoint was heard or sent a keepalive */
	sqlite3_stmt *rows; /* of the records */
	bool is_damaged;    /* a row was not as natbox has written it */
};

/* What is in a row, as it is at now_us; quiet times go to the reading. False when natbox has not
 * written it like this. Ids live until the next row. */
bool row_get_meta(sqlite3_stmt *row, struct meta *meta);
bool row_get_quiets(sqlite3_stmt *row, const struct meta *meta, struct reading *reading);
bool row_get_record(
	sqlite3_stmt *row, const struct reading *reading, uint32_t *number, struct record *record);

/* A check against accidents only, and quick: a word at a time, each multiplied into all that came
 * before. What sum_words has come to is folded in the end. */
#define SUM_ODD UINT64_C(0x9e3779b97f4a7c15)
uint64_t sum_words(uint64_t sum, const void *bytes, size_t length);
static inline uint64_t sum_fold(uint64_t sum)
{
	return sum ^ sum >> 32;
}

#endif
