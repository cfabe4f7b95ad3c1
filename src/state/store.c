#include "store.h"
#include "guard.h"
#include "tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* Names tried for one bad file: so many in one second, and somebody is doing it on purpose. */
enum { ASIDE_NAMES = 100, ASIDE_NAME_MAX = 64 };

/* A disk with less room than this is full: no batch worth the name fits. */
enum { FULL_BYTES = 64 * 1024 };

struct head {
	uint32_t key;
	uint16_t table;
	uint16_t length; /* 0: remove */
};

static size_t padded(size_t length)
{
	return (length + 7) & ~(size_t)7;
}

void *batch_add(struct batch *batch, enum store_table table, uint32_t key, size_t length)
{
	struct head head = {.key = key, .table = (uint16_t)table, .length = (uint16_t)length};
	size_t size = sizeof(head) + padded(length);
	uint8_t *at = batch->bytes + batch->length;

	if (batch->count == BATCH_RECORDS_MAX || BATCH_BYTES - batch->length < size)
		return NULL;
	memcpy(at, &head, sizeof(head));
	batch->count++;
	batch->length += size;
	return at + sizeof(head);
}

void batch_clear(struct batch *batch)
{
	batch->count = 0;
	batch->length = 0;
}

static const char *remedy(int error)
{
	return error == EACCES || error == EPERM ? " (give it and its directory to natbox.user)"
						 : "";
}

/* Moves the file out of the way under a name that nothing has. what says why. */
static int set_aside(struct store *store, const char *what, const char *then, struct fault *fault)
{
	char name[ASIDE_NAME_MAX], stamp[32];
	time_t now = time(NULL);
	struct tm utc;
	int result = -1;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	for (unsigned i = 1; i <= ASIDE_NAMES && result != 0; i++) {
		snprintf(name, sizeof(name),
			i == 1 ? STORE_FILE ".bad-%s" : STORE_FILE ".bad-%s.%u", stamp, i);
		result = renameat2(store->directory.fd, STORE_FILE, store->directory.fd, name,
			RENAME_NOREPLACE);
		if (result != 0 && errno != EEXIST)
			break;
	}
	store->file = (struct stat){0};
	if (result != 0)
		return fault_set(fault, -errno,
			"state %.*s %s, and cannot be set aside: %s%s; nothing is kept until it "
			"can be",
			PATH_SHOWN_MAX, store->path, what, strerror(errno), remedy(errno));
	return fault_set(fault, -ENOENT, "state %.*s %s: set aside as %s, %s", PATH_SHOWN_MAX,
		store->path, what, name, then);
}

static int read_meta(struct store *store, struct store_meta *meta)
{
	struct tables tables;
	int error = tables_open(&tables, store->path, false);

	if (error)
		return tables_errno(error);
	error = tables_meta(&tables, meta);
	store->last_write = tables_last_write(&tables);
	tables_close(&tables, false);
	return error ? tables_errno(error) : 0;
}

/* Opening anything but a file could hang. */
static int examine(struct store *store, struct fault *what)
{
	if (stat(store->path, &store->file) != 0) {
		store->file = (struct stat){0};
		return errno == ENOENT ? -ENOENT : fault_set(what, -errno, "%s", strerror(errno));
	}
	if (!S_ISREG(store->file.st_mode))
		return fault_set(what, -EBADMSG, "is not a file");
	if (store->file.st_size == 0)
		return -ENOENT;
	return tables_examine(store->path, what);
}

int store_open(struct store *store, const char *path, struct store_meta *meta, struct fault *fault)
{
	struct fault what;
	int result;

	*store = (struct store){.directory.fd = -1};
	snprintf(store->directory.path, sizeof(store->directory.path), "%s", path);
	snprintf(store->path, sizeof(store->path), "%.*s/" STORE_FILE, PATH_MAX - 16, path);
	result = directory_lock(&store->directory, fault);
	if (result != 0)
		return result;
	result = examine(store, &what);
	if (result == 0)
		result = read_meta(store, meta);
	if (result == 0)
		return 0;
	fault->line[0] = 0;
	if (result == -ENOENT)
		return result;
	if (result == -EBADMSG)
		return set_aside(store, what.line, "starting empty", fault);
	store->file = (struct stat){0};
	return fault_set(fault, result, "cannot read state %.*s: %s%s; starting empty",
		PATH_SHOWN_MAX, store->path, what.line, remedy(-result));
}

