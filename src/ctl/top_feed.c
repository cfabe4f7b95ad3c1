#include "top_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BYTES = 64 * 1024,
	SIZE_LEAST = 2 * READ_BYTES,
	/* No line of natbox is longer than some hundred kilobytes. */
	SIZE_MAX_BYTES = 2 * 1024 * 1024,
	/* For so long the screen stands still. */
	CONNECT_MAX_S = 1,
};

bool feed_open(struct feed *feed, const struct ctl *ctl)
{
	feed->fd = link_open(ctl, CONNECT_MAX_S);
	return feed->fd >= 0;
}

void feed_close(struct feed *feed)
{
	if (feed->fd >= 0)
		close(feed->fd);
	free(feed->bytes);
	*feed = (struct feed){.fd = -1};
}

static bool make_room(struct feed *feed)
{
	const size_t size = feed->size ? feed->size * 2 : SIZE_LEAST;
	char *bytes;

	if (feed->size - feed->used >= READ_BYTES)
		return true;
	bytes = size <= SIZE_MAX_BYTES ? realloc(feed->bytes, size) : NULL;
	if (!bytes)
		return false;
	feed->bytes = bytes;
	feed->size = size;
	return true;
}

/* False: it is no line of natbox. */
static bool take_line(const char *bytes, size_t length,
	void (*take)(void *context, const json_t *line), void *context)
{
	json_t *line = line_of(bytes, length);

	if (!line)
		return false;
	take(context, line);
	json_decref(line);
	return true;
}

bool feed_read(struct feed *feed, void (*take)(void *context, const json_t *line), void *context)
{
	size_t done = 0;
	ssize_t length;
	const char *end;

	if (!make_room(feed))
		return false;
	length = recv(feed->fd, feed->bytes + feed->used, READ_BYTES, MSG_DONTWAIT);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	if (length == 0)
		return false;
	feed->used += (size_t)length;
	while ((end = memchr(feed->bytes + done, '\n', feed->used - done))) {
		const size_t line = (size_t)(end - feed->bytes) - done;

		if (!take_line(feed->bytes + done, line, take, context))
			return false;
		done += line + 1;
	}
	feed->used -= done;
	memmove(feed->bytes, feed->bytes + done, feed->used);
	return true;
}
