#include "database.h"

#include <errno.h>
#include <stdlib.h>

enum {
	/* How long somebody else who has the file open, a shell for one, is waited for. */
	BUSY_WAIT_MS = 1000,
	/* Version 1 was a file of another kind; version 2 had registrations and subscriptions by
	 * other keys, and without their bindings. Another one whenever the tables change, and
	 * whenever keys of reasons are made in another way: old ones would find nothing. */
	DATABASE_VERSION = 3,
	DATABASE_APPLICATION = 0x6e617462, /* "natb" */
	/* Slots keep their rows, so the highest is no more than there ever were reasons at a
	 * time; one that is higher makes no sense. */
	ROW_MAX = 1 << 26,
};

/* Two waits for the disk a batch: one for the journal, which stays there empty, one for the file.
 * There is memory for all pages that a batch may change, which would else be written twice. A file
 * that is empty gets its tables together with its first batch. */
static const char begin[] =
	"PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL;"
	"PRAGMA cache_size = -32000; BEGIN IMMEDIATE;"
	"PRAGMA application_id = 0x6e617462;"
	"PRAGMA user_version = 3;"
	"CREATE TABLE IF NOT EXISTS natbox (one INTEGER PRIMARY KEY, meta BLOB, sum INTEGER);"
	"CREATE TABLE IF NOT EXISTS reasons (row INTEGER PRIMARY KEY, id TEXT, record BLOB,"
	" kind TEXT, client TEXT, proxy TEXT, expires INTEGER);"
	"CREATE TABLE IF NOT EXISTS quiet (block INTEGER PRIMARY KEY, noted INTEGER, quiets BLOB,"
	" sum INTEGER);";

/* What SQLite's last error comes to. */
static int fault_of(struct database *database)
{
	const char *message = sqlite3_errmsg(database->handle);
	int error = sqlite3_extended_errcode(database->handle);
	int number = sqlite3_system_errno(database->handle);

	switch (error & 0xff) {
	case SQLITE_NOTADB:
		return fault_set(&database->what, -EBADMSG, "is not natbox's");
	case SQLITE_CORRUPT:
	case SQLITE_ERROR: /* a table is not there, or is another one */
		return fault_set(&database->what, -EBADMSG, "is corrupt: %s", message);
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
		return fault_set(&database->what, -EBADMSG, "is corrupt: it ends too early");
	return fault_set(&database->what, number ? -number : -EIO, "%s",
		number ? strerror(number) : message);
}

static void fail(struct database *database)
{
	database->result = fault_of(database);
}

static void fail_check(struct database *database)
{
	database->result = fault_set(
		&database->what, -EBADMSG, "is corrupt: the check of a record does not match");
}

static void run(struct database *database, const char *sql)
{
	if (database->result == 0 && sqlite3_exec(database->handle, sql, NULL, NULL, NULL))
		fail(database);
}

/* A statement, which lives until the database is closed. NULL where something has failed, which
 * whatever binds its parameters need not know. */
static sqlite3_stmt *prepare(struct database *database, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (database->result == 0 &&
		sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL))
		fail(database);
	return statement;
}

/* Runs a statement up to its next row: whether there is one. */
static bool step(struct database *database, sqlite3_stmt *statement)
{
	if (database->result != 0)
		return false;
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return true;
	case SQLITE_DONE:
		sqlite3_reset(statement);
		return false;
	default:
		fail(database);
		return false;
	}
}

/* Asks for one number. */
static int64_t ask(struct database *database, const char *sql)
{
	sqlite3_stmt *row = prepare(database, sql);
	const int64_t number = step(database, row) ? sqlite3_column_int64(row, 0) : 0;

	sqlite3_reset(row);
	return number;
}

void database_open(struct database *database, const char *path)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (database->result != 0)
		return;
	if (sqlite3_open_v2(path, &database->handle, flags, NULL) != SQLITE_OK)
		fail(database);
	else
		sqlite3_busy_timeout(database->handle, BUSY_WAIT_MS);
}

void database_close(struct database *database)
{
	sqlite3_stmt *statement;

	if (!database->handle)
		return;
	while ((statement = sqlite3_next_stmt(database->handle, NULL)))
		sqlite3_finalize(statement);
	sqlite3_close(database->handle);
	database->handle = NULL;
}

