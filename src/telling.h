/* What a running natbox tells those who watch it: in the log, in the event stream, in the
 * metrics, and through the service manager. */
#ifndef NATBOX_TELLING_H
#define NATBOX_TELLING_H

#include "live.h"

/* Logs where a datagram goes, with its first line where that is SIP's. */
void tell_datagram(const struct flow *flow, struct text bytes);

/* Logs what a phone that is lost was answered for with, at level debug. */
void tell_answer(const struct flow *flow, struct text bytes);

/* In the stream; in the log what an operator should hear of without one, and all at level debug. */
void tell_event(const struct live *live, const struct event *event);

/* Which events somebody wants now, so that the engine composes no others: the stream, and the log
 * at its level. Looked at once a turn, as a reload changes it. */
void tell_what_is_wanted(const struct live *live);

/* Tells of some of what a restart has put back, as long as the stream takes it; when there is more
 * to be told, in microseconds from now, UINT64_MAX: there is no more. */
void tell_restored(const struct live *live);
uint64_t tell_restored_next(const struct live *live);

/* wire_handler.notice */
void tell_wire_notice(void *context, enum wire_notice notice, const char *line);

/* Warns of keys that are set, and that the mode makes nothing of. */
void tell_idle_keys(const struct config *config);

/* Events bear the time of the wall clock, which may be set: looked at once a turn, and whenever the
 * stream is another. */
void tell_time(const struct live *live);

/* Writes what waits in the stream, and logs what became of it. There is one. */
void tell_event_news(const struct live *live);

/* All that there is to tell in numbers. */
struct metrics_snapshot figures(struct live *live, uint64_t now_us);

/* Leaves a snapshot for the metrics, which are on. */
void tell_figures(struct live *live, uint64_t now_us);

/* SIGUSR1's line in the log. */
void tell_summary(struct live *live);

/* The service manager's line: how many endpoints there are, and what natbox does for them. */
void tell_status(struct live *live, uint64_t now_us);

#endif
