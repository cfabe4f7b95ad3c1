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

static const char make_tables[] =
	"BEGIN IMMEDIATE;"
	"PRAGMA application_id = 0x6e617462;"
	"PRAGMA user_version = 3;"
	"CREATE TABLE natbox (one INTEGER PRIMARY KEY, meta BLOB, sum INTEGER);"
	"CREATE TABLE reasons (row INTEGER PRIMARY KEY, id TEXT, record BLOB, kind TEXT,"
	" client TEXT, proxy TEXT, expires INTEGER);"
	"CREATE TABLE quiet (block INTEGER PRIMARY KEY, noted INTEGER, quiets BLOB, sum INTEGER);"
	"COMMIT";

/* What the last call's error comes to. */
static int fail(struct database *database)
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

static int fail_check(struct database *database)
{
	return fault_set(
		&database->what, -EBADMSG, "is corrupt: the check of a record does not match");
}

static int run(struct database *database, const char *sql)
{
	return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) ? fail(database) : 0;
}

/* A statement, which lives until the database is closed. NULL: the next step says why. */
static sqlite3_stmt *prepare(struct database *database, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);
	return statement;
}

/* Runs a statement up to its next row. 1: there is one; 0: there are no more. */
static int step(struct database *database, sqlite3_stmt *statement)
{
	switch (statement ? sqlite3_step(statement) : SQLITE_ERROR) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		sqlite3_reset(statement);
		return 0;
	default:
		return fail(database);
	}
}

/* Asks for one number. */
static int ask(struct database *database, const char *sql, int64_t *number)
{
	sqlite3_stmt *row = prepare(database, sql);
	int result = step(database, row);

	if (result > 0)
		*number = sqlite3_column_int64(row, 0);
	sqlite3_reset(row);
	return result < 0 ? result : 0;
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

static int open_file(struct database *database, const char *path)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (sqlite3_open_v2(path, &database->handle, flags, NULL) != SQLITE_OK)
		return fail(database);
	sqlite3_busy_timeout(database->handle, BUSY_WAIT_MS);
	return 0;
}

/* Tables are not looked at before it is known that they are natbox's. */
static int check_format(struct database *database)
{
	int64_t application = 0, version = 0;
	int result = ask(database, "PRAGMA application_id", &application);

	if (result == 0)
		result = ask(database, "PRAGMA user_version", &version);
	if (result != 0)
		return result;
	if (application != DATABASE_APPLICATION)
		return fault_set(&database->what, -EBADMSG, "is not natbox's");
	if (version != DATABASE_VERSION)
		return fault_set(&database->what, -EBADMSG,
			"has format version %lld, this natbox knows version %d only",
			(long long)version, DATABASE_VERSION);
	return 0;
}

int database_open(struct database *database, const char *path, struct meta *meta)
{
	int result = open_file(database, path);
	sqlite3_stmt *row;

	if (result == 0)
		result = check_format(database);
	if (result != 0)
		return result;
	row = prepare(database, "SELECT meta, sum FROM natbox");
	result = step(database, row);
	if (result > 0)
		result = row_get_meta(row, meta) ? 0 : fail_check(database);
	else if (result == 0)
		result = -ENOENT;
	sqlite3_reset(row);
	return result;
}

int database_make(struct database *database, const char *path)
{
	int result = open_file(database, path);

	return result == 0 ? run(database, make_tables) : result;
}

int database_examine(struct database *database, int64_t state_us)
{
	sqlite3_stmt *forget;
	int64_t is_sound = false;
	int result =
		ask(database, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)", &is_sound);

	if (result != 0)
		return result;
	if (!is_sound)
		return fault_set(&database->what, -EBADMSG, "is corrupt: its pages make no sense");
	forget = prepare(database, "DELETE FROM reasons WHERE expires < ?");
	sqlite3_bind_int64(forget, 1, state_us / 1000000);
	return step(database, forget);
}

