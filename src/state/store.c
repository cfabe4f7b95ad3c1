#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Names tried for one bad file: so many in one second, and somebody is doing it on purpose. */
enum { ASIDE_NAMES = 100 };

/* What a write that was killed leaves beside the file, for the next one to take it back. */
#define JOURNAL "-journal"

static const char another[] = "is not the one that natbox has read", anew[] = "writing all anew";

static const char *remedy(int error)
{
	return error == -EACCES || error == -EPERM || error == -EROFS
		       ? " (give it and its directory to natbox.user)"
		       : "";
}

int store_move_aside(const struct store *store, const char *file, const char *how,
	char name[static ASIDE_NAME_MAX])
{
	const int fd = store->directory.fd;
	time_t now = time(NULL);
	char stamp[32], journal[2][ASIDE_NAME_MAX + sizeof(JOURNAL)];
	struct tm utc;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	for (unsigned i = 1; i <= ASIDE_NAMES; i++) {
		snprintf(name, ASIDE_NAME_MAX, i == 1 ? "%s.%s-%s" : "%s.%s-%s.%u", file, how,
			stamp, i);
		if (renameat2(fd, file, fd, name, RENAME_NOREPLACE) == 0) {
			snprintf(journal[0], sizeof(journal[0]), "%s" JOURNAL, file);
			snprintf(journal[1], sizeof(journal[1]), "%s" JOURNAL, name);
			renameat2(fd, journal[0], fd, journal[1], RENAME_NOREPLACE);
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

/* what says why. */
static int set_aside(struct store *store, const char *what, const char *then, struct fault *fault)
{
	char name[ASIDE_NAME_MAX];
	int result = store_move_aside(store, STORE_FILE, "bad", name);

	store->file = (struct stat){0};
	if (result != 0)
		return fault_set(fault, result,
			"state %.*s %s, and cannot be set aside: %s%s; nothing is kept until it "
			"can be",
			PATH_SHOWN_MAX, store->path, what, strerror(-result), remedy(result));
	return fault_set(fault, -ENOENT, "state %.*s %s: set aside as %s, %s", PATH_SHOWN_MAX,
		store->path, what, name, then);
}

int store_judge(struct store *store, int result, const struct fault *what, const char *then,
	struct fault *fault)
{
	fault->line[0] = 0;
	if (result == 0) /* its size is another one where a write that was killed was taken back */
		return stat(store->path, &store->file) == 0 ? 0 : -errno;
	if (result == -EBADMSG)
		return set_aside(store, what->line, then, fault);
	store->file = (struct stat){0};
	if (result == -ENOENT)
		return result;
	return fault_set(fault, result, "cannot read state %.*s: %s%s; %s", PATH_SHOWN_MAX,
		store->path, what->line, remedy(result), then);
}

int store_open(struct store *store, const char *path, struct fault *fault)
{
	*store = (struct store){.directory.fd = -1};
	snprintf(store->directory.path, sizeof(store->directory.path), "%s", path);
	snprintf(store->path, sizeof(store->path), "%.*s/" STORE_FILE, PATH_MAX - 16, path);
	return directory_lock(&store->directory, fault);
}

/* Opening anything but a file could hang. */
int store_find(struct store *store, struct fault *what)
{
	if (stat(store->path, &store->file) != 0)
		return errno == ENOENT ? -ENOENT : fault_set(what, -errno, "%s", strerror(errno));
	if (!S_ISREG(store->file.st_mode))
		return fault_set(what, -EBADMSG, "is not a file");
	return store->file.st_size ? 0 : -ENOENT;
}

static int cannot_write(
	const struct store *store, int error, const char *cause, struct fault *fault)
{
	return fault_set(fault, error,
		"cannot write state %.*s: %s%s; nothing is kept until it can be", PATH_SHOWN_MAX,
		store->path, cause, remedy(error));
}

/* The file is to be the one this store has read or begun. Another in its place is not ours to write
 * to, whatever it holds. */
static int verify_file(struct store *store, struct fault *fault)
{
	struct stat now;

	if (stat(store->path, &now) != 0) {
		store->file = (struct stat){0};
		return errno == ENOENT ? 0 : cannot_write(store, -errno, strerror(errno), fault);
	}
	if (store->file.st_ino == 0 && S_ISREG(now.st_mode) && now.st_size == 0)
		return 0;
	if (store->file.st_ino != now.st_ino || store->file.st_dev != now.st_dev)
		return set_aside(store, another, anew, fault);
	if (now.st_size < store->file.st_size)
		return set_aside(store, "has been cut short", anew, fault);
	return 0;
}

static int make_file(const struct store *store, struct database *database, struct fault *what)
{
	int fd = openat(
		store->directory.fd, STORE_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fchmod(fd, 0600) != 0) {
		fault_set(what, -errno, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -errno;
	}
	close(fd);
	return database_make(database, store->path, what);
}

/* ESTALE: it has been written to by somebody else. */
static int open_file(struct store *store, struct database *database, const struct batch *batch,
	struct fault *what)
{
	struct meta meta;
	int result = database_open(database, store->path, &meta, what);

	if (result == 0 && memcmp(&meta, &store->meta, sizeof(meta)) != 0)
		result = -ESTALE;
	if (result == 0 && !store->is_examined)
		result = database_examine(database, batch->meta.state_us, what);
	store->is_examined |= result == 0;
	return result;
}

static int write_file(struct store *store, const struct batch *batch, struct fault *what)
{
	struct database database = {0};
	int result = store->file.st_ino == 0 ? make_file(store, &database, what)
					     : open_file(store, &database, batch, what);

	if (result == 0)
		result = database_write(&database, batch, what);
	database_close(&database);
	if (result != 0)
		return result;
	store->meta = batch->meta;
	if (stat(store->path, &store->file) != 0)
		store->file = (struct stat){0};
	return 0;
}

/* Takes what could not be written to out of the way where that is the file's own fault. */
static int give_up(struct store *store, int error, const struct fault *what, struct fault *fault)
{
	if (store->file.st_ino == 0) {
		unlinkat(store->directory.fd, STORE_FILE, 0);
		unlinkat(store->directory.fd, STORE_FILE JOURNAL, 0);
	} else if (error == -ESTALE || error == -ENOENT) {
		return set_aside(store, another, anew, fault);
	} else if (error == -EBADMSG) {
		return set_aside(store, what->line, anew, fault);
	}
	return cannot_write(store, error, what->line, fault);
}

int store_write(struct store *store, struct batch *batch, struct fault *fault)
{
	struct fault what;
	int result = directory_lock(&store->directory, fault);

	if (result == 0)
		result = verify_file(store, fault);
	if (result != 0)
		return result;
	if (store->file.st_ino == 0)
		store->begun = store->is_examined = true;
	batch->meta.number = store->meta.number + 1;
	result = write_file(store, batch, &what);
	if (result != 0)
		return give_up(store, result, &what, fault);
	if (store->begun && fsync(store->directory.fd) != 0 && errno != EINVAL /* has none */)
		return cannot_write(store, -errno, strerror(errno), fault);
	store->is_new = store->begun;
	store->begun = false;
	return 0;
}
