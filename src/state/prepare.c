#include <natbox/state.h>

#include "store.h"
#include "upgrade.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the directory holds a state and nothing else: then a natbox has made it, which ran as
 * somebody else. */
static bool holds_nothing_but_state(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool has_state = false, has_more = false;

	if (!entries && fd >= 0)
		close(fd);
	if (!entries)
		return false;
	while ((entry = readdir(entries))) {
		if (strncmp(entry->d_name, STORE_FILE, strlen(STORE_FILE)) == 0 ||
			strncmp(entry->d_name, UPGRADE_FILE, strlen(UPGRADE_FILE)) == 0)
			has_state = true;
		else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			has_more = true;
	}
	closedir(entries);
	return has_state && !has_more;
}

bool state_would_give(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool would = fd >= 0 && holds_nothing_but_state(fd);

	if (fd >= 0)
		close(fd);
	return would;
}

/* Nothing is written where nothing changes: the disk may stall. */
static int give(int fd, const struct stat *status, uid_t user, gid_t group)
{
	if (status->st_uid == user)
		return 0;
	return fchownat(fd, "", user, group, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

/* Not through a link, which whoever had the directory before may have laid. */
static int give_file(int directory, const char *name, uid_t user, gid_t group)
{
	int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), result = 0;
	struct stat status;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1)
		result = give(fd, &status, user, group);
	close(fd);
	return result;
}

int state_prepare(const char *path, uid_t user, gid_t group, struct fault *fault)
{
	static const char *const files[] = {STORE_FILE, STORE_JOURNAL, UPGRADE_FILE};
	bool created = false;
	int result = *path ? directory_make(path, &created, fault) : 0, fd;
	struct stat status;

	if (result != 0 || !*path)
		return result;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && (created || holds_nothing_but_state(fd)))
		result = give(fd, &status, user, group);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]) && fd >= 0 && result == 0; i++)
		result = give_file(fd, files[i], user, group);
	if (fd < 0)
		return fault_set(fault, -errno, "cannot open state directory %.*s: %s",
			PATH_SHOWN_MAX, path, strerror(errno));
	close(fd);
	if (result != 0)
		return fault_set(fault, result, "cannot give state %.*s to its user: %s",
			PATH_SHOWN_MAX, path, strerror(-result));
	return 0;
}
