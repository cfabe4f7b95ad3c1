#include "directory.h"

#include <natbox/state.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 3000, LOCK_POLL_MS = 20 };

static int fail(int error, const char *doing, const char *path, struct fault *fault)
{
	return fault_set(fault, error,
		"cannot %s state directory %.*s: %s; nothing is kept until state.path is a "
		"directory that natbox may write in",
		doing, PATH_SHOWN_MAX, path, strerror(-error));
}

/* Creates a directory and those above it, which everybody may enter whatever the umask. To create
 * what is there would wait for a disk that stalls. 1: this one was missing; 0: it was there; or a
 * negative errno. */
static int make(const char *path)
{
	char part[PATH_MAX];
	struct stat status;
	size_t length = strlen(path);
	bool is_made = false;

	if (stat(path, &status) == 0)
		return 0;
	while (length > 1 && path[length - 1] == '/')
		length--;
	for (size_t i = 1; i <= length; i++) {
		const mode_t mode = i == length ? 0700 : 0755;

		if (path[i] != '/' && i != length)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		is_made = mkdir(part, mode) == 0;
		if (is_made ? chmod(part, mode) != 0 : errno != EEXIST)
			return -errno;
	}
	return is_made;
}

/* A descriptor of a directory that is there, or is made here, or a negative errno. */
static int open_or_make(const char *path, bool *is_made, struct fault *fault)
{
	int fd = make(path);

	*is_made = fd > 0;
	if (fd < 0)
		return fail(fd, "create", path, fault);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : fail(-errno, "open", path, fault);
}

/* A natbox that was killed holds its lock until the kernel has taken it apart, which takes a while
 * when it was large; the one that replaces it waits for that. */
static int lock(int fd)
{
	for (unsigned waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK || waited_ms >= LOCK_WAIT_MS)
			return -errno;
		usleep(LOCK_POLL_MS * 1000);
	}
	return 0;
}

/* Whether the directory is still the one that is locked: it may have been moved away, or something
 * mounted over it. */
static bool is_locked(const struct directory *directory)
{
	struct stat locked, now;

	return fstat(directory->fd, &locked) == 0 && stat(directory->path, &now) == 0 &&
	       locked.st_ino == now.st_ino && locked.st_dev == now.st_dev;
}

void directory_close(struct directory *directory)
{
	if (directory->fd >= 0)
		close(directory->fd);
	directory->fd = -1;
}

int directory_lock(struct directory *directory, struct fault *fault)
{
	bool is_made;
	int fd, result;

	if (directory->locked_out)
		return -EBUSY;
	if (is_locked(directory))
		return 0;
	directory_close(directory);
	fd = open_or_make(directory->path, &is_made, fault);
	if (fd < 0)
		return fd;
	result = lock(fd);
	if (result != 0) {
		close(fd);
		directory->locked_out = true;
		return fault_set(fault, result,
			"cannot lock state directory %.*s: %s; this natbox keeps nothing: %s",
			PATH_SHOWN_MAX, directory->path,
			result == -EWOULDBLOCK ? "another natbox uses it" : strerror(-result),
			result == -EWOULDBLOCK ? "stop the other one, or give each its state.path"
					       : "state.path has to be on a local disk");
	}
	directory->fd = fd;
	return 0;
}

/* To where nothing is. Not all file systems can be asked to see to that (renameat2), but nobody
 * else makes files in a directory that is locked. */
static int move(int directory, const char *from, const char *to)
{
	struct stat there;

	if (fstatat(directory, to, &there, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(directory, from, directory, to) == 0 ? 0 : -errno;
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
		(void)move(directory, from, to);
}

int directory_move_aside(const struct directory *directory, const char *file, const char *how,
	char name[static ASIDE_NAME_MAX])
{
	const uint64_t now_us = clock_us(CLOCK_REALTIME);
	const time_t now = (time_t)(now_us / 1000000);
	char stamp[32];
	struct tm utc;
	int result;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", gmtime_r(&now, &utc));
	snprintf(name, ASIDE_NAME_MAX, "%s.%s-%s.%06uZ", file, how, stamp,
		(unsigned)(now_us % 1000000));
	result = move(directory->fd, file, name);
	if (result == 0)
		move_journal(directory->fd, file, name);
	return result;
}

void directory_put_back(const struct directory *directory, const char *name, const char *file)
{
	char journal[ASIDE_NAME_MAX + sizeof(JOURNAL_SUFFIX)];

	snprintf(journal, sizeof(journal), "%s" JOURNAL_SUFFIX, file);
	unlinkat(directory->fd, file, 0);
	unlinkat(directory->fd, journal, 0);
	if (move(directory->fd, name, file) == 0)
		move_journal(directory->fd, name, file);
}

/* Whether this directory holds a state and nothing else: then a natbox has made it, which ran as
 * somebody else. */
static bool holds_nothing_but_state(int from, const char *path)
{
	int fd = openat(from, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool has_state = false, has_more = false;

	if (!entries && fd >= 0)
		close(fd);
	if (!entries)
		return false;
	while ((entry = readdir(entries))) {
		if (strncmp(entry->d_name, STATE_FILE, strlen(STATE_FILE)) == 0 ||
			strncmp(entry->d_name, OLD_FILE, strlen(OLD_FILE)) == 0)
			has_state = true;
		else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			has_more = true;
	}
	closedir(entries);
	return has_state && !has_more;
}

bool state_would_give(const char *path)
{
	return holds_nothing_but_state(AT_FDCWD, path);
}

/* Not through a link, which whoever had the directory before may have laid. Nothing is written
 * where nothing changes: the disk may stall. */
static int give(int directory, const char *name, mode_t type, uid_t user, gid_t group)
{
	int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), result = 0;
	struct stat status;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type &&
		(type == S_IFDIR || status.st_nlink == 1) && status.st_uid != user &&
		fchownat(fd, "", user, group, AT_EMPTY_PATH) != 0)
		result = -errno;
	close(fd);
	return result;
}

int state_prepare(const char *path, uid_t user, gid_t group)
{
	static const char *const files[] = {STATE_FILE, STATE_JOURNAL, OLD_FILE};
	struct fault untold;
	bool is_made;
	int result = 0, fd = open_or_make(path, &is_made, &untold);

	if (fd < 0)
		return fd;
	if (is_made || holds_nothing_but_state(fd, "."))
		result = give(fd, ".", S_IFDIR, user, group);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]) && result == 0; i++)
		result = give(fd, files[i], S_IFREG, user, group);
	close(fd);
	return result;
}
