#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many as the kernel follows in one path. */
enum { LINKS_MAX = 40 };

/* The way of a path, one directory after the other. */
struct way {
	int directory;
	unsigned links;
	char left[PATH_MAX];
};

static bool may_write(const struct stat *directory, const struct identity *user)
{
	return directory->st_uid == user->user || directory->st_mode & S_IWOTH ||
	       (directory->st_gid == user->group && directory->st_mode & S_IWGRP);
}

/* entry: NULL when there is none. In a directory with the sticky bit everybody owns what is his;
 * but a file with several names may be anybody's link to it. */
static bool may_replace(
	const struct stat *directory, const struct stat *entry, const struct identity *user)
{
	if (!may_write(directory, user))
		return false;
	if (directory->st_uid == user->user || !(directory->st_mode & S_ISVTX))
		return true;
	return entry &&
	       (entry->st_uid == user->user || (S_ISREG(entry->st_mode) && entry->st_nlink > 1));
}

static void enter(struct way *way, int directory)
{
	close(way->directory);
	way->directory = directory;
}

/* Puts where the link leads before what is left of the path. False at the end of the way. */
static bool follow(struct way *way, int link, const char *rest)
{
	char target[PATH_MAX], left[PATH_MAX];
	ssize_t length = readlinkat(link, "", target, sizeof(target) - 1);

	if (length <= 0 || ++way->links > LINKS_MAX)
		return false;
	target[length] = 0;
	if ((size_t)snprintf(left, sizeof(left), "%s/%s", target, rest) >= sizeof(left))
		return false;
	memcpy(way->left, left, sizeof(left));
	if (*target == '/')
		enter(way, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return true;
}

/* One part of the path further. False at the end of the way; *led: the user can change it here. */
static bool step(struct way *way, const struct identity *user, bool *led)
{
	char name[PATH_MAX];
	const char *start = way->left + strspn(way->left, "/");
	size_t length = strcspn(start, "/");
	struct stat holder, entry;
	bool goes_on = false;
	int fd;

	if (length == 0 || fstat(way->directory, &holder) != 0)
		return false;
	memcpy(name, start, length);
	name[length] = 0;
	fd = openat(way->directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &entry) != 0) {
		close(fd);
		fd = -1;
	}
	*led = may_replace(&holder, fd >= 0 ? &entry : NULL, user);
	if (fd < 0)
		return false;
	if (!*led && S_ISLNK(entry.st_mode)) {
		goes_on = follow(way, fd, start + length);
		close(fd);
		return goes_on;
	}
	memmove(way->left, start + length, strlen(start + length) + 1);
	enter(way, fd);
	return !*led;
}

bool rights_differ(const struct identity *user)
{
	return user && *user->name && geteuid() == 0 && user->user != 0;
}

bool rights_leads(const struct identity *user, const char *path)
{
	struct way way = {0};
	bool led = false;

	if (!rights_differ(user) || strlen(path) >= sizeof(way.left))
		return false;
	way.directory = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	memcpy(way.left, path, strlen(path) + 1);
	while (step(&way, user, &led))
		;
	close(way.directory);
	return led;
}

int rights_take(const struct identity *user)
{
	if (setgroups(0, NULL) != 0 || setegid(user->group) != 0)
		return -errno;
	if (seteuid(user->user) == 0)
		return 0;
	rights_return();
	return -EPERM;
}

void rights_return(void)
{
	if (seteuid(0) != 0 || setegid(getgid()) != 0)
		abort(); /* to go on as somebody in between would be worse */
}

/* Only what natbox's own and root's links lead to. */
static int open_own(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_NOFOLLOW, mode), error = errno;
	struct stat link;

	if (fd >= 0)
		return fd;
	if (lstat(path, &link) != 0 || !S_ISLNK(link.st_mode))
		return -error;
	if (link.st_uid != 0 && link.st_uid != geteuid())
		return -ELOOP;
	fd = open(path, flags, mode);
	return fd < 0 ? -errno : fd;
}

int rights_open(const struct identity *user, const char *path, int flags, mode_t mode)
{
	int result;

	if (!rights_leads(user, path))
		return open_own(path, flags, mode);
	result = rights_take(user);
	if (result != 0)
		return result;
	result = open_own(path, flags, mode);
	rights_return();
	return result;
}

const char *rights_explain(int error)
{
	return error == -ELOOP ? "it is a symbolic link of somebody else, name the file itself"
			       : strerror(-error);
}

int rights_give(const struct identity *user, int fd, const char *path)
{
	struct stat opened, named;

	if (fstat(fd, &opened) != 0 || lstat(path, &named) != 0 || !S_ISREG(named.st_mode) ||
		named.st_nlink != 1 || named.st_ino != opened.st_ino ||
		named.st_dev != opened.st_dev)
		return 0;
	if (opened.st_uid != geteuid() || rights_leads(user, path))
		return 0;
	return fchown(fd, user->user, (gid_t)-1) == 0 ? 0 : -errno;
}
