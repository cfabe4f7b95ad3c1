#include "status.h"

#include "../control/control_lines.h"

#include <stdarg.h>
#include <stdio.h>

/* Round trips are counted over as long as an operator thinks of as now. */
static const uint64_t round_trips_us = 3600 * 1000000ULL;

enum {
	TROUBLE_MAX = 160, /* bytes of a line, with its zero */
	TROUBLES_MAX = 8,
	/* Of endpoints one in so many is lost: more are many. */
	MANY_LOST = 10,
	/* How far back something counts that has happened. */
	RECENT_US = 10 * 60 * 1000000,
};

struct troubles {
	unsigned count;
	char lines[TROUBLES_MAX][TROUBLE_MAX];
};

__attribute__((format(printf, 2, 3))) static void add_trouble(
	struct troubles *troubles, const char *format, ...)
{
	va_list arguments;

	if (troubles->count == TROUBLES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(troubles->lines[troubles->count++], TROUBLE_MAX, format, arguments);
	va_end(arguments);
}

static unsigned long long seconds(uint64_t us)
{
	return us / 1000000;
}

static void look_at_loop(const struct condition *condition, struct troubles *troubles)
{
	if (metrics_is_alive(condition->turned_us, condition->now_us))
		return;
	add_trouble(troubles,
		"the packet loop has stood still for %llu s: no keepalive leaves, and what is "
		"shown here is of before",
		seconds(condition->now_us - condition->turned_us));
}

/* A hand brake that somebody has forgotten. */
static void look_at_keepalives(const struct condition *condition, struct troubles *troubles)
{
	if (condition->snapshot->keepalives_are_held)
		add_trouble(
			troubles, "keepalives are held: none is sent until natboxctl keepalive on");
}

/* A wrong address of the proxy looks like a quiet night. */
static void look_at_silence(const struct condition *condition, struct troubles *troubles)
{
	static const char *const never[2] = {
		"no packet to a proxy has been seen: do natbox.proxy and natbox.interface say "
		"where they pass?",
		"no packet from a proxy has been seen: do its answers take another way?",
	};
	static const char *const silent[2] = {"to", "from"};

	const struct sightings *sightings = &condition->snapshot->sightings;

	_Static_assert(DIRECTION_IN == 0 && DIRECTION_OUT == 1, "to a proxy, and from one");
	for (unsigned direction = 0; direction < 2; direction++) {
		const uint64_t seen_us = sightings->seen_us[direction];
		const uint64_t since_us = seen_us ? seen_us : sightings->boot_us;

		if (condition->now_us < since_us + SILENCE_US)
			continue;
		if (!seen_us)
			add_trouble(troubles, "%s", never[direction]);
		else
			add_trouble(troubles, "no packet %s a proxy has been seen for %llu min",
				silent[direction], seconds(condition->now_us - since_us) / 60);
		return; /* whoever is not asked does not answer */
	}
}

static void look_at_lost(const struct condition *condition, struct troubles *troubles)
{
	const struct engine_counters *counters = &condition->snapshot->engine;

	if ((uint64_t)counters->lost_now * MANY_LOST > counters->endpoints)
		add_trouble(troubles, "%u of %u endpoints %s lost: is the way to them open?",
			counters->lost_now, counters->endpoints,
			counters->lost_now == 1 ? "is" : "are");
}

static void look_at_disk(const struct condition *condition, struct troubles *troubles)
{
	if (condition->snapshot->state_lag_us >= LAG_US)
		add_trouble(troubles,
			"changes have waited for the disk for %llu s: a restart now would lose "
			"them",
			seconds(condition->snapshot->state_lag_us));
}

static void look_at_recent(const struct condition *condition, struct troubles *troubles)
{
	const struct history_sample *before =
		history_before(condition->history, RECENT_US, condition->now_us);
	const struct metrics_snapshot *now = condition->snapshot;

	if (!before)
		return;
	if (now->capture_drops > before->capture_drops)
		add_trouble(troubles,
			"%llu packets were dropped in the last 10 min, as natbox did not take them "
			"in time",
			(unsigned long long)(now->capture_drops - before->capture_drops));
	if (now->engine.refused > before->refused)
		add_trouble(troubles,
			"limits have refused %llu in the last 10 min: see natbox_refused_total",
			(unsigned long long)(now->engine.refused - before->refused));
	if (now->event_lines_lost > before->event_lines_lost)
		add_trouble(troubles, "%llu lines of the event stream were lost in the last 10 min",
			(unsigned long long)(now->event_lines_lost - before->event_lines_lost));
}

/* The worst comes first. */
static void find_troubles(const struct condition *condition, struct troubles *troubles)
{
	troubles->count = 0;
	look_at_loop(condition, troubles);
	look_at_keepalives(condition, troubles);
	look_at_silence(condition, troubles);
	look_at_lost(condition, troubles);
	look_at_disk(condition, troubles);
	look_at_recent(condition, troubles);
}

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

	find_troubles(condition, &troubles);
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
