#include <natbox/events.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* The longest line: a text of a whole datagram, six bytes for each (\u00XX), and the
	 * rest. */
	TEXT_BYTES_MAX = 65535,
	LINE_MAX_BYTES = 6 * TEXT_BYTES_MAX + 1024,
	/* What waits at most: at 150 bytes a line, some thousand lines between two writes. Pages
	 * that are never reached cost nothing. */
	BUFFER_BYTES = LINE_MAX_BYTES + 256 * 1024,
};

struct events {
	char *path;
	int fd;
	bool failing;  /* the last write did */
	int error;     /* why events were lost: a negative errno, 0 once all is told */
	int announced; /* the error that was told last */
	uint64_t lost; /* how many events, since then */
	bool mid_line; /* a failed write left half a line in the file */
	int64_t offset_us;
	size_t used;
	char buffer[BUFFER_BYTES];
};

static int open_stream(const char *path, struct fault *fault)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return STDOUT_FILENO;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		return fault_set_kind(fault, fault_kind_of_path(-errno), -errno,
			"cannot open event stream %s: %s; natbox needs to be allowed to write "
			"there",
			path, strerror(errno));
	return fd;
}

static void close_stream(struct events *events)
{
	if (events->fd != STDOUT_FILENO)
		close(events->fd);
}

struct events *events_open(const char *path, struct fault *fault)
{
	int fd = open_stream(path, fault);
	struct events *events;

	if (fd < 0)
		return NULL;
	events = calloc(1, sizeof(*events));
	if (!events || !(events->path = strdup(path))) {
		free(events);
		fault_set(fault, -ENOMEM, "cannot open event stream %s: out of memory", path);
		if (fd != STDOUT_FILENO)
			close(fd);
		return NULL;
	}
	events->fd = fd;
	return events;
}

void events_set_offset(struct events *events, int64_t offset_us)
{
	events->offset_us = offset_us;
}

/* The events of the buffer of which not all was written. Each ends with a line end, and has none
 * within; one at the start of the buffer ends what a failed write left in the file. */
static uint64_t count_unwritten(const struct events *events, size_t done)
{
	uint64_t count = 0;

	for (size_t i = done ? done : 1; i < events->used; i++)
		count += events->buffer[i] == '\n';
	return count;
}

/* After a failure the rest of the buffer is dropped, so that a full disk does not stall packets. */
static void write_out(struct events *events)
{
	size_t done = 0;
	int error = 0;

	while (done < events->used && !error) {
		ssize_t written = write(events->fd, events->buffer + done, events->used - done);

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR)
			error = -errno;
	}
	if (events->used)
		events->failing = error != 0;
	if (error)
		events->error = error;
	if (done)
		events->mid_line = events->buffer[done - 1] != '\n';
	events->lost += count_unwritten(events, done);
	events->used = 0;
}

static const char *shown_path(const struct events *events)
{
	return strcmp(events->path, "-") == 0 ? "standard output" : events->path;
}

/* 0, or why events were lost when that has not been told yet. */
static int announce(struct events *events, struct fault *fault)
{
	if (events->error == events->announced)
		return 0;
	events->announced = events->error;
	return fault_set(fault, events->error, "events lost: cannot write to %s: %s",
		shown_path(events), strerror(-events->error));
}

enum events_news events_flush(struct events *events, struct fault *fault)
{
	write_out(events);
	if (announce(events, fault) != 0)
		return EVENTS_LOST;
	if (events->failing || !events->lost)
		return EVENTS_NO_NEWS;
	fault_set(fault, 0, "events are written to %s again: %llu were lost", shown_path(events),
		(unsigned long long)events->lost);
	events->error = events->announced = 0;
	events->lost = 0;
	return EVENTS_RESUMED;
}

int events_reopen(struct events *events, struct fault *fault)
{
	int fd = open_stream(events->path, fault);

	if (fd < 0)
		return fd;
	write_out(events);
	close_stream(events);
	events->fd = fd;
	events->mid_line = false;
	return 0;
}

