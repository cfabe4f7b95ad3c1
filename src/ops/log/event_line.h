/* An event for people: the one line that the log has of each at level debug. */
#ifndef NATBOX_EVENT_LINE_H
#define NATBOX_EVENT_LINE_H

#include <natbox/ops.h>

enum {
	/* With the longest id that is shown. */
	EVENT_LINE_MAX = 768,
};

/* Writes what the event stream has of it, but for the time, as in "reason-add 203.0.113.1:5061 at
 * 198.51.100.1:5060: registration sip:alice@example.com, 3600 s". The id is as it came from the
 * wire, cut when it is too long. Returns line. */
const char *event_line(const struct event *event, char line[static EVENT_LINE_MAX]);

#endif