/* Tables are not looked at before it is known that they are natbox's. */
static void check_format(struct database *database)
{
	const int64_t pages = ask(database, "PRAGMA page_count");
	const int64_t application = ask(database, "PRAGMA application_id");
	const int64_t version = ask(database, "PRAGMA user_version");

	if (database->result != 0)
		return;
	if (pages == 0)
		database->result = -ENOENT;
	else if (application != DATABASE_APPLICATION)
		database->result = fault_set(&database->what, -EBADMSG, "is not natbox's");
	else if (version != DATABASE_VERSION)
		database->result = fault_set(&database->what, -EBADMSG,
			"has format version %lld, this natbox knows version %d only",
			(long long)version, DATABASE_VERSION);
}

void database_look(struct database *database, struct meta *meta)
{
	sqlite3_stmt *row;

	check_format(database);
	row = prepare(database, "SELECT meta, sum FROM natbox");
	if ((!step(database, row) || !row_get_meta(row, meta)) && database->result == 0)
		fail_check(database);
	sqlite3_reset(row);
}

void database_examine(struct database *database, int64_t state_us)
{
	sqlite3_stmt *forget;

	if (!ask(database, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)") &&
		database->result == 0)
		database->result =
			fault_set(&database->what, -EBADMSG, "is corrupt: its pages make no sense");
	forget = prepare(database, "DELETE FROM reasons WHERE expires < ?");
	sqlite3_bind_int64(forget, 1, state_us / 1000000);
	step(database, forget);
}

static void write_records(struct database *database, const struct batch *batch)
{
	sqlite3_stmt *end = prepare(database, "DELETE FROM reasons WHERE row = ?");
	sqlite3_stmt *put = prepare(database, "REPLACE INTO reasons VALUES (?, ?, ?, ?, ?, ?, ?)");

	for (unsigned i = 0; i < batch->count && database->result == 0; i++) {
		const struct record *record = &batch->records[i];

		if (record->left_us)
			row_put_record(put, batch->rows[i], record, batch->meta.state_us);
		else
			sqlite3_bind_int64(end, 1, batch->rows[i]);
		step(database, record->left_us ? put : end);
	}
}

static void write_quiets(struct database *database, const struct batch *batch)
{
	sqlite3_stmt *put = prepare(database, "REPLACE INTO quiet VALUES (?, ?, ?, ?)");

	for (unsigned i = 0; i < batch->block_count && database->result == 0; i++) {
		row_put_quiet(put, &batch->blocks[i], batch->meta.state_us);
		step(database, put);
	}
}

void database_write(struct database *database, const struct batch *batch)
{
	sqlite3_stmt *put;

	run(database, begin);
	put = prepare(database, "REPLACE INTO natbox VALUES (1, ?, ?)");
	row_put_meta(put, &batch->meta);
	step(database, put);
	write_records(database, batch);
	write_quiets(database, batch);
	run(database, "COMMIT");
}

/* All quiet times, in room for those of all rows. */
static void read_quiets(struct database *database, struct reading *reading)
{
	const int64_t last = ask(database, "SELECT max(row) FROM reasons");
	const bool is_known = database->result == 0 && last >= 0 && last <= ROW_MAX;
	sqlite3_stmt *row = prepare(database, "SELECT noted, quiets, sum FROM quiet");

	reading->last_row = is_known ? (uint32_t)last : ROW_MAX;
	reading->quiet_ms = calloc((size_t)reading->last_row + 1, sizeof(*reading->quiet_ms));
	if (!reading->quiet_ms)
		database->result = fault_set(&database->what, -ENOMEM, "%s", strerror(ENOMEM));
	while (step(database, row))
		reading->is_damaged |= !row_get_quiets(row, reading);
}

/* Where quiet times cannot be read, records are without them. */
static void begin_reading(struct database *database, struct reading *reading)
{
	read_quiets(database, reading);
	if (database->result == -EBADMSG) {
		reading->is_damaged = true;
		database->result = 0;
	}
	reading->rows = prepare(database, "SELECT row, id, record FROM reasons");
}

bool database_read(struct database *database, struct reading *reading, struct batch *batch)
{
	bool has_more = true;

	if (database->result != 0)
		return false;
	if (!reading->rows)
		begin_reading(database, reading);
	while (batch_has_room(batch) && (has_more = step(database, reading->rows))) {
		struct record record;
		uint32_t number;

		if (row_get_record(reading->rows, reading, &number, &record))
			batch_add(batch, number, &record);
		else
			reading->is_damaged = true;
	}
	if (!has_more && database->result == 0 && reading->is_damaged)
		fail_check(database);
	return has_more;
}
