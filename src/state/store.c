#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* How long somebody else who has the file locked, a shell for one, is waited for: by a
	 * write, which comes again; and by a start, which waits a little longer for a disk. */
	WRITE_WAIT_MS = 1000,
	READ_WAIT_MS = 9000,
	/* Version 1 was a file of another kind; version 2 had registrations and subscriptions by
	 * other keys, and without their bindings. Another one whenever the tables change, and
	 * whenever keys of reasons are made in another way: old ones would find nothing. */
	DATABASE_VERSION = 3,
	DATABASE_APPLICATION = 0x6e617462, /* "natb" */
	/* Rows that are free are taken first, so the highest is no more than there ever were
	 * reasons at a time; one that is higher makes no sense. */
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

static const char is_foreign[] = "is not natbox's";
static const char is_another[] = "is not the one that natbox has read";
static const char is_wrong[] = "is corrupt: the check of a record does not match";
static const char nothing[] = "nothing is kept until it can be";

static const char *remedy(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return " (give it and its directory to natbox.user)";
	case -EROFS:
		return " (under systemd it takes ReadWritePaths= for that directory)";
	default:
		return "";
	}
}

/* The first fault of a job is that of the job: what comes after it does nothing. */

static void reject(struct store *store, const char *what)
{
	store->result = fault_set(&store->fault, -EBADMSG, "%s", what);
}

static void fail(struct store *store, int number)
{
	store->result = fault_set(&store->fault, -number, "%s", strerror(number));
}

/* What SQLite's last error comes to. */
static void fail_by_sqlite(struct store *store)
{
	const char *message = sqlite3_errmsg(store->handle);
	const int extended = sqlite3_extended_errcode(store->handle), error = extended & 0xff;
	int number = sqlite3_system_errno(store->handle);

	if (error == SQLITE_FULL)
		number = ENOSPC;
	else if (error == SQLITE_READONLY && !number)
		number = access(store->path, W_OK) != 0 || access(store->directory.path, W_OK) != 0
				 ? errno
				 : EROFS;
	if (error == SQLITE_NOTADB)
		reject(store, is_foreign);
	else if (extended == SQLITE_IOERR_SHORT_READ)
		reject(store, "is corrupt: it ends too early");
	else if (error == SQLITE_CORRUPT || error == SQLITE_ERROR /* a table is another one */)
		store->result = fault_set(&store->fault, -EBADMSG, "is corrupt: %s", message);
	else if (number)
		fail(store, number);
	else
		store->result = fault_set(&store->fault, -EIO, "%s", message);
}

static void run(struct store *store, const char *sql)
{
	if (store->result == 0 && sqlite3_exec(store->handle, sql, NULL, NULL, NULL))
		fail_by_sqlite(store);
}

/* A statement, which lives until the file is closed. NULL after a fault, and whoever binds its
 * parameters need not know. */
static sqlite3_stmt *prepare(struct store *store, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (store->result == 0 && sqlite3_prepare_v2(store->handle, sql, -1, &statement, NULL))
		fail_by_sqlite(store);
	return statement;
}

/* Runs a statement up to its next row: whether there is one. */
static bool step(struct store *store, sqlite3_stmt *statement)
{
	const int result = store->result == 0 ? sqlite3_step(statement) : SQLITE_DONE;

	if (result == SQLITE_DONE)
		sqlite3_reset(statement);
	else if (result != SQLITE_ROW)
		fail_by_sqlite(store);
	return result == SQLITE_ROW;
}

/* Asks for one number. */
static int64_t ask(struct store *store, const char *sql)
{
	sqlite3_stmt *row = prepare(store, sql);
	const int64_t number = step(store, row) ? sqlite3_column_int64(row, 0) : 0;

	sqlite3_reset(row);
	return number;
}

static void open_file(struct store *store, int wait_ms)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (store->result != 0)
		return;
	if (sqlite3_open_v2(store->path, &store->handle, flags, NULL))
		fail_by_sqlite(store);
	else
		sqlite3_busy_timeout(store->handle, wait_ms);
}

static void close_file(struct store *store)
{
	sqlite3_stmt *statement;

	while (store->handle && (statement = sqlite3_next_stmt(store->handle, NULL)))
		sqlite3_finalize(statement);
	sqlite3_close(store->handle);
	store->handle = NULL;
	free(store->reading.last_us);
	store->reading.last_us = NULL;
}

