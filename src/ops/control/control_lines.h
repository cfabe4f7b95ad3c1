/* What is told, as JSON: members behind what a line has already. natboxctl.8 has them. */
#ifndef NATBOX_CONTROL_LINES_H
#define NATBOX_CONTROL_LINES_H

#include "../json.h"

#include <natbox/endpoints.h>
#include <natbox/ops.h>

/* An endpoint; and, behind that, its reasons. */
void line_endpoint(struct json *json, const struct endpoint_view *view);
void line_reasons(struct json *json, const struct endpoints *endpoints, uint32_t endpoint);

/* How many endpoints and reasons there are. */
void line_counts(struct json *json, const struct engine_counters *counters);

/* now_us: of CLOCK_BOOTTIME. */
void line_status(struct json *json, struct engine *engine, const struct control_host *host,
	const struct metrics_snapshot *snapshot, uint64_t now_us);

/* Whether keepalives are sent: held, or else on, or off by the settings. */
const char *line_keepalives(struct engine *engine);

/* Each figure of the metrics by the name that it has there, with its labels. */
void line_figures(struct json *json, const struct metrics_snapshot *snapshot);

/* Behind these: how many endpoints each class has, "" those that have none; and how many keepalives
 * are to be sent in each part of the next interval of [keepalive]. */
enum { SPREAD_PARTS = 50 };
void line_classes(struct json *json, const struct endpoints *endpoints);
void line_spread(struct json *json, const struct endpoints *endpoints);

/* "key":"bytes" as in RFC 4648 4. */
void line_base64(struct json *json, const char *key, struct text bytes);

#endif
