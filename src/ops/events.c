#include "log_limit.h"
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* The longest line: a text of a whole datagram, six bytes for each (\u00XX), and the
	 * rest. */
	TEXT_BYTES_MAX = 65535,
	LINE_MAX_BYTES = 6 * TEXT_BYTES_MAX + 1024,
	/* What waits at most: at 150 bytes a line, some thousand lines between two writes, or for a
	 * reader that is slow. Pages that are never reached cost nothing. */
	BUFFER_BYTES = LINE_MAX_BYTES + 256 * 1024,
};

/* Events that strangers can cause at any rate share a limit, each type its own. */
struct flood {
	struct log_limit limit;
	struct event latest; /* of those that were left out */
};

struct events {
	char *path; /* NULL: standard output */
	struct output output;
	bool is_limited;
	bool failing;  /* what waited was not all written */
	int error;     /* why events were lost: a negative errno, 0 once all is told */
	int announced; /* the error that was told last */
	uint64_t lost; /* how many events, since then */
	bool mid_line; /* half a line was written last */
	int64_t offset_us;
	struct flood malformed, refused;
	size_t used;
	char buffer[BUFFER_BYTES];
};

static uint64_t lost_in_all;

uint64_t events_lost(void)
{
	return lost_in_all;
}

static const char *shown_path(const char *path)
{
	return path ? path : "standard output";
}

static int open_stream(
	const char *path, const struct identity *owner, struct output *output, struct fault *fault)
{
	int result = path ? output_open(path, owner, output) : 0;

	if (result != 0)
		return fault_set_kind(fault, fault_kind_of_path(result), result,
			"cannot open event stream %s: %s; natbox needs to be allowed to write "
			"there",
			path, rights_explain(result));
	if (!path)
		*output = output_standard(STDOUT_FILENO);
	return 0;
}

static struct events *events_new(
	const char *path, const struct identity *owner, struct fault *fault)
{
	struct output output;
	struct events *events;

	if (open_stream(path, owner, &output, fault) != 0)
		return NULL;
	events = calloc(1, sizeof(*events));
	if (!events || (path && !(events->path = strdup(path)))) {
		free(events);
		fault_set(fault, -ENOMEM, "cannot open event stream %s: out of memory",
			shown_path(path));
		output_close(&output);
		return NULL;
	}
	events->output = output;
	return events;
}

struct events *events_open(const char *path, const struct identity *owner, struct fault *fault)
{
	struct events *events = events_new(strcmp(path, "-") == 0 ? NULL : path, owner, fault);

	if (!events)
		return NULL;
	output_stop_waiting(&events->output);
	events->is_limited = true;
	return events;
}