static int write_meta(struct database *database, const struct meta *meta)
{
	sqlite3_stmt *put = prepare(database, "REPLACE INTO natbox VALUES (1, ?, ?)");

	row_put_meta(put, meta);
	return step(database, put);
}

static int write_records(struct database *database, const struct batch *batch)
{
	sqlite3_stmt *end = prepare(database, "DELETE FROM reasons WHERE row = ?");
	sqlite3_stmt *put = prepare(database, "REPLACE INTO reasons VALUES (?, ?, ?, ?, ?, ?, ?)");
	int result = 0;

	for (unsigned i = 0; i < batch->count && result == 0; i++) {
		const struct record *record = &batch->records[i];

		if (record->left_us)
			row_put_record(put, batch->rows[i], record, batch->meta.state_us);
		else
			sqlite3_bind_int64(end, 1, batch->rows[i]);
		result = step(database, record->left_us ? put : end);
	}
	return result;
}

static int write_quiets(struct database *database, const struct batch *batch)
{
	sqlite3_stmt *put = prepare(database, "REPLACE INTO quiet VALUES (?, ?, ?, ?)");
	int result = 0;

	for (unsigned i = 0; i < batch->block_count && result == 0; i++) {
		row_put_quiet(put, &batch->blocks[i], batch->meta.state_us);
		result = step(database, put);
	}
	return result;
}

/* Two waits for the disk a batch: one for the journal, which stays there empty, one for the file.
 * There is memory for all pages that a batch may change, which would else be written twice. */
static const char begin[] = "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL;"
			    "PRAGMA cache_size = -32000; BEGIN IMMEDIATE";

int database_write(struct database *database, const struct batch *batch)
{
	int result = run(database, begin);

	if (result == 0)
		result = write_meta(database, &batch->meta);
	if (result == 0)
		result = write_records(database, batch);
	if (result == 0)
		result = write_quiets(database, batch);
	return result == 0 ? run(database, "COMMIT") : result;
}

/* Room for the quiet times of all rows. */
static int prepare_quiets(struct database *database, struct reading *reading)
{
	int64_t last = 0;
	int result = ask(database, "SELECT max(row) FROM reasons", &last);
	size_t size;

	if (result != 0)
		return result;
	reading->last_row = last < 0 || last > ROW_MAX ? ROW_MAX : (uint32_t)last;
	size = ((size_t)reading->last_row + 1) * sizeof(*reading->quiet_ms);
	reading->quiet_ms = malloc(size);
	if (!reading->quiet_ms)
		return fault_set(&database->what, -ENOMEM, "%s", strerror(ENOMEM));
	memset(reading->quiet_ms, 0xff, size);
	return 0;
}

static int read_quiets(struct database *database, struct reading *reading)
{
	sqlite3_stmt *row = prepare(database, "SELECT noted, quiets, sum FROM quiet");
	int result;

	while ((result = step(database, row)) > 0)
		reading->is_damaged |= !row_get_quiets(row, reading);
	return result;
}

/* Where quiet times cannot be read, records are without them. */
static int begin_reading(struct database *database, struct reading *reading)
{
	int result = prepare_quiets(database, reading);

	if (result == 0)
		result = read_quiets(database, reading);
	if (result == -EBADMSG && reading->quiet_ms) {
		reading->is_damaged = true;
		result = 0;
	}
	reading->rows = prepare(database, "SELECT row, id, record FROM reasons");
	return result;
}

int database_read(struct database *database, struct reading *reading, struct batch *batch)
{
	int result = reading->rows ? 0 : begin_reading(database, reading);

	while (result >= 0 && batch_has_room(batch) &&
		(result = step(database, reading->rows)) > 0) {
		struct record record;
		uint32_t number;

		if (row_get_record(reading->rows, reading, &number, &record))
			batch_add(batch, number, &record);
		else
			reading->is_damaged = true;
	}
	return result == 0 && reading->is_damaged ? fail_check(database) : result;
}