int events_give(const struct events *events, const struct identity *identity)
{
	return identity_give(identity, events->fd, events->path);
}

int events_close(struct events *events, struct fault *fault)
{
	int error;

	if (!events)
		return 0;
	write_out(events);
	error = announce(events, fault);
	close_stream(events);
	free(events->path);
	free(events);
	return error;
}

static void put_bytes(struct events *events, const char *bytes, size_t length)
{
	memcpy(events->buffer + events->used, bytes, length);
	events->used += length;
}

static void put(struct events *events, const char *string)
{
	put_bytes(events, string, strlen(string));
}

static void put_char(struct events *events, char c)
{
	events->buffer[events->used++] = c;
}

/* In decimal, with zeros before it to fill width. */
static void put_number(struct events *events, uint64_t number, unsigned width)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number || sizeof(digits) - at < width);
	put_bytes(events, digits + at, sizeof(digits) - at);
}

static void put_address(struct events *events, const struct address *address)
{
	if (!address_is_ipv4(address)) {
		char text[ADDRESS_TEXT_MAX];

		put_bytes(events, text, address_format(address, text));
		return;
	}
	for (unsigned i = 12; i < 16; i++) {
		put_number(events, address->ip[i], 0);
		put_char(events, i < 15 ? '.' : ':');
	}
	put_number(events, address->port, 0);
}

/* Length of the well-formed UTF-8 sequence at the start (RFC 3629 4); 0: there is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	unsigned char least = 0x80, most = 0xbf;
	size_t length;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (at[0] == 0xe0)
		least = 0xa0; /* below: could be shorter */
	else if (at[0] == 0xed)
		most = 0x9f; /* above: surrogates */
	else if (at[0] == 0xf0)
		least = 0x90;
	else if (at[0] == 0xf4)
		most = 0x8f; /* above: beyond U+10FFFF */
	if (left < length || at[1] < least || at[1] > most)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	}
	return length;
}

static inline bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_escaped_char(struct events *events, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	if (c == '"' || c == '\\') {
		put_char(events, '\\');
		put_char(events, (char)c);
		return;
	}
	put(events, "\\u00");
	put_char(events, digits[c >> 4]);
	put_char(events, digits[c & 15]);
}

/* What goes between the quotes of a JSON string (RFC 8259 7). */
static void put_escaped(struct events *events, struct text text)
{
	const unsigned char *at = (const unsigned char *)text.at;
	size_t left = text.length < TEXT_BYTES_MAX ? text.length : TEXT_BYTES_MAX;

	while (left) {
		size_t length = 0;

		while (length < left && is_plain(at[length]))
			length++;
		if (length == 0 && *at >= 0x80)
			length = utf8_length(at, left);
		if (length) {
			put_bytes(events, (const char *)at, length);
		} else {
			if (*at >= 0x80)
				put(events, "\xef\xbf\xbd");
			else
				put_escaped_char(events, *at);
			length = 1;
		}
		at += length;
		left -= length;
	}
}

/* ,"key":"value" for a constant value. */
static void put_member(struct events *events, const char *key, const char *value)
{
	put(events, ",\"");
	put(events, key);
	put(events, "\":\"");
	put(events, value);
	put_char(events, '"');
}

static void put_number_member(struct events *events, const char *key, uint64_t value)
{
	put(events, ",\"");
	put(events, key);
	put(events, "\":");
	put_number(events, value, 0);
}

/* ,"key":["name",...] for the names whose bit is set. */
static void put_set_member(struct events *events, const char *key, unsigned set,
	const char *const *names, unsigned count)
{
	const char *separator = "\"";

	put(events, ",\"");
	put(events, key);
	put(events, "\":[");
	for (unsigned bit = 0; bit < count; bit++) {
		if (!(set & 1U << bit))
			continue;
		put(events, separator);
		put(events, names[bit]);
		put_char(events, '"');
		separator = ",\"";
	}
	put_char(events, ']');
}

