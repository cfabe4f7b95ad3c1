#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nobody may read a FIFO yet, or all the while: one end of it to read keeps the lines until
 * somebody does. */
static int open_path(const char *path, const struct identity *owner, bool *is_unread)
{
	const int flags = O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = rights_open(owner, path, O_WRONLY | flags, 0640), both;
	struct stat status;

	*is_unread = fd == -ENXIO;
	if (!*is_unread && (fd < 0 || fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)))
		return fd;
	both = rights_open(owner, path, O_RDWR | flags, 0640);
	if (both < 0 && !*is_unread) /* it may only be written to */
		return fd;
	if (fd >= 0)
		close(fd);
	return both;
}

int output_open(const char *what, const char *path, int standard, const struct identity *owner,
	struct output *output, struct fault *fault)
{
	bool is_unread;
	int fd;

	if (!path) {
		*output = (struct output){.fd = standard, .is_standard = true, .waits = true};
		return 0;
	}
	fd = open_path(path, owner, &is_unread);
	if (fd < 0)
		return fault_set_kind(fault, fault_kind_of_path(fd), fd,
			"cannot open %s %s: %s; name a file in a directory that natbox may write "
			"in",
			what, path, rights_explain(fd));
	*output = (struct output){.fd = fd, .waits = true, .is_unread_fifo = is_unread};
	return 0;
}

void output_stop_waiting(struct output *output)
{
	char path[32];
	struct stat status;
	int own;

	output->waits = false;
	if (!output->is_standard || fstat(output->fd, &status) != 0)
		return;
	output->is_socket = S_ISSOCK(status.st_mode);
	if (!S_ISFIFO(status.st_mode) && !isatty(output->fd))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", output->fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	output->asks_first = own < 0;
	if (own < 0)
		return;
	output->fd = own;
	output->is_standard = false;
}

static bool wait_for_room(const struct output *output, int timeout_ms)
{
	struct pollfd polled = {.fd = output->fd, .events = POLLOUT};

	return poll(&polled, 1, timeout_ms) != 0;
}

static ssize_t write_some(const struct output *output, const char *bytes, size_t length)
{
	if (output->is_socket && !output->waits)
		return send(output->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!output->asks_first || output->waits)
		return write(output->fd, bytes, length);
	if (!wait_for_room(output, 0)) {
		errno = EAGAIN;
		return -1;
	}
	/* A pipe with room has room for that much. */
	return write(output->fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
}

ssize_t output_write(const struct output *output, const char *bytes, size_t length)
{
	for (;;) {
		ssize_t written = write_some(output, bytes, length);

		if (written >= 0)
			return written;
		if (errno == EAGAIN && output->waits)
			wait_for_room(output, -1);
		else if (errno != EINTR)
			return -errno;
	}
}

const char *output_explain(int error)
{
	return error == -EAGAIN ? "its reader does not read" : strerror(-error);
}

void output_close(struct output *output)
{
	if (!output->is_standard)
		close(output->fd);
}