static void read_tables(struct tables *tables, store_visitor *visit, void *context)
{
	MDB_val key, value, quiet_value = {0, NULL};
	MDB_cursor *cursor;
	struct stored_reason reason;
	struct stored_quiet quiet;
	uint32_t slot, block = UINT32_MAX;
	bool has_quiet = false;
	const char *label;

	if (mdb_cursor_open(tables->txn, tables->dbi[STORE_REASONS], &cursor))
		return;
	while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		memcpy(&slot, key.mv_data, sizeof(slot));
		if (slot / QUIET_SLOTS != block) {
			block = slot / QUIET_SLOTS;
			has_quiet = !mdb_get(tables->txn, tables->dbi[STORE_QUIET],
				&(MDB_val){sizeof(block), &block}, &quiet_value);
			if (has_quiet)
				memcpy(&quiet, quiet_value.mv_data, sizeof(quiet));
		}
		if (reason_decode(&value, &reason, &label))
			visit(context, slot, &reason, label, has_quiet ? &quiet : NULL);
	}
	mdb_cursor_close(cursor);
}

int store_read(struct store *store, store_visitor *visit, void (*end)(void *context), void *context,
	struct fault *fault)
{
	struct tables tables;
	int error = tables_open(&tables, store->path, false);

	if (error) {
		store->file = (struct stat){0};
		return fault_set(fault, tables_errno(error),
			"cannot read state %.*s: %s%s; starting empty", PATH_SHOWN_MAX, store->path,
			mdb_strerror(error), remedy(error));
	}
	read_tables(&tables, visit, context);
	end(context);
	tables_close(&tables, false);
	return 0;
}

/* error: LMDB's, or an errno. */
static int cannot_write(const struct store *store, int error, struct fault *fault)
{
	return fault_set(fault, tables_errno(error),
		"cannot write state %.*s: %s%s; nothing is kept until it can be", PATH_SHOWN_MAX,
		store->path, mdb_strerror(error), remedy(error));
}

static const char another[] = "is not the one that natbox has read", anew[] = "writing all anew";

/* The file is to be the one this store has read or begun. Another in its place is not ours to write
 * to, whatever it holds. */
static int verify_file(struct store *store, struct fault *fault)
{
	struct stat now;

	if (stat(store->path, &now) != 0) {
		if (errno != ENOENT)
			return cannot_write(store, errno, fault);
		store->file = (struct stat){0};
		return 0;
	}
	if (store->file.st_ino == 0 && S_ISREG(now.st_mode) && now.st_size == 0)
		return 0;
	if (store->file.st_ino != now.st_ino || store->file.st_dev != now.st_dev)
		return set_aside(store, another, anew, fault);
	if (now.st_size < store->file.st_size)
		return set_aside(store, "has been cut short", anew, fault);
	return 0;
}

/* Removes the reasons above the last slot. Returns the highest slot left, 0 when there is none. */
static uint32_t trim(struct tables *tables, uint32_t last_slot)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint32_t slot = 0;

	if (mdb_cursor_open(tables->txn, tables->dbi[STORE_REASONS], &cursor))
		return 0;
	while (!mdb_cursor_get(cursor, &key, &value, MDB_LAST)) {
		memcpy(&slot, key.mv_data, sizeof(slot));
		if (slot <= last_slot || mdb_cursor_del(cursor, 0))
			break;
		slot = 0;
	}
	mdb_cursor_close(cursor);
	return slot;
}

