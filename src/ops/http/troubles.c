#include "troubles.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static void add(
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
	add(troubles,
		"the packet loop has stood still for %llu s: no keepalive leaves, and what is "
		"shown here is of before",
		seconds(condition->now_us - condition->turned_us));
}

/* A hand brake that somebody has forgotten. */
static void look_at_keepalives(const struct condition *condition, struct troubles *troubles)
{
	if (condition->snapshot->keepalives_are_held)
		add(troubles, "keepalives are held: none is sent until natboxctl keepalive on");
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
			add(troubles, "%s", never[direction]);
		else
			add(troubles, "no packet %s a proxy has been seen for %llu min",
				silent[direction], seconds(condition->now_us - since_us) / 60);
		return; /* whoever is not asked does not answer */
	}
}

static void look_at_lost(const struct condition *condition, struct troubles *troubles)
{
	const struct engine_counters *counters = &condition->snapshot->engine;

	if ((uint64_t)counters->lost_now * MANY_LOST > counters->endpoints)
		add(troubles, "%u of %u endpoints %s lost: is the way to them open?",
			counters->lost_now, counters->endpoints,
			counters->lost_now == 1 ? "is" : "are");
}

static void look_at_disk(const struct condition *condition, struct troubles *troubles)
{
	if (condition->snapshot->state_lag_us >= LAG_US)
		add(troubles,
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
		add(troubles,
			"%llu packets were dropped in the last 10 min, as natbox did not take them "
			"in time",
			(unsigned long long)(now->capture_drops - before->capture_drops));
	if (now->engine.refused > before->refused)
		add(troubles,
			"limits have refused %llu in the last 10 min: see natbox_refused_total",
			(unsigned long long)(now->engine.refused - before->refused));
	if (now->event_lines_lost > before->event_lines_lost)
		add(troubles, "%llu lines of the event stream were lost in the last 10 min",
			(unsigned long long)(now->event_lines_lost - before->event_lines_lost));
}

void troubles_find(const struct condition *condition, struct troubles *troubles)
{
	troubles->count = 0;
	look_at_loop(condition, troubles);
	look_at_keepalives(condition, troubles);
	look_at_silence(condition, troubles);
	look_at_lost(condition, troubles);
	look_at_disk(condition, troubles);
	look_at_recent(condition, troubles);
}
