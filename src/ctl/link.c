#include "ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* natbox answers within a turn of its loop, and takes who comes in one. */
enum { ANSWER_MAX_S = 10 };

enum { FAILURE_MAX = 4096 };

int ctl_fail(int status, const char *format, ...)
{
	char line[FAILURE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fflush(stdout);
	fprintf(stderr, "natboxctl: %s\n", plain_of(line));
	return status;
}

int link_explain(const struct ctl *ctl, int error)
{
	if (error == EACCES || error == EPERM)
		return ctl_fail(CTL_REFUSED,
			"you may not control the natbox on %s: root may, natbox's user, and "
			"members of metrics.group",
			ctl->socket);
	if (error == EAGAIN)
		return ctl_fail(CTL_NOBODY, "natbox on %s does not answer: it hangs, or is stopped",
			ctl->socket);
	if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
		return ctl_fail(CTL_NOBODY,
			"no natbox answers on %s: is it running, with this control.socket? -s "
			"names another",
			ctl->socket);
	return ctl_fail(CTL_NOBODY, "cannot reach natbox on %s: %s", ctl->socket, strerror(error));
}

/* Connects, to a natbox that hangs for so long at most. A descriptor, or -1 with errno set: EAGAIN
 * where that was too long. */
static int open_link(const struct ctl *ctl, unsigned patience_s)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = patience_s};
	int fd, error;

	if (strlen(ctl->socket) >= sizeof(name.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name.sun_path, ctl->socket, strlen(ctl->socket) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* A natbox that hangs has room for some who wait to be taken. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Whoever watches says when he has seen enough; a file is whole then, too. */
static volatile sig_atomic_t is_interrupted;
static volatile sig_atomic_t watched; /* what he watches; nothing more is read from there */

static void on_interrupt(int number)
{
	const int error = errno;

	(void)number;
	is_interrupted = 1;
	shutdown(watched, SHUT_RD);
	errno = error;
}

/* A terminal that has gone ends it likewise, but not what was begun with nohup. */
static void expect_interrupt(int fd)
{
	const struct sigaction action = {.sa_handler = on_interrupt};
	struct sigaction before;

	watched = fd;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

/* Where natbox refuses before it has read all, its answer is there nevertheless. */
void link_say(int fd, const char *request)
{
	size_t left = strlen(request);

	while (left) {
		ssize_t sent = send(fd, request, left, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return;
		if (sent > 0) {
			request += sent;
			left -= (size_t)sent;
		}
	}
}

/* What natbox ends with: -1 is not the end yet. */
static int end_of(struct ctl *ctl, json_t *line)
{
	if (json_object_get(line, "failed"))
		return ctl_fail(number_of(line, "status") == CTL_USAGE ? CTL_USAGE : CTL_REFUSED,
			"%s", text_of(line, "failed"));
	if (!json_object_get(line, "done"))
		return -1;
	ctl->last = json_incref(line);
	return CTL_DONE;
}

/* Only a line that ends the answer begins like that. */
static bool may_be_last(const char *bytes)
{
	return strncmp(bytes, "{\"done\"", 7) == 0 || strncmp(bytes, "{\"failed\"", 9) == 0;
}

/* Of a million lines none is taken apart that is shown as it is. The exit status, -1: there is more
 * to come. Of what cannot be shown is told at the end. */
static int pass_line(const struct ctl *ctl, const char *bytes, size_t length)
{
	fwrite(bytes, 1, length, stdout);
	if (ctl->is_live)
		fflush(stdout);
	return ferror(stdout) ? CTL_DONE : -1;
}

/* The exit status, -1: there is more to come. */
static int take_line(struct ctl *ctl, const char *bytes, size_t length,
	void (*show)(struct ctl *ctl, const json_t *line))
{
	const bool passes = ctl->is_json && !ctl->file;
	json_t *line;
	int status;

	if (passes && *bytes == '{' && !may_be_last(bytes))
		return pass_line(ctl, bytes, length);
	line = line_of(bytes, length);
	if (!line)
		return ctl_fail(CTL_NOBODY, "what answers on %s is no natbox", ctl->socket);
	status = end_of(ctl, line);
	if (status < 0 && show && !passes)
		show(ctl, line);
	json_decref(line);
	if (status < 0 && ctl->is_live)
		fflush(stdout);
	if (status < 0 && ctl->failure)
		return ctl->failure;
	return status < 0 && ferror(stdout) ? CTL_DONE : status;
}

/* 0: for ever. */
static void wait_for_lines(int fd, unsigned patience_s)
{
	const struct timeval patience = {.tv_sec = patience_s};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

int link_ask(struct ctl *ctl, void (*show)(struct ctl *ctl, const json_t *line))
{
	/* A trace begins with a line of its own. */
	const bool begins_at_once = strcmp(ctl->command, "events") != 0;
	const int fd = open_link(ctl, ANSWER_MAX_S);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int status = -1;

	if (!stream)
		return link_explain(ctl, errno);
	wait_for_lines(fd, begins_at_once ? ANSWER_MAX_S : 0);
	if (ctl->is_live)
		expect_interrupt(fd);
	link_say(fd, ctl->request);
	errno = 0;
	while (status < 0 && (length = getline(&line, &size, stream)) > 0 && !is_interrupted) {
		if (line[length - 1] != '\n')
			break; /* what was to follow never came */
		status = take_line(ctl, line, (size_t)length, show);
		if (ctl->is_live)
			wait_for_lines(fd, 0);
	}
	if (status < 0 && is_interrupted)
		status = CTL_DONE;
	if (status < 0 && errno == EAGAIN)
		status = link_explain(ctl, errno);
	else if (status < 0)
		status = ctl_fail(CTL_NOBODY, "natbox on %s has ended, or given up on this client",
			ctl->socket);
	free(line);
	fclose(stream);
	return status;
}

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
	feed->fd = open_link(ctl, CONNECT_MAX_S);
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
static bool hand_on(const char *bytes, size_t length,
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

		if (!hand_on(feed->bytes + done, line, take, context))
			return false;
		done += line + 1;
	}
	feed->used -= done;
	memmove(feed->bytes, feed->bytes + done, feed->used);
	return true;
}
