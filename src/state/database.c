#include "database.h"

#include <errno.h>
#include <stdio.h>

enum {
	/* How long somebody else who has the file open, a shell for one, is waited for. */
	BUSY_WAIT_MS = 1000,
	/* Version 1 was a file of another kind; version 2 had registrations and subscriptions by
	 * other keys, and without their bindings. Another one whenever the tables change, and
	 * whenever keys of reasons are made in another way: old ones would find nothing. */
	DATABASE_VERSION = 3,
	DATABASE_APPLICATION = 0x6e617462, /* "natb" */
};

static const char make_tables[] =
	"BEGIN IMMEDIATE;"
	"PRAGMA application_id = 0x6e617462;"
	"PRAGMA user_version = 3;"
	"CREATE TABLE natbox (one INTEGER PRIMARY KEY, meta BLOB, sum INTEGER);"
	"CREATE TABLE reasons (row INTEGER PRIMARY KEY, id TEXT, record BLOB, kind TEXT,"
	" client TEXT, proxy TEXT, expires INTEGER);"
	"CREATE TABLE quiet (block INTEGER PRIMARY KEY, noted INTEGER, quiets BLOB, sum INTEGER);"
	"COMMIT";

static const char *const statements[STATEMENTS] = {
	[STATEMENT_PUT_META] = "REPLACE INTO natbox VALUES (1, ?, ?)",
	[STATEMENT_GET_META] = "SELECT meta, sum FROM natbox",
	[STATEMENT_PUT_REASON] = "REPLACE INTO reasons VALUES (?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_END_REASON] = "DELETE FROM reasons WHERE row = ?",
	[STATEMENT_GET_REASONS] = "SELECT row, id, record FROM reasons",
	[STATEMENT_PUT_QUIET] = "REPLACE INTO quiet VALUES (?, ?, ?, ?)",
	[STATEMENT_GET_QUIET] = "SELECT noted, quiets, sum FROM quiet",
};

static int find_fault(struct fault *what)
{
	return fault_set(what, -EBADMSG, "is corrupt: the check of a record does not match");
}

/* What the last call's error comes to. */
static int fail(const struct database *database, struct fault *what)
{
	int error = sqlite3_extended_errcode(database->handle);
	int number = sqlite3_system_errno(database->handle);

	switch (error & 0xff) {
	case SQLITE_NOTADB:
		return fault_set(what, -EBADMSG, "is not natbox's");
	case SQLITE_CORRUPT:
	case SQLITE_ERROR: /* a table is not there, or is another one */
		return fault_set(
			what, -EBADMSG, "is corrupt: %s", sqlite3_errmsg(database->handle));
	case SQLITE_FULL:
		number = ENOSPC;
		break;
	case SQLITE_NOMEM:
		number = ENOMEM;
		break;
	case SQLITE_READONLY:
		number = number ? number : EROFS;
		break;
	default:
		break;
	}
	if (error == SQLITE_IOERR_SHORT_READ)
		return fault_set(what, -EBADMSG, "is corrupt: it ends too early");
	if (number)
		return fault_set(what, -number, "%s", strerror(number));
	return fault_set(what, -EIO, "%s", sqlite3_errmsg(database->handle));
}

static int run(struct database *database, const char *sql, struct fault *what)
{
	return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) ? fail(database, what) : 0;
}

static sqlite3_stmt *statement_of(struct database *database, enum statement statement)
{
	sqlite3_stmt **prepared = &database->statements[statement];

	if (!*prepared)
		sqlite3_prepare_v2(database->handle, statements[statement], -1, prepared, NULL);
	return *prepared;
}

/* Runs a statement whose parameters are bound. */
static int put(struct database *database, enum statement statement, struct fault *what)
{
	sqlite3_stmt *row = database->statements[statement];

	if (!row || sqlite3_step(row) != SQLITE_DONE)
		return fail(database, what);
	sqlite3_reset(row);
	return 0;
}

/* The next row of a statement, or NULL: *result says whether there are no more, 0, or why. */
static sqlite3_stmt *next_row(
	struct database *database, enum statement statement, int *result, struct fault *what)
{
	sqlite3_stmt *row = statement_of(database, statement);
	int state = row ? sqlite3_step(row) : SQLITE_ERROR;

	*result = state == SQLITE_ROW || state == SQLITE_DONE ? 0 : fail(database, what);
	return state == SQLITE_ROW ? row : NULL;
}

static int ask_number(
	struct database *database, const char *sql, int64_t *number, struct fault *what)
{
	sqlite3_stmt *row = NULL;
	int result = 0;

	sqlite3_prepare_v2(database->handle, sql, -1, &row, NULL);
	if (row && sqlite3_step(row) == SQLITE_ROW)
		*number = sqlite3_column_int64(row, 0);
	else
		result = fail(database, what);
	sqlite3_finalize(row);
	return result;
}

void database_close(struct database *database)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(database->statements[i]);
	sqlite3_close(database->handle);
	*database = (struct database){0};
}

static int open_file(struct database *database, const char *path, struct fault *what)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	*database = (struct database){0};
	if (sqlite3_open_v2(path, &database->handle, flags, NULL) != SQLITE_OK)
		return database->handle ? fail(database, what)
					: fault_set(what, -ENOMEM, "%s", strerror(ENOMEM));
	sqlite3_busy_timeout(database->handle, BUSY_WAIT_MS);
	return 0;
}

