/* The lines of the event stream: an event as one JSON object (natbox.8, EVENTS). */
#ifndef NATBOX_EVENT_JSON_H
#define NATBOX_EVENT_JSON_H

#include "../json.h"

#include <natbox/engine.h>
#include <natbox/report.h>

/* The longest line: one text of a whole datagram, and the rest. */
enum { EVENT_JSON_MAX = JSON_BYTES_A_BYTE * JSON_TEXT_MAX + 1024 };

/* time_us: by the wall clock. left_out: how many like it were, before it. */
void event_json(struct json *json, int64_t time_us, const struct event *event, uint64_t left_out);

/* The last line of a replay. */
void event_json_summary(struct json *json, int64_t time_us, const struct engine_counters *counters);

#endif