static void put_reason(struct events *events, const struct event *event)
{
	put_member(events, "reason", reason_kind_names[event->reason.kind]);
	put(events, ",\"id\":\"");
	put_escaped(events, event->reason.id);
	put_char(events, '"');
	if (event->type == EVENT_REASON_END)
		put_member(events, "why", event->reason.why);
	else
		put_number_member(events, "expires", event->reason.expires);
}

static void put_rewrite(struct events *events, const struct event *event)
{
	put_member(events, "dir", event->rewrite.in ? "in" : "out");
	put(events, ",\"what\":\"");
	if (event->rewrite.status) {
		put_number(events, event->rewrite.status, 0);
		put_char(events, ' ');
	}
	put_escaped(events, event->rewrite.method);
	put_char(events, '"');
	put_set_member(
		events, "fields", event->rewrite.fields, rewritten_field_names, REWRITTEN_FIELDS);
}

/* Milliseconds with microseconds behind the point. */
static void put_reply(struct events *events, const struct event *event)
{
	put_number_member(events, "status", event->reply.status);
	put_number_member(events, "rtt", event->reply.rtt_us / 1000);
	put_char(events, '.');
	put_number(events, event->reply.rtt_us % 1000, 3);
}

static void put_details(struct events *events, const struct event *event)
{
	switch (event->type) {
	case EVENT_ENDPOINT_ADD:
		put_set_member(events, "nat", event->nat, nat_test_names, NAT_TESTS);
		break;
	case EVENT_REASON_ADD:
	case EVENT_REASON_REFRESH:
	case EVENT_REASON_END:
		put_reason(events, event);
		break;
	case EVENT_REWRITE:
		put_rewrite(events, event);
		break;
	case EVENT_KEEPALIVE:
		put_member(events, "method", event->method);
		break;
	case EVENT_REPLY:
		put_reply(events, event);
		break;
	case EVENT_LOST:
		put_number_member(events, "missed", event->missed);
		break;
	case EVENT_ENDPOINT_REMOVE:
	case EVENT_MALFORMED:
	case EVENT_REFUSED:
		put_member(events, "why", event->why);
		break;
	}
}

static void line_start(struct events *events, uint64_t time_us, const char *name)
{
	int64_t time = (int64_t)time_us + events->offset_us;
	uint64_t shown = time > 0 ? (uint64_t)time : 0;

	if (BUFFER_BYTES - events->used < LINE_MAX_BYTES)
		write_out(events);
	if (events->used == 0 && events->mid_line)
		put_char(events, '\n');
	put(events, "{\"time\":");
	put_number(events, shown / 1000000, 0);
	put_char(events, '.');
	put_number(events, shown % 1000000, 6);
	put_member(events, "event", name);
}

void events_write(struct events *events, const struct event *event)
{
	line_start(events, event->time_us, event_type_names[event->type]);
	put(events, ",\"client\":\"");
	put_address(events, &event->client);
	put(events, "\",\"proxy\":\"");
	put_address(events, &event->proxy);
	put_char(events, '"');
	put_details(events, event);
	put(events, "}\n");
}

void events_write_summary(
	struct events *events, uint64_t time_us, const struct engine_counters *counters)
{
	line_start(events, time_us, "summary");
	put_number_member(events, "packets", counters->packets);
	put_number_member(events, "sip", counters->sip);
	put_number_member(events, "requests", counters->requests);
	put_number_member(events, "responses", counters->responses);
	put_number_member(events, "malformed", counters->malformed);
	put_number_member(events, "rewritten", counters->rewritten);
	put_number_member(events, "endpoints", counters->endpoints);
	put_number_member(events, "endpoints_max", counters->endpoints_max);
	put_number_member(events, "keepalives", counters->keepalives);
	put(events, "}\n");
}