/* Tables are not looked at before it is known that they are natbox's. */
static int check_format(struct database *database, struct fault *what)
{
	int64_t application = 0, version = 0;
	int result = ask_number(database, "PRAGMA application_id", &application, what);

	if (result == 0)
		result = ask_number(database, "PRAGMA user_version", &version, what);
	if (result != 0)
		return result;
	if (application != DATABASE_APPLICATION)
		return fault_set(what, -EBADMSG, "is not natbox's");
	if (version != DATABASE_VERSION)
		return fault_set(what, -EBADMSG,
			"has format version %lld, this natbox knows version %d only",
			(long long)version, DATABASE_VERSION);
	return 0;
}

static int get_meta(struct database *database, struct meta *meta, struct fault *what)
{
	int result;
	sqlite3_stmt *row = next_row(database, STATEMENT_GET_META, &result, what);

	if (!row)
		return result == 0 ? -ENOENT : result;
	result = row_get_meta(row, meta) ? 0 : find_fault(what);
	sqlite3_reset(row);
	return result;
}

int database_open(
	struct database *database, const char *path, struct meta *meta, struct fault *what)
{
	int result = open_file(database, path, what);

	if (result == 0)
		result = check_format(database, what);
	if (result == 0)
		result = get_meta(database, meta, what);
	if (result != 0)
		database_close(database);
	return result;
}

int database_make(struct database *database, const char *path, struct fault *what)
{
	int result = open_file(database, path, what);

	if (result == 0)
		result = run(database, make_tables, what);
	if (result != 0)
		database_close(database);
	return result;
}

int database_examine(struct database *database, int64_t state_us, struct fault *what)
{
	char forget[96];
	sqlite3_stmt *row = NULL;
	int result = 0;

	sqlite3_prepare_v2(database->handle, "PRAGMA quick_check(1)", -1, &row, NULL);
	if (!row || sqlite3_step(row) != SQLITE_ROW)
		result = fail(database, what);
	else if (strcmp((const char *)sqlite3_column_text(row, 0), "ok") != 0)
		result = fault_set(what, -EBADMSG, "is corrupt: its pages make no sense");
	sqlite3_finalize(row);
	snprintf(forget, sizeof(forget), "DELETE FROM reasons WHERE expires < %lld",
		(long long)(state_us / 1000000));
	return result == 0 ? run(database, forget, what) : result;
}

static int write_record(
	struct database *database, const struct batch *batch, unsigned i, struct fault *what)
{
	if (!batch->records[i].left_us) {
		sqlite3_bind_int64(statement_of(database, STATEMENT_END_REASON), 1, batch->rows[i]);
		return put(database, STATEMENT_END_REASON, what);
	}
	row_put_record(statement_of(database, STATEMENT_PUT_REASON), batch->rows[i],
		&batch->records[i], batch->meta.state_us);
	return put(database, STATEMENT_PUT_REASON, what);
}

static int write_all(struct database *database, const struct batch *batch, struct fault *what)
{
	int result;

	row_put_meta(statement_of(database, STATEMENT_PUT_META), &batch->meta);
	result = put(database, STATEMENT_PUT_META, what);
	for (unsigned i = 0; i < batch->count && result == 0; i++)
		result = write_record(database, batch, i, what);
	for (unsigned i = 0; i < batch->block_count && result == 0; i++) {
		row_put_quiet(statement_of(database, STATEMENT_PUT_QUIET), &batch->blocks[i],
			batch->meta.state_us);
		result = put(database, STATEMENT_PUT_QUIET, what);
	}
	return result;
}

/* Two waits for the disk a batch: one for the journal, which stays there empty, one for the file.
 * There is memory for all pages that a batch may change, which would else be written twice. */
static const char begin[] = "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL;"
			    "PRAGMA cache_size = -32000; BEGIN IMMEDIATE";

int database_write(struct database *database, const struct batch *batch, struct fault *what)
{
	int result = run(database, begin, what);

	if (result == 0)
		result = write_all(database, batch, what);
	return result == 0 ? run(database, "COMMIT", what) : result;
}

int database_last_row(struct database *database, uint32_t *row, struct fault *what)
{
	int64_t number = 0;
	int result = ask_number(database, "SELECT max(row) FROM reasons", &number, what);

	*row = number < 0 || number > ROW_MAX ? ROW_MAX : (uint32_t)number;
	return result;
}

int database_read(
	struct database *database, struct reading *reading, struct batch *batch, struct fault *what)
{
	int result = 0;
	sqlite3_stmt *row = NULL;

	while (!reading->has_quiets && batch_has_room(batch)) {
		row = next_row(database, STATEMENT_GET_QUIET, &result, what);
		if (!row)
			reading->has_quiets = true;
		else if (row_get_quiet(row, reading, &batch->blocks[batch->block_count]))
			batch->block_count++;
		else
			reading->is_damaged = true;
	}
	if (batch->block_count)
		return result == 0 ? 1 : result;
	while (batch_has_room(batch) && result == 0 &&
		(row = next_row(database, STATEMENT_GET_REASONS, &result, what))) {
		struct record record;
		uint32_t number;

		if (row_get_record(row, reading, &number, &record))
			batch_add(batch, number, &record);
		else
			reading->is_damaged = true;
	}
	if (result == 0 && !row && reading->is_damaged)
		return find_fault(what);
	return result == 0 && row ? 1 : result;
}
