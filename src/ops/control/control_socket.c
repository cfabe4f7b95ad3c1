#include "control_socket.h"

#include "../rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16, GROUPS_MAX = 1024 };

int control_find_group(struct control *control, const char *name, struct fault *fault)
{
	const struct group *group;

	if (!*name)
		return 0;
	group = getgrnam(name);
	if (!group)
		return fault_set_kind(fault, FAULT_LASTING, -ENOENT,
			"there is no group %s whose members may control natbox: create it "
			"(groupadd --system %s), or set metrics.group to another or to nothing",
			name, name);
	control->has_group = true;
	control->group = group->gr_gid;
	return 0;
}

static int explain(const struct control *control, int error, struct fault *fault)
{
	const char *path = control->path;

	switch (error) {
	case -EADDRINUSE:
		return fault_set(fault, error,
			"cannot listen for control on %s: another natbox does; set control.socket "
			"to another path, or to nothing",
			path);
	case -EEXIST:
		return fault_set_kind(fault, FAULT_LASTING, error,
			"cannot listen for control on %s: what is there is no socket; remove it, "
			"or set control.socket to another path",
			path);
	case -EACCES:
	case -EPERM:
	case -EROFS:
	case -ENOENT:
	case -ENOTDIR:
		return fault_set_kind(fault, FAULT_LASTING, error,
			"cannot listen for control on %s: %s; make its directory, and let natbox "
			"write there, or set control.socket to another path or to nothing",
			path, strerror(-error));
	default:
		return fault_set(fault, error,
			"cannot listen for control on %s: %s; start again once that is over, or "
			"set control.socket to another path or to nothing",
			path, strerror(-error));
	}
}

/* The directory of a path, which is that of the process where none is named. */
static void name_directory(const char *path, char directory[static SOCKET_PATH_MAX])
{
	char copy[SOCKET_PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	snprintf(directory, SOCKET_PATH_MAX, "%s", dirname(copy));
}

/* Where the directory was made: natbox's user is to remove and replace the socket in it. */
static void make_directory(const struct control *control, const struct identity *identity)
{
	char directory[SOCKET_PATH_MAX];

	name_directory(control->path, directory);
	/* A user who could lead it elsewhere is not to be given what is there. */
	if (rights_leads(identity, directory) || mkdir(directory, 0755) != 0)
		return;
	if (rights_differ(identity) && lchown(directory, identity->user, identity->group) != 0)
		rmdir(directory);
}

static struct sockaddr_un name_of(const struct control *control)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	_Static_assert(sizeof(name.sun_path) >= SOCKET_PATH_MAX, "room for each path");
	memcpy(name.sun_path, control->path, SOCKET_PATH_MAX);
	return name;
}

/* What stands at the path: -EADDRINUSE somebody listens there, -EEXIST no socket, 0 nothing, or
 * what nobody listens on any more. */
static int look(const struct control *control)
{
	const struct sockaddr_un name = name_of(control);
	struct stat status;
	int probe, result = 0;

	if (lstat(control->path, &status) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return -errno;
	if (connect(probe, (const struct sockaddr *)&name, sizeof(name)) == 0 || errno == EAGAIN)
		result = -EADDRINUSE;
	else if (errno != ECONNREFUSED && errno != ENOENT)
		result = -errno;
	close(probe);
	return result;
}

/* Its mode and owner are right from the first moment, whoever may rename what is in the
 * directory. */
static int bind_to(struct control *control)
{
	const struct sockaddr_un name = name_of(control);
	const mode_t before = umask(control->has_group ? 0117 : 0177);
	int result = look(control);
	struct stat status;

	if (result == 0 && unlink(control->path) != 0 && errno != ENOENT)
		result = -errno;
	if (result == 0 &&
		bind(control->listener, (const struct sockaddr *)&name, sizeof(name)) != 0)
		result = -errno;
	if (result == 0 && lstat(control->path, &status) == 0) {
		control->device = status.st_dev;
		control->inode = status.st_ino;
	}
	umask(before);
	return result;
}

/* Where natbox's user can change what the path leads to, with the rights of that user alone: the
 * socket is his then. */
static int bind_as(struct control *control, const struct identity *identity)
{
	struct identity binder = *identity;
	int result;

	if (control->has_group)
		binder.group = control->group;
	result = rights_take(&binder);
	if (result != 0)
		return result;
	result = bind_to(control);
	rights_return();
	return result;
}

static int give(const struct control *control, const struct identity *identity, struct fault *fault)
{
	const bool differs = rights_differ(identity);
	const uid_t user = differs ? identity->user : (uid_t)-1;
	gid_t group = differs ? identity->group : (gid_t)-1;

	if (control->has_group)
		group = control->group;
	if ((!differs && !control->has_group) || lchown(control->path, user, group) == 0)
		return 0;
	return fault_set_kind(fault, FAULT_LASTING, -errno,
		"cannot give control socket %s to its group: %s; start natbox as root, or make its "
		"user a member of metrics.group",
		control->path, strerror(errno));
}

/* Whether something can be made in the directory, or in the one that it can be made in. */
static int may_make_in(const char *directory)
{
	char parent[SOCKET_PATH_MAX];

	if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	name_directory(directory, parent);
	return faccessat(AT_FDCWD, parent, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

int control_examine(
	const char *path, const char *group, const struct identity *identity, struct fault *fault)
{
	static struct control control;
	char directory[SOCKET_PATH_MAX];
	bool leads;
	int result;

	memcpy(control.path, path, strnlen(path, sizeof(control.path) - 1) + 1);
	result = control_find_group(&control, group, fault);
	if (result != 0)
		return result;
	name_directory(control.path, directory);
	leads = rights_leads(identity, control.path);
	result = leads ? rights_take(identity) : 0;
	if (result == 0) {
		result = look(&control);
		if (result == 0)
			result = may_make_in(directory);
		if (leads)
			rights_return();
	}
	return result == 0 ? 0 : explain(&control, result, fault);
}

int control_listen(struct control *control, const struct identity *identity, struct fault *fault)
{
	bool leads;
	int result;

	control->user = identity->user;
	make_directory(control, identity);
	leads = rights_leads(identity, control->path);
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listener < 0)
		return explain(control, -errno, fault);
	result = leads ? bind_as(control, identity) : bind_to(control);
	if (result == 0 && !leads && (result = give(control, identity, fault)) != 0)
		return result;
	if (result == 0 && listen(control->listener, BACKLOG) != 0)
		result = -errno;
	return result == 0 ? 0 : explain(control, result, fault);
}

void control_unlink(const struct control *control)
{
	struct stat status;

	if (control->inode && lstat(control->path, &status) == 0 &&
		status.st_dev == control->device && status.st_ino == control->inode)
		unlink(control->path);
}

static bool is_of_group(const struct control *control, int connection, gid_t primary)
{
	gid_t groups[GROUPS_MAX];
	socklen_t length = sizeof(groups);

	if (!control->has_group)
		return false;
	if (primary == control->group)
		return true;
	if (getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups, &length) != 0)
		return false;
	for (size_t i = 0; i < length / sizeof(*groups); i++) {
		if (groups[i] == control->group)
			return true;
	}
	return false;
}

bool control_may_ask(const struct control *control, int connection)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return false;
	return peer.uid == 0 || peer.uid == control->user ||
	       is_of_group(control, connection, peer.gid);
}
