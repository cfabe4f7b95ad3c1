#include "store.h"

#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char another[] = "is not the one that natbox has read";
static const char nothing[] = "nothing is kept until it can be";

static const char *remedy(int error)
{
	return error == -EACCES || error == -EPERM || error == -EROFS
		       ? " (give it and its directory to natbox.user)"
		       : "";
}

/* What a write that was killed has left goes where its file goes. */
static void move_journal(int directory, const char *file, const char *name)
{
	char from[ASIDE_NAME_MAX + sizeof(JOURNAL_SUFFIX)];
	char to[ASIDE_NAME_MAX + sizeof(JOURNAL_SUFFIX)];
	struct stat journal;

	snprintf(from, sizeof(from), "%s" JOURNAL_SUFFIX, file);
	snprintf(to, sizeof(to), "%s" JOURNAL_SUFFIX, name);
	if (fstatat(directory, from, &journal, AT_SYMLINK_NOFOLLOW) == 0 && journal.st_size)
		renameat2(directory, from, directory, to, RENAME_NOREPLACE);
}

int store_move_aside(const struct store *store, const char *file, const char *how,
	char name[static ASIDE_NAME_MAX])
{
	const int fd = store->directory.fd;
	const uint64_t now_us = clock_us(CLOCK_REALTIME);
	const time_t now = (time_t)(now_us / 1000000);
	char stamp[32];
	struct tm utc;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", gmtime_r(&now, &utc));
	snprintf(name, ASIDE_NAME_MAX, "%s.%s-%s.%06uZ", file, how, stamp,
		(unsigned)(now_us % 1000000));
	if (renameat2(fd, file, fd, name, RENAME_NOREPLACE) != 0)
		return -errno;
	move_journal(fd, file, name);
	return 0;
}

static int set_aside(struct store *store, const char *what, const char *then, struct fault *fault)
{
	char name[ASIDE_NAME_MAX];
	int result = store_move_aside(store, STATE_FILE, "bad", name);

	store->has_file = false;
	if (result != 0)
		return fault_set(fault, result, "state %.*s %s, and cannot be set aside: %s%s; %s",
			PATH_SHOWN_MAX, store->path, what, strerror(-result), remedy(result),
			nothing);
	return fault_set(fault, -ENOENT, "state %.*s %s: set aside as %s, %s", PATH_SHOWN_MAX,
		store->path, what, name, then);
}

int store_judge(
	struct store *store, int result, const char *doing, const char *then, struct fault *fault)
{
	char what[FAULT_MAX];

	if (result == 0 || !fault->line[0])
		return result;
	memcpy(what, fault->line, sizeof(what));
	if (result == -EBADMSG)
		return set_aside(store, what, then, fault);
	return fault_set(fault, result, "cannot %s state %.*s: %s%s; %s", doing, PATH_SHOWN_MAX,
		store->path, what, remedy(result), then);
}

int store_open(struct store *store, const char *path, struct fault *fault)
{
	*store = (struct store){.directory.fd = -1};
	snprintf(store->directory.path, sizeof(store->directory.path), "%s", path);
	snprintf(store->path, sizeof(store->path), "%.*s/" STATE_FILE, PATH_MAX - 16, path);
	return directory_lock(&store->directory, fault);
}

static int fail(struct fault *what)
{
	return fault_set(what, -errno, "%s", strerror(errno));
}

/* Opening anything but a file could hang. */
int store_find(const struct store *store, struct fault *what)
{
	struct stat file;

	if (stat(store->path, &file) != 0)
		return errno == ENOENT ? -ENOENT : fail(what);
	if (!S_ISREG(file.st_mode))
		return fault_set(what, -EBADMSG, "is not a file");
	return file.st_size ? 0 : -ENOENT;
}

/* Makes an empty one, whose name is on the disk before anything is in it. */
static int make_file(const struct store *store, struct fault *what)
{
	int result = 0;
	int fd = openat(
		store->directory.fd, STATE_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fchmod(fd, 0600) != 0 ||
		(fsync(store->directory.fd) != 0 && errno != EINVAL /* has none */))
		result = fail(what);
	if (fd >= 0)
		close(fd);
	return result;
}

/* Finds the file that this store knows, or makes one where there is none. */
static int find_or_make(struct store *store, struct fault *what)
{
	int result = store_find(store, what);

	if (result == 0 && !store->has_file)
		return fault_set(what, -EBADMSG, "%s", another);
	if (result != -ENOENT)
		return result;
	store->has_file = false;
	return make_file(store, what);
}

/* The file is to be as this store has read or left it: another in its place is not ours to write
 * to, whatever it holds. */
static void recognise(struct store *store, struct database *database, int64_t state_us)
{
	struct meta meta = {0};

	database_look(database, &meta);
	if (database->result == -ENOENT ||
		(database->result == 0 && memcmp(&meta, &store->meta, sizeof(meta)) != 0))
		database->result = fault_set(&database->what, -EBADMSG, "%s", another);
	if (!store->is_examined)
		database_examine(database, state_us);
}

int store_write(struct store *store, struct batch *batch, struct fault *fault)
{
	struct database database = {0};
	int result = directory_lock(&store->directory, fault);
	bool is_first;

	if (result != 0)
		return result;
	batch->meta.number = store->meta.number + 1;
	database.result = find_or_make(store, &database.what);
	database_open(&database, store->path);
	if (store->has_file)
		recognise(store, &database, batch->meta.state_us);
	database_write(&database, batch);
	database_close(&database);
	if (database.result != 0) {
		*fault = database.what;
		return store_judge(store, database.result, "write",
			database.result == -EBADMSG ? "writing all anew" : nothing, fault);
	}
	is_first = !store->has_file;
	store->meta = batch->meta;
	store->has_file = store->is_examined = true;
	return is_first;
}
