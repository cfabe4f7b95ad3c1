/* What somebody asks for: a line of words, the first of which is a command. */
#ifndef NATBOX_CONTROL_REQUEST_H
#define NATBOX_CONTROL_REQUEST_H

#include "control_filter.h"

#include <natbox/ops.h>

enum control_command {
	COMMAND_STATUS,
	COMMAND_ENDPOINTS,
	COMMAND_SHOW,
	COMMAND_LOST,
	COMMAND_EVENTS,
	COMMAND_TRACE,
	COMMAND_STATS,
	COMMAND_KEEPALIVE,
	COMMAND_FLUSH,
	COMMAND_SHARE,
	COMMAND_RELOAD,
	COMMAND_LOG,
	COMMAND_VERSION,
};
enum { CONTROL_COMMANDS = 13 };
extern const char *const control_command_names[CONTROL_COMMANDS];

/* A trace ends by itself. */
enum {
	TRACE_TIME_DEFAULT_S = 60,
	TRACE_TIME_MAX_S = 3600,
	TRACE_COUNT_DEFAULT = 1000,
	TRACE_COUNT_MAX = 100000,
};

struct control_request {
	enum control_command command;
	struct control_filter filter; /* endpoints, lost */
	struct control_target target; /* show, trace, flush */
	unsigned events;              /* events: set of 1 << enum event_type */
	bool on;                      /* keepalive */
	enum log_level level;         /* log */
	uint64_t time_us;             /* trace: how long at most */
	uint32_t count;               /* trace: how many messages at most */
};

/* line: without its line end. 0, or -EINVAL with what is wrong in *fault. */
int control_request_parse(struct text line, struct control_request *request, struct fault *fault);

#endif
