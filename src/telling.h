/* What a running natbox tells those who watch it: in the log, in the event stream, in the
 * metrics. */
#ifndef NATBOX_TELLING_H
#define NATBOX_TELLING_H

#include "live.h"

/* Logs where a datagram goes, with its first line where that is SIP's. */
void tell_datagram(const struct flow *flow, struct text bytes);

/* Logs what a phone that is lost was answered for with, at level debug. */
void tell_answer(const struct flow *flow, struct text bytes);

/* In the stream; in the log what an operator should hear of without one, and all at level debug. */
void tell_event(const struct live *live, const struct event *event);

/* wire_handler.notice */
void tell_wire_notice(void *context, enum wire_notice notice, const char *line);

/* Events bear the time of the wall clock, which may be set: looked at once a turn, and whenever the
 * stream is another. */
void tell_time(const struct live *live);

/* Writes what waits in the stream, and logs what became of it. There is one. */
void tell_event_news(const struct live *live);

/* All that there is to tell in numbers. */
struct metrics_snapshot figures(const struct live *live, uint64_t now_us);

/* Leaves a snapshot for the metrics, which are on. */
void tell_figures(const struct live *live, uint64_t now_us);

/* SIGUSR1's line in the log. */
void tell_summary(struct live *live);

#endif
