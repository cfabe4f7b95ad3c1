#include "status.h"

#include "../control/control_lines.h"

#include <stdio.h>

/* Round trips are counted over as long as an operator thinks of as now. */
static const uint64_t round_trips_us = 3600 * 1000000ULL;

static void put_well(const struct metrics_snapshot *snapshot, struct json *json)
{
	const struct engine_counters *counters = &snapshot->engine;
	char line[TROUBLE_MAX] = "All is well: no endpoint yet needs to be kept reachable.";

	if (snapshot->keepalives_are_off)
		snprintf(line, sizeof(line),
			"All is well: %u endpoint%s watched; none is kept reachable, by -n or "
			"keepalive.scope.",
			counters->endpoints, counters->endpoints == 1 ? " is" : "s are");
	else if (counters->lost_now)
		snprintf(line, sizeof(line),
			"All is well: %u of %u endpoint%s kept reachable, %u lost.",
			counters->endpoints - counters->lost_now, counters->endpoints,
			counters->endpoints == 1 ? "" : "s", counters->lost_now);
	else if (counters->endpoints)
		snprintf(line, sizeof(line),
			"All is well: %u endpoint%s kept reachable, none lost.",
			counters->endpoints, counters->endpoints == 1 ? " is" : "s are");
	json_put_member(json, "line", line);
}

static void put_state_of_things(const struct condition *condition, struct json *json)
{
	struct troubles troubles;

	troubles_find(condition, &troubles);
	json_put_truth_member(json, "well", !troubles.count);
	if (troubles.count)
		json_put_member(json, "line", troubles.lines[0]);
	else
		put_well(condition->snapshot, json);
	json_put_key(json, "troubles");
	json_put_char(json, '[');
	for (unsigned i = 0; i < troubles.count; i++) {
		json_next(json);
		json_put_quoted(json, troubles.lines[i]);
	}
	json_put_char(json, ']');
}

static void put_round_trips(const struct condition *condition, struct json *json)
{
	const struct history_sample *before =
		history_before(condition->history, round_trips_us, condition->now_us);
	const uint64_t *rtts = condition->snapshot->engine.rtts;

	json_put(json, ",\"round_trips\":{\"bounds_ms\":[");
	for (unsigned i = 0; i < RTT_BOUNDS; i++)
		json_put_item(json, rtt_bounds_us[i] / 1000);
	json_put(json, "],\"counts\":[");
	for (unsigned i = 0; i <= RTT_BOUNDS; i++)
		json_put_item(json, before ? rtts[i] - before->rtts[i] : rtts[i]);
	json_put(json, "]}");
}

void status_write(const struct condition *condition, uint64_t time_us, struct json *json)
{
	const struct engine_counters *counters = &condition->snapshot->engine;

	json_put(json, "{\"version\":\"" NATBOX_VERSION "\"");
	json_put_time_member(json, (int64_t)time_us);
	json_put_number_member(
		json, "up", (condition->now_us - condition->snapshot->sightings.boot_us) / 1000000);
	put_state_of_things(condition, json);
	line_counts(json, counters);
	json_put_number_member(json, "keepalives", counters->keepalives);
	json_put_number_member(json, "answered", counters->replies);
	json_put_number_member(json, "missed", counters->missed);
	json_put_number_member(json, "packets_in", packets_of(counters, DIRECTION_IN));
	json_put_number_member(json, "packets_out", packets_of(counters, DIRECTION_OUT));
	put_round_trips(condition, json);
	json_put(json, "}\n");
}