/* Tables are not looked at before it is known that they are natbox's. */
static void check_format(struct store *store)
{
	const int64_t pages = ask(store, "PRAGMA page_count");
	const int64_t application = ask(store, "PRAGMA application_id");
	const int64_t version = ask(store, "PRAGMA user_version");

	if (store->result != 0)
		return;
	if (pages == 0)
		store->result = -ENOENT;
	else if (application != DATABASE_APPLICATION)
		reject(store, is_foreign);
	else if (version != DATABASE_VERSION)
		store->result = fault_set(&store->fault, -EBADMSG,
			"has format version %lld, this natbox knows version %d only",
			(long long)version, DATABASE_VERSION);
}

static struct meta read_meta(struct store *store)
{
	struct meta meta = {0};
	sqlite3_stmt *row;

	check_format(store);
	row = prepare(store, "SELECT meta, sum FROM natbox");
	if (!(step(store, row) && row_get_meta(row, &meta)) && store->result == 0)
		reject(store, is_wrong);
	sqlite3_reset(row);
	return meta;
}

/* To open anything but a file could hang. */
static void find_file(struct store *store)
{
	struct stat file;
	const bool is_there = stat(store->path, &file) == 0;

	if (!is_there && errno != ENOENT)
		fail(store, errno);
	else if (is_there && !S_ISREG(file.st_mode))
		reject(store, "is not a file");
	else if (!is_there || !file.st_size)
		store->result = -ENOENT;
}

static void read_quiets(struct store *store)
{
	struct reading *reading = &store->reading;
	const int64_t last = ask(store, "SELECT max(row) FROM reasons");
	const bool is_known = store->result == 0 && last >= 0 && last <= ROW_MAX;
	sqlite3_stmt *row = prepare(store, "SELECT noted, quiets, sum FROM quiet");

	reading->last_row = is_known ? (uint32_t)last : ROW_MAX;
	reading->last_us = calloc((size_t)reading->last_row + 1, sizeof(*reading->last_us));
	if (!reading->last_us)
		fail(store, ENOMEM);
	while (step(store, row))
		reading->is_damaged |= !row_get_quiets(row, &store->meta, reading);
}

/* Where quiet times cannot be read, records are without them. */
static void begin_reading(struct store *store)
{
	read_quiets(store);
	if (store->result == -EBADMSG) {
		store->reading.is_damaged = true;
		store->result = 0;
	}
	store->reading.rows = prepare(store, "SELECT row, id, record FROM reasons");
}

void *store_look(void *context)
{
	struct store *store = context;
	struct meta meta;

	find_file(store);
	open_file(store, READ_WAIT_MS);
	meta = read_meta(store);
	if (store->result == 0) {
		store->meta = meta;
		begin_reading(store);
	}
	if (store->result != 0)
		close_file(store);
	return NULL;
}

void *store_read(void *context)
{
	struct store *store = context;
	struct reading *reading = &store->reading;
	struct record record;
	uint32_t number;

	store->has_more = true;
	while (batch_has_room(store->batch) && (store->has_more = step(store, reading->rows))) {
		if (row_get_record(reading->rows, reading, &number, &record))
			batch_add(store->batch, number, &record);
		else
			reading->is_damaged = true;
	}
	if (store->has_more)
		return NULL;
	if (store->result == 0 && reading->is_damaged)
		reject(store, is_wrong);
	close_file(store);
	return NULL;
}

/* What cannot be read, for now, stays where it is. */
static void look_again(struct store *store)
{
	open_file(store, WRITE_WAIT_MS);
	ask(store, "PRAGMA page_count");
	close_file(store);
}

/* Where there is none as yet, or none any more, makes one that is empty, whose name is on the disk
 * before anything is in it. */
static void find_or_make_file(struct store *store)
{
	int fd;

	find_file(store);
	if (store->result == 0 && store->is_unread)
		look_again(store);
	if (store->result == 0 && !store->has_file)
		reject(store, is_another);
	if (store->result != -ENOENT)
		return;
	store->result = 0;
	store->has_file = false;
	fd = openat(
		store->directory.fd, STATE_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) != 0 ||
		(fsync(store->directory.fd) != 0 && errno != EINVAL /* has none */))
		fail(store, errno);
	if (fd >= 0)
		close(fd);
}