struct events *events_open_whole(struct fault *fault)
{
	return events_new(NULL, NULL, fault);
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

static void lose(struct events *events, uint64_t count, int error)
{
	events->lost += count;
	lost_in_all += count;
	if (count)
		events->error = error;
}

/* Writes what there is room for; 0, or why it was not all. */
static int write_buffer(struct events *events, size_t *done)
{
	*done = 0;
	while (*done < events->used) {
		ssize_t written =
			output_write(&events->output, events->buffer + *done, events->used - *done);

		if (written < 0)
			return (int)written;
		*done += (size_t)written;
	}
	return 0;
}

/* What a reader does not take now waits for him. After any other failure the rest of the buffer is
 * dropped, so that a full disk does not stall packets. */
static void write_out(struct events *events)
{
	bool had_some = events->used != 0;
	size_t done;
	int error = write_buffer(events, &done);

	if (done)
		events->mid_line = events->buffer[done - 1] != '\n';
	if (error == -EAGAIN) {
		if (done)
			memmove(events->buffer, events->buffer + done, events->used - done);
		events->used -= done;
	} else {
		if (error)
			lose(events, count_unwritten(events, done), error);
		events->used = 0;
	}
	if (had_some)
		events->failing = error != 0;
}

/* 0, or why events were lost when that has not been told yet. */
static int announce(struct events *events, struct fault *fault)
{
	if (events->error == events->announced)
		return 0;
	events->announced = events->error;
	return fault_set(fault, events->error, "events lost: cannot write to %s: %s",
		shown_path(events->path), output_explain(events->error));
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

/* Whether a byte is a control character of a terminal that takes each byte for a character. */
static bool has_control(const unsigned char *at, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (at[i] >= 0x80 && at[i] <= 0x9f)
			return true;
	}
	return false;
}

static void put_unit(struct events *events, unsigned unit)
{
	static const char digits[] = "0123456789abcdef";

	put(events, "\\u");
	for (int shift = 12; shift >= 0; shift -= 4)
		put_char(events, digits[unit >> shift & 15]);
}

/* A well-formed UTF-8 sequence as \uXXXX, two of them beyond U+FFFF. */
static void put_escaped_sequence(struct events *events, const unsigned char *at, size_t length)
{
	uint32_t code = length == 2 ? at[0] & 0x1f : length == 3 ? at[0] & 0x0f : at[0] & 0x07;

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (at[i] & 0x3f);
	if (code > 0xffff) {
		put_unit(events, 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + ((code - 0x10000) & 0x3ff);
	}
	put_unit(events, code);
}

static void put_escaped_char(struct events *events, unsigned char c)
{
	if (c == '"' || c == '\\') {
		put_char(events, '\\');
		put_char(events, (char)c);
		return;
	}
	put_unit(events, c);
}

/* One character that is not plain. Returns how long it was. */
static size_t put_special(struct events *events, const unsigned char *at, size_t left)
{
	size_t length = *at < 0x80 ? 0 : utf8_length(at, left);

	if (length && has_control(at, length)) {
		put_escaped_sequence(events, at, length);
		return length;
	}
	if (length) {
		put_bytes(events, (const char *)at, length);
		return length;
	}
	if (*at >= 0x80)
		put_unit(events, 0xfffd);
	else
		put_escaped_char(events, *at);
	return 1;
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
		if (length)
			put_bytes(events, (const char *)at, length);
		else
			length = put_special(events, at, left);
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

/* False: there is no room, as a reader does not read. */
static bool line_start(struct events *events, uint64_t time_us, const char *name)
{
	int64_t time = (int64_t)time_us + events->offset_us;
	uint64_t shown = time > 0 ? (uint64_t)time : 0;

	if (BUFFER_BYTES - events->used < LINE_MAX_BYTES)
		write_out(events);
	if (BUFFER_BYTES - events->used < LINE_MAX_BYTES) {
		lose(events, 1, -EAGAIN);
		return false;
	}
	if (events->used == 0 && events->mid_line)
		put_char(events, '\n');
	put(events, "{\"time\":");
	put_number(events, shown / 1000000, 0);
	put_char(events, '.');
	put_number(events, shown % 1000000, 6);
	put_member(events, "event", name);
	return true;
}

/* left_out: how many like it were, before it. */
static void write_event(struct events *events, const struct event *event, uint64_t left_out)
{
	if (!line_start(events, event->time_us, event_type_names[event->type]))
		return;
	put(events, ",\"client\":\"");
	put_address(events, &event->client);
	put(events, "\",\"proxy\":\"");
	put_address(events, &event->proxy);
	put_char(events, '"');
	put_details(events, event);
	if (left_out)
		put_number_member(events, "left_out", left_out);
	put(events, "}\n");
}

static void write_limited(struct events *events, struct flood *flood, const struct event *event)
{
	if (!log_limit_take(&flood->limit, event->time_us)) {
		flood->latest = *event;
		return;
	}
	write_event(events, event, flood->limit.left_out);
	flood->limit.left_out = 0;
}

/* The last one of a flood is written in any case, and with it how many were not. */
static void end_flood(struct events *events, struct flood *flood, uint64_t now_us)
{
	if (!flood->limit.left_out || !log_limit_has_room(&flood->limit, now_us))
		return;
	log_limit_take(&flood->limit, now_us);
	write_event(events, &flood->latest, flood->limit.left_out - 1);
	flood->limit.left_out = 0;
}

void events_write(struct events *events, const struct event *event)
{
	if (events->is_limited && event->type == EVENT_MALFORMED)
		write_limited(events, &events->malformed, event);
	else if (events->is_limited && event->type == EVENT_REFUSED)
		write_limited(events, &events->refused, event);
	else
		write_event(events, event, 0);
}

void events_write_summary(
	struct events *events, uint64_t time_us, const struct engine_counters *counters)
{
	if (!line_start(events, time_us, "summary"))
		return;
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

enum events_news events_flush(struct events *events, uint64_t now_us, struct fault *fault)
{
	end_flood(events, &events->malformed, now_us);
	end_flood(events, &events->refused, now_us);
	write_out(events);
	if (announce(events, fault) != 0)
		return EVENTS_LOST;
	if (events->output.is_unread_fifo) {
		events->output.is_unread_fifo = false;
		fault_set(fault, 0,
			"nobody reads %s yet: events wait in it, and are lost once it "
			"is full",
			shown_path(events->path));
		return EVENTS_UNREAD;
	}
	if (events->failing || !events->lost)
		return EVENTS_NO_NEWS;
	fault_set(fault, 0, "events are written to %s again: %llu were lost",
		shown_path(events->path), (unsigned long long)events->lost);
	events->error = events->announced = 0;
	events->lost = 0;
	return EVENTS_RESUMED;
}

/* The last write to an output that is left: what does not fit is lost. */
static void write_last(struct events *events)
{
	write_out(events);
	lose(events, count_unwritten(events, 0), -EAGAIN);
	events->used = 0;
}

int events_reopen(struct events *events, struct fault *fault)
{
	struct output output;
	int result;

	if (!events->path)
		return 0;
	result = open_stream(events->path, NULL, &output, fault);
	if (result != 0)
		return result;
	output_stop_waiting(&output);
	write_last(events);
	output_close(&events->output);
	events->output = output;
	events->mid_line = false;
	return 0;
}

int events_give(const struct events *events, const struct identity *identity)
{
	return events->path ? rights_give(identity, events->output.fd, events->path) : 0;
}

int events_close(struct events *events, struct fault *fault)
{
	int error;

	if (!events)
		return 0;
	end_flood(events, &events->malformed, UINT64_MAX);
	end_flood(events, &events->refused, UINT64_MAX);
	write_last(events);
	error = announce(events, fault);
	output_close(&events->output);
	free(events->path);
	free(events);
	return error;
}
