/* What the status page tells of the whole, as JSON. */
#ifndef NATBOX_STATUS_H
#define NATBOX_STATUS_H

#include "troubles.h"

/* Room for it, with every number and line as long as it can be. */
enum { STATUS_MAX = 8192 };

/* time_us: of the wall clock. */
void status_write(const struct condition *condition, uint64_t time_us, struct json *json);

#endif
