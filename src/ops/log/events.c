#include "event_json.h"
#include "log.h"
#include "output.h"
#include <natbox/endpoints.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	/* What waits at most: at 150 bytes a line, some thousand lines between two writes, or for a
	 * reader that is slow. Pages that are never reached cost nothing. */
	WAITING_BYTES = 256 * 1024,
	BUFFER_BYTES = WAITING_BYTES + EVENT_JSON_MAX,
};

/* Events that strangers can cause at any rate share a limit, each type its own. */
struct flood {
	struct log_limit limit;
	struct event latest; /* of those that were left out */
	char aor[LABEL_MAX]; /* its own */
};

struct events {
	char *path; /* NULL: standard output */
	struct output output;
	unsigned kinds;
	bool is_limited;
	bool failing;  /* what waited was not all written */
	int error;     /* why events were lost: a negative errno, 0 once all is told */
	int announced; /* the error that was told last */
	uint64_t lost; /* how many events, since then */
	bool mid_line; /* half a line was written last */
	int64_t offset_us;
	struct flood malformed, refused;
	struct json lines; /* what waits, in the buffer */
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
	return output_open("event stream", path, STDOUT_FILENO, owner, output, fault);
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
	events->kinds = EVENTS_ALL;
	events->lines.bytes = events->buffer;
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

void events_choose(struct events *events, unsigned kinds)
{
	const unsigned automatic =
		events->is_limited ? EVENTS_ALL & ~(unsigned)EVENTS_FREQUENT : EVENTS_ALL;

	events->kinds = (kinds & EVENTS_ALL) | (kinds & EVENTS_AUTO ? automatic : 0);
}

unsigned events_chosen(const struct events *events)
{
	return events ? events->kinds : 0;
}

bool events_have_room(const struct events *events)
{
	return events->lines.used < WAITING_BYTES / 2;
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

	for (size_t i = done ? done : 1; i < events->lines.used; i++)
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
	while (*done < events->lines.used) {
		ssize_t written = output_write(
			&events->output, events->buffer + *done, events->lines.used - *done);

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
	bool had_some = events->lines.used != 0;
	size_t done;
	int error = write_buffer(events, &done);

	if (done)
		events->mid_line = events->buffer[done - 1] != '\n';
	if (error == -EAGAIN) {
		if (done)
			memmove(events->buffer, events->buffer + done, events->lines.used - done);
		events->lines.used -= done;
	} else {
		if (error)
			lose(events, count_unwritten(events, done), error);
		events->lines.used = 0;
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

/* False: there is no room for a line, as a reader does not read. */
static bool make_room(struct events *events)
{
	if (BUFFER_BYTES - events->lines.used < EVENT_JSON_MAX)
		write_out(events);
	if (BUFFER_BYTES - events->lines.used < EVENT_JSON_MAX) {
		lose(events, 1, -EAGAIN);
		return false;
	}
	if (events->lines.used == 0 && events->mid_line)
		json_put_char(&events->lines, '\n');
	return true;
}

/* left_out: how many like it were, before it. */
static void write_event(struct events *events, const struct event *event, uint64_t left_out)
{
	if (make_room(events))
		event_json(&events->lines, (int64_t)event->time_us + events->offset_us, event,
			left_out);
}

/* What the event points to is gone by the time that it may be written. */
static void leave_out(struct flood *flood, const struct event *event)
{
	struct text *aor = &flood->latest.aor;

	flood->latest = *event;
	if (!aor->at)
		return;
	if (aor->length > sizeof(flood->aor))
		aor->length = sizeof(flood->aor);
	memcpy(flood->aor, aor->at, aor->length);
	aor->at = flood->aor;
}

static void write_limited(struct events *events, struct flood *flood, const struct event *event)
{
	if (!log_limit_take(&flood->limit, event->time_us)) {
		leave_out(flood, event);
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
	if (!(events->kinds >> event->type & 1))
		return;
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
	if (make_room(events))
		event_json_summary(&events->lines, (int64_t)time_us + events->offset_us, counters);
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
	events->lines.used = 0;
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
