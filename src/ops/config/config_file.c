#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

struct source {
	int fd;
	bool is_fifo;
	uint64_t until_ms;
	char *bytes;
	size_t length;
};

static bool is_null_device(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static int check_kind(struct source *source, struct fault *fault)
{
	struct stat status;

	if (fstat(source->fd, &status) != 0)
		return fault_set(fault, -errno, "cannot read: %s", strerror(errno));
	source->is_fifo = S_ISFIFO(status.st_mode);
	if (source->is_fifo || S_ISREG(status.st_mode) || is_null_device(&status))
		return 0;
	return fault_set(fault, -EINVAL, "is a %s; name a file with -c",
		S_ISDIR(status.st_mode) ? "directory" : "device");
}

/* What there is to read now or soon enough: the events of poll, 0 for nothing. */
static short wait_for_more(const struct source *source)
{
	struct pollfd polled = {.fd = source->fd, .events = POLLIN};
	uint64_t now_ms = clock_us(CLOCK_MONOTONIC) / 1000;

	if (now_ms < source->until_ms)
		poll(&polled, 1, (int)(source->until_ms - now_ms));
	return polled.revents;
}

/* A FIFO ends when all who wrote to it have closed it; one that nobody has opened to write looks as
 * if it did, too. */
static int read_all(struct source *source, struct fault *fault)
{
	while (source->length <= CONFIG_FILE_MAX) {
		ssize_t got = read(source->fd, source->bytes + source->length,
			CONFIG_FILE_MAX + 1 - source->length);
		bool is_unwritten = got == 0 && source->is_fifo && source->length == 0;
		short more;

		if (got == 0 && !is_unwritten)
			return 0;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return fault_set(fault, -errno, "cannot read: %s", strerror(errno));
		if (got > 0) {
			source->length += (size_t)got;
			continue;
		}
		more = wait_for_more(source);
		if (!more || (is_unwritten && more == POLLHUP))
			return fault_set(fault, -ETIMEDOUT,
				"is a FIFO that %s; name a file with -c, or see that all of it is "
				"written at once",
				is_unwritten ? "nobody writes to" : "is not written to the end");
	}
	return 0;
}

static int read_file(struct source *source, struct fault *fault)
{
	int result = check_kind(source, fault);

	if (result != 0)
		return result;
	source->bytes = malloc(CONFIG_FILE_MAX + 1);
	if (!source->bytes)
		return fault_set(fault, -ENOMEM, "cannot read: out of memory");
	result = read_all(source, fault);
	if (result != 0)
		free(source->bytes);
	return result;
}

int config_file_read(
	const char *path, int wait_ms, char **bytes, size_t *length, struct fault *fault)
{
	struct source source = {.fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
		.until_ms = clock_us(CLOCK_MONOTONIC) / 1000 + (uint64_t)wait_ms};
	int result;

	if (source.fd < 0)
		return fault_set(fault, -errno,
			"cannot open: %s; see that natbox may read it, or name another with -c",
			strerror(errno));
	result = read_file(&source, fault);
	close(source.fd);
	*bytes = source.bytes;
	*length = source.length;
	return result;
}