static int put(struct tables *tables, const struct head *head, uint8_t *bytes, uint32_t *highest)
{
	uint32_t number = head->key;
	MDB_val key = {sizeof(number), &number}, value = {head->length, bytes};
	MDB_dbi dbi = tables->dbi[head->table];
	bool appends = head->table == STORE_REASONS && number > *highest;
	struct stored_reason reason;
	int error;

	if (!head->length) {
		error = mdb_del(tables->txn, dbi, &key, NULL);
		return error == MDB_NOTFOUND ? 0 : error;
	}
	if (head->table == STORE_REASONS) {
		memcpy(&reason, bytes, sizeof(reason));
		reason.check = reason_check(&reason, (char *)bytes + sizeof(reason));
		memcpy(bytes, &reason, sizeof(reason));
	}
	if (appends)
		*highest = number;
	return mdb_put(tables->txn, dbi, &key, &value, appends ? MDB_APPEND : 0);
}

static int put_all(struct tables *tables, struct batch *batch)
{
	uint32_t zero = 0, highest = trim(tables, batch->last_slot);
	MDB_val key = {sizeof(zero), &zero}, meta = {sizeof(batch->meta), &batch->meta};
	uint8_t *at = batch->bytes;
	int error = 0;

	while (at < batch->bytes + batch->length && !error) {
		struct head head;

		memcpy(&head, at, sizeof(head));
		error = put(tables, &head, at + sizeof(head), &highest);
		at += sizeof(head) + padded(head.length);
	}
	return error ? error : mdb_put(tables->txn, tables->dbi[STORE_META], &key, &meta, 0);
}

struct writing {
	struct store *store;
	struct batch *batch;
	struct tables tables;
	int error; /* 0, one of LMDB's, or ESTALE: the file has been written to by somebody else */
};

static void write_tables(void *context)
{
	struct writing *writing = context;
	struct store *store = writing->store;
	size_t last_write;

	writing->error = tables_open(&writing->tables, store->path, true);
	if (writing->error)
		return;
	last_write = tables_last_write(&writing->tables);
	if (store->file.st_ino == 0)
		store->last_write = last_write;
	writing->error = last_write == store->last_write ? put_all(&writing->tables, writing->batch)
							 : ESTALE;
	if (!writing->error)
		writing->error = tables_close(&writing->tables, true);
	else
		tables_close(&writing->tables, false);
	if (!writing->error)
		store->last_write = last_write + 1;
}

/* The transaction that was left is lost to memory, which is little. */
static int write_file(struct store *store, struct batch *batch)
{
	struct writing writing = {.store = store, .batch = batch};

	if (!guard_run(write_tables, &writing)) {
		mdb_env_close(writing.tables.env);
		writing.error = MDB_CORRUPTED;
	}
	if (writing.error && store->file.st_ino == 0)
		unlink(store->path);
	if (stat(store->path, &store->file) != 0)
		store->file = (struct stat){0};
	return writing.error;
}

/* LMDB knows a write that was cut short only as an input/output error. */
static int name_error(const struct store *store, int error)
{
	struct statvfs disk;

	if (error == EIO && fstatvfs(store->directory.fd, &disk) == 0 &&
		disk.f_bavail * disk.f_frsize < FULL_BYTES)
		return ENOSPC;
	return error;
}

/* An error that no further attempt on this file would be without. */
static bool is_damaged(int error)
{
	return error < 0 && error != MDB_MAP_FULL;
}

/* Takes what could not be written to out of the way where that is the file's own fault. */
static int give_up(struct store *store, int error, struct fault *fault)
{
	char what[FAULT_MAX / 4];

	if (error == ESTALE)
		return set_aside(store, another, anew, fault);
	if (!is_damaged(error))
		return cannot_write(store, error, fault);
	snprintf(what, sizeof(what), "cannot be written any more (%s)", mdb_strerror(error));
	return set_aside(store, what, anew, fault);
}

int store_write(struct store *store, struct batch *batch, struct fault *fault)
{
	int result = directory_lock(&store->directory, fault), error;

	if (result == 0)
		result = verify_file(store, fault);
	if (result != 0)
		return result;
	if (store->file.st_ino == 0)
		store->begun = true;
	error = name_error(store, write_file(store, batch));
	if (error)
		return give_up(store, error, fault);
	if (store->begun && fsync(store->directory.fd) != 0 && errno != EINVAL /* has none */)
		return cannot_write(store, errno, fault);
	store->is_new = store->begun;
	store->begun = false;
	return 0;
}
