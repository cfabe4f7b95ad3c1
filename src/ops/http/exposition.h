/* Metrics as text: Prometheus' exposition format, version 0.0.4. Every series there can be is there
 * from the start, with its zero, but those of proxies' addresses that come later. */
#ifndef NATBOX_EXPOSITION_H
#define NATBOX_EXPOSITION_H

#include <natbox/ops.h>

/* Room for the text with every number as long as it can be. */
enum { EXPOSITION_MAX = 24576 };

/* Writes the text, with a terminating zero; returns its length. */
size_t exposition_write(const struct metrics_snapshot *snapshot, char text[static EXPOSITION_MAX]);

#endif
