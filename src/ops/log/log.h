#ifndef NATBOX_LOG_H
#define NATBOX_LOG_H

#include <natbox/ops.h>

extern const char *const log_level_names[]; /* ended by NULL */

/* What is to be logged at level info and above, whatever is logged now, is shown to somebody else
 * too; NULL: to nobody any more. */
void log_listen(
	void (*listener)(void *context, enum log_level level, const char *line), void *context);

enum {
	/* With the longest id that is shown. */
	EVENT_LINE_MAX = 768,
};

/* Writes what the event stream has of it, but for the time, as in "reason-add 203.0.113.1:5061 at
 * 198.51.100.1:5060: registration sip:alice@example.com, 3600 s". The id is as it came from the
 * wire, cut when it is too long. Returns line. */
const char *event_line(const struct event *event, char line[static EVENT_LINE_MAX]);

/* For whoever says in a line of another kind what was left out. */

/* Whether one more would be within the limit. */
bool log_limit_has_room(const struct log_limit *limit, uint64_t now_us);

/* Counts one more; whether it is still within the limit. The caller says what was left out, and
 * sets left_out to 0. */
bool log_limit_take(struct log_limit *limit, uint64_t now_us);

#endif
