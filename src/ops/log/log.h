#ifndef NATBOX_LOG_H
#define NATBOX_LOG_H

#include <natbox/ops.h>

extern const char *const log_level_names[]; /* ended by NULL */

/* What is to be logged at level info and above, whatever is logged now, is shown to somebody else
 * too; NULL: to nobody any more. */
void log_listen(
	void (*listener)(void *context, enum log_level level, const char *line), void *context);

/* For whoever says in a line of another kind what was left out. */

/* Whether one more would be within the limit. */
bool log_limit_has_room(const struct log_limit *limit, uint64_t now_us);

/* Counts one more; whether it is still within the limit. The caller says what was left out, and
 * sets left_out to 0. */
bool log_limit_take(struct log_limit *limit, uint64_t now_us);

#endif
