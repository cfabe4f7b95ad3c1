/* For who has a line of his own to say what a limit has left out. */
#ifndef NATBOX_LOG_LIMIT_H
#define NATBOX_LOG_LIMIT_H

#include <natbox/ops.h>

/* Whether one more would be within the limit. */
bool log_limit_has_room(const struct log_limit *limit, uint64_t now_us);

/* Counts one more; whether it is still within the limit. Its taker says what was left out, and sets
 * that to 0. */
bool log_limit_take(struct log_limit *limit, uint64_t now_us);

#endif