/* The file is to be as this store has read or left it: another in its place is not ours to write
 * to, whatever it holds. Before the first write all of its structure is looked at. */
static void recognise_file(struct store *store)
{
	const struct meta meta = read_meta(store);

	if (store->result == -ENOENT ||
		(store->result == 0 && memcmp(&meta, &store->meta, sizeof(meta)) != 0))
		reject(store, is_another);
	if (!store->has_written &&
		!ask(store, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)") &&
		store->result == 0)
		reject(store, "is corrupt: its pages make no sense");
}

static void write_records(struct store *store)
{
	const struct batch *batch = store->batch;
	sqlite3_stmt *end = prepare(store, "DELETE FROM reasons WHERE row = ?");
	sqlite3_stmt *put = prepare(store, "REPLACE INTO reasons VALUES (?, ?, ?, ?, ?, ?, ?)");

	for (unsigned i = 0; i < batch->count && store->result == 0; i++) {
		const struct record *record = &batch->records[i];

		if (record->left_us)
			row_put_record(put, batch->rows[i], record, batch->meta.state_us);
		else
			sqlite3_bind_int64(end, 1, batch->rows[i]);
		step(store, record->left_us ? put : end);
	}
}

static void write_quiets(struct store *store)
{
	const struct batch *batch = store->batch;
	sqlite3_stmt *put = prepare(store, "REPLACE INTO quiet VALUES (?, ?, ?, ?)");

	for (unsigned i = 0; i < batch->block_count && store->result == 0; i++) {
		row_put_quiet(put, &batch->blocks[i], batch->meta.state_us);
		step(store, put);
	}
}

static void write_batch(struct store *store)
{
	sqlite3_stmt *put;

	run(store, begin);
	put = prepare(store, "REPLACE INTO natbox VALUES (1, ?, ?)");
	row_put_meta(put, &store->batch->meta);
	step(store, put);
	write_records(store);
	write_quiets(store);
	run(store, "COMMIT");
}

void *store_write(void *context)
{
	struct store *store = context;

	store->result = directory_lock(&store->directory, &store->fault);
	if (store->result != 0)
		return NULL;
	store->fault.line[0] = 0;
	find_or_make_file(store);
	open_file(store, WRITE_WAIT_MS);
	if (store->has_file)
		recognise_file(store);
	write_batch(store);
	close_file(store);
	if (store->result == 0) {
		store->result = !store->has_file;
		store->meta = store->batch->meta;
		store->has_file = store->has_written = true;
		store->is_unread = false;
	}
	store_judge(store, "write", store->result == -EBADMSG ? "writing all anew" : nothing);
	return NULL;
}

static void set_aside(struct store *store, const char *what, const char *then)
{
	char name[ASIDE_NAME_MAX];
	const int result = directory_move_aside(&store->directory, STATE_FILE, "bad", name);

	store->has_file = store->is_unread = false;
	store->result = result == 0 ? fault_set(&store->fault, -ENOENT,
					      "state %.*s %s: set aside as %s, %s", PATH_SHOWN_MAX,
					      store->path, what, name, then)
				    : fault_set(&store->fault, result,
					      "state %.*s %s, and cannot be set aside: %s%s; %s",
					      PATH_SHOWN_MAX, store->path, what, strerror(-result),
					      remedy(result), nothing);
}

void store_judge(struct store *store, const char *doing, const char *then)
{
	char what[FAULT_MAX];

	if (store->result >= 0 || !store->fault.line[0])
		return;
	memcpy(what, store->fault.line, sizeof(what));
	if (store->result == -EBADMSG)
		set_aside(store, what, then);
	else
		fault_set(&store->fault, store->result, "cannot %s state %.*s: %s%s; %s", doing,
			PATH_SHOWN_MAX, store->path, what, remedy(store->result), then);
}

struct store *store_new(const char *path)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->batch = store->batches;
	store->directory.fd = -1;
	snprintf(store->directory.path, sizeof(store->directory.path), "%s", path);
	snprintf(store->path, sizeof(store->path), "%.*s/" STATE_FILE, PATH_MAX - 16, path);
	return store;
}

void store_free(struct store *store)
{
	close_file(store);
	directory_close(&store->directory);
	free(store);
}
