/* The event stream: what the core reports, as one JSON object a line (CONTRACT "Events"). Every
 * line is valid JSON in UTF-8 whatever bytes a message from the wire held: what is not UTF-8
 * becomes U+FFFD, and no byte of it is a control character to a terminal. Lines are gathered and
 * written by events_flush, or earlier when many wait. */
#ifndef NATBOX_EVENTS_H
#define NATBOX_EVENTS_H

#include <natbox/engine.h>
#include <natbox/event.h>
#include <natbox/fault.h>
#include <natbox/privileges.h>

struct events;

/* Opens the stream to the file at path, which is created or added to; "-" is standard output. NULL
 * when that cannot be done: *fault says why. owner: as rights_open. It waits for no reader: what
 * does not fit is lost, in whole lines. Of malformed and of refused it has LOG_LIMIT_PER_SECOND a
 * second: the next one that is written says how many were left out. */
struct events *events_open(const char *path, const struct identity *owner, struct fault *fault);

/* Standard output, with every event, and waiting for whoever reads it: for a replay. */
struct events *events_open_whole(struct fault *fault);

/* Opens the file again, for log rotation. 0, also for standard output, or a negative errno: the
 * stream then goes on in the file it had. What waits is written to the old file first. */
int events_reopen(struct events *events, struct fault *fault);

/* rights_give for the file. */
int events_give(const struct events *events, const struct identity *identity);

/* Wall clock minus the engine's clock, in microseconds, added to every time from now on. Zero at
 * first, as a replay wants it: a capture's clock is the wall clock. */
void events_set_offset(struct events *events, int64_t offset_us);

void events_write(struct events *events, const struct event *event);

/* The last line of a replay, at the engine's last time. */
void events_write_summary(
	struct events *events, uint64_t time_us, const struct engine_counters *counters);

/* What there is to be told of a stream. */
enum events_news {
	EVENTS_NO_NEWS,
	EVENTS_LOST,    /* lines cannot be written, and are lost; told once for each cause */
	EVENTS_UNREAD,  /* they wait in a FIFO that nobody reads; told once */
	EVENTS_RESUMED, /* they are written again */
};

/* Writes what waits: at the end of each turn of the loop when live. When there is news, *fault says
 * it: why whole lines are lost, or how many were. The stream can be used on either way. now_us: the
 * clock of the events. */
enum events_news events_flush(struct events *events, uint64_t now_us, struct fault *fault);

/* How many events were lost in all, by this stream and those before it. */
uint64_t events_lost(void);

/* Flushes, closes and frees. NULL is no stream: 0. A negative errno when events were lost for a
 * cause that events_flush has not told: *fault says so. */
int events_close(struct events *events, struct fault *fault);

#endif
