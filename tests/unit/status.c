/* What the status page is told of the whole: what is not well, in words; and what the figures were,
 * a sample a minute for a day. */
#include "ops/http/status.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const uint64_t second_us = 1000000, minute_us = 60 * 1000000;
static const uint64_t start_us = 1000 * 1000000ULL;

static struct metrics_snapshot snapshot;
static struct history history;
static struct condition condition;
static char bytes[HISTORY_JSON_MAX];

/* Just now, in both directions. */
static void see_packets(void)
{
	snapshot.sightings.seen_us[DIRECTION_IN] = condition.now_us;
	snapshot.sightings.seen_us[DIRECTION_OUT] = condition.now_us;
}

/* Some minutes after the start of a natbox that has endpoints and hears of them. */
static void setup(void)
{
	snapshot = (struct metrics_snapshot){.engine = {.endpoints = 100, .reasons_of = {100}}};
	memset(&history, 0, sizeof(history));
	history_note(&history, &snapshot, start_us);
	condition = (struct condition){.snapshot = &snapshot,
		.history = &history,
		.now_us = start_us + 20 * minute_us,
		.turned_us = start_us + 20 * minute_us};
	snapshot.sightings.boot_us = start_us;
	see_packets();
}

TestSuite(status, .init = setup);

static json_t *read_json(const struct json *json)
{
	json_error_t error;
	json_t *said = json_loadb(json->bytes, json->used, 0, &error);

	cr_assert(said, "%s: %.*s", error.text, (int)json->used, json->bytes);
	return said;
}

static json_t *tell(void)
{
	struct json json = {.bytes = bytes};

	status_write(&condition, 1795685073123456, &json);
	cr_assert_leq(json.used, STATUS_MAX);
	return read_json(&json);
}

static void expect_well(const char *line)
{
	json_t *said = tell();

	cr_expect(json_is_true(json_object_get(said, "well")));
	cr_expect_eq(json_array_size(json_object_get(said, "troubles")), 0);
	cr_expect_str_eq(json_string_value(json_object_get(said, "line")), line);
	json_decref(said);
}

static void expect_trouble(const char *start)
{
	json_t *said = tell();
	const char *line = json_string_value(json_object_get(said, "line"));

	cr_expect(json_is_false(json_object_get(said, "well")));
	cr_expect_eq(strncmp(line, start, strlen(start)), 0, "%s", line);
	cr_expect_str_eq(
		line, json_string_value(json_array_get(json_object_get(said, "troubles"), 0)));
	json_decref(said);
}

Test(status, all_is_well)
{
	expect_well("All is well: 100 endpoints are kept reachable, none lost.");
	snapshot.engine.endpoints = 1;
	expect_well("All is well: 1 endpoint is kept reachable, none lost.");
	snapshot.engine.endpoints = 0;
	expect_well("All is well: no endpoint yet needs to be kept reachable.");
}

Test(status, where_no_keepalive_is_sent_nobody_is_said_to_be_kept_reachable)
{
	snapshot.keepalives_are_off = true;
	expect_well("All is well: 100 endpoints are watched; none is kept reachable, by -n or "
		    "keepalive.scope.");
}

Test(status, a_tenth_lost_is_told_and_is_well)
{
	snapshot.engine.lost_now = 10;
	expect_well("All is well: 90 of 100 endpoints kept reachable, 10 lost.");
	snapshot.engine.lost_now = 11;
	expect_trouble("11 of 100 endpoints are lost");
	snapshot.engine.endpoints = 4;
	snapshot.engine.lost_now = 1;
	expect_trouble("1 of 4 endpoints is lost");
}

Test(status, a_loop_that_hangs_is_the_first_trouble)
{
	json_t *said;

	condition.turned_us -= 4 * second_us;
	snapshot.engine.lost_now = 50;
	expect_trouble("the packet loop has stood still for 4 s");
	said = tell();
	cr_expect_eq(json_array_size(json_object_get(said, "troubles")), 2);
	json_decref(said);
}

Test(status, keepalives_that_are_held_are_trouble)
{
	snapshot.keepalives_are_held = true;
	expect_trouble("keepalives are held: none is sent until natboxctl keepalive on");
}

Test(status, silence_is_trouble)
{
	snapshot.sightings.seen_us[0] -= SILENCE_US - 1;
	snapshot.sightings.seen_us[1] -= SILENCE_US - 1;
	expect_well("All is well: 100 endpoints are kept reachable, none lost.");
	snapshot.sightings.seen_us[1] -= 1;
	expect_trouble("no packet from a proxy has been seen for 5 min");
	snapshot.sightings.seen_us[0] -= 1;
	expect_trouble("no packet to a proxy has been seen for 5 min");
	snapshot.sightings.seen_us[0] = 0;
	expect_trouble("no packet to a proxy has been seen: do natbox.proxy");
}

Test(status, right_after_the_start_silence_is_none)
{
	memset(snapshot.sightings.seen_us, 0, sizeof(snapshot.sightings.seen_us));
	snapshot.sightings.boot_us = condition.now_us - SILENCE_US + 1;
	expect_well("All is well: 100 endpoints are kept reachable, none lost.");
}

Test(status, a_disk_that_lags_is_trouble)
{
	snapshot.state_lag_us = LAG_US - 1;
	expect_well("All is well: 100 endpoints are kept reachable, none lost.");
	snapshot.state_lag_us = LAG_US;
	expect_trouble("changes have waited for the disk for 30 s");
}

Test(status, what_happened_lately_is_trouble_for_ten_minutes)
{
	snapshot.capture_drops = 7;
	expect_trouble("7 packets were dropped in the last 10 min");
	snapshot.engine.refused = 3;
	history_note(&history, &snapshot, condition.now_us);
	snapshot.engine.refused = 5;
	condition.now_us += 10 * minute_us;
	condition.turned_us = condition.now_us;
	see_packets();
	expect_trouble("limits have refused 2 in the last 10 min");
	history_note(&history, &snapshot, condition.now_us);
	condition.now_us += 10 * minute_us;
	condition.turned_us = condition.now_us;
	see_packets();
	expect_well("All is well: 100 endpoints are kept reachable, none lost.");
	snapshot.event_lines_lost = 1;
	expect_trouble("1 lines of the event stream were lost in the last 10 min");
}

Test(status, samples_since_then_do_not_hide_it)
{
	for (unsigned minute = 1; minute <= 19; minute++) {
		snapshot.capture_drops = minute < 12 ? 0 : 7;
		history_note(&history, &snapshot, start_us + minute * minute_us);
	}
	expect_trouble("7 packets were dropped in the last 10 min");
	condition.now_us += 2 * minute_us;
	condition.turned_us = condition.now_us;
	see_packets();
	expect_well("All is well: 100 endpoints are kept reachable, none lost.");
}

Test(status, every_trouble_and_the_largest_figures_are_json_and_fit)
{
	json_t *said;

	memset(&snapshot, 0x7f, sizeof(snapshot)); /* what reads it here knows no sign bit */
	snapshot.keepalives_are_held = snapshot.keepalives_are_off = true;
	condition.turned_us = snapshot.sightings.seen_us[0] = snapshot.sightings.seen_us[1] = 1;
	condition.now_us = UINT64_MAX / 2;
	said = tell();
	cr_expect_geq(json_array_size(json_object_get(said, "troubles")), 7);
	json_decref(said);
}

Test(status, figures_and_round_trips_are_told)
{
	json_t *said, *counts;

	snapshot.engine.reasons_of[REASON_DIALOG] = 7;
	snapshot.engine.verdicts[DIRECTION_IN][VERDICT_PASS] = 20;
	snapshot.engine.verdicts[DIRECTION_IN][VERDICT_CONSUME] = 3;
	snapshot.engine.rtts[2] = 5;
	said = tell();
	cr_expect_eq(json_integer_value(json_object_get(said, "dialogs")), 7);
	cr_expect_eq(json_integer_value(json_object_get(said, "packets_in")), 23);
	cr_expect_eq(json_integer_value(json_object_get(said, "up")), 1200);
	counts = json_object_get(json_object_get(said, "round_trips"), "counts");
	cr_expect_eq(json_array_size(counts), RTT_BOUNDS + 1);
	cr_expect_eq(json_integer_value(json_array_get(counts, 2)), 5);
	json_decref(said);
}

Test(status, round_trips_are_those_of_the_last_hour)
{
	json_t *said, *trips;

	snapshot.engine.rtts[2] = 5;
	history_note(&history, &snapshot, start_us + 30 * minute_us);
	snapshot.engine.rtts[2] = 9;
	condition.now_us = condition.turned_us = start_us + 91 * minute_us;
	said = tell();
	trips = json_object_get(said, "round_trips");
	cr_expect_eq(json_integer_value(json_array_get(json_object_get(trips, "counts"), 2)), 4);
	json_decref(said);
}

static json_t *samples(uint64_t now_us)
{
	struct json json = {.bytes = bytes};

	history_write(&history, now_us, &json);
	cr_assert_leq(json.used, sizeof(bytes));
	return json_object_get(read_json(&json), "samples");
}

static json_int_t sample(const json_t *all, size_t i, size_t of)
{
	return json_integer_value(json_array_get(json_array_get(all, i), of));
}

Test(status, a_sample_is_taken_each_minute)
{
	json_t *all;

	snapshot.engine.reasons_of[REASON_REGISTRATION] = 101;
	history_note(&history, &snapshot, start_us + minute_us - 1);
	cr_expect_eq(history.count, 1);
	history_note(&history, &snapshot, start_us + minute_us);
	all = samples(start_us + minute_us + 5 * second_us);
	cr_assert_eq(json_array_size(all), 2);
	cr_expect_eq(sample(all, 0, 0), 65, "its age");
	cr_expect_eq(sample(all, 0, 1), 100);
	cr_expect_eq(sample(all, 1, 0), 5);
	cr_expect_eq(sample(all, 1, 1), 101);
}

/* Who asks has looked at the clock before the loop took it. */
Test(status, a_sample_is_never_younger_than_now)
{
	json_t *all;

	history_note(&history, &snapshot, start_us + minute_us);
	all = samples(start_us + minute_us - 1);
	cr_expect_eq(sample(all, 0, 0), 59);
	cr_expect_eq(sample(all, 1, 0), 0);
}

Test(status, history_is_a_day_and_no_more)
{
	const unsigned minutes = 3 * HISTORY_SAMPLES;
	json_t *all;

	memset(&snapshot, 0xff, sizeof(snapshot));
	for (unsigned i = 1; i <= minutes; i++) {
		snapshot.engine.lost_now = UINT32_MAX - i;
		history_note(&history, &snapshot, start_us + i * minute_us);
	}
	all = samples(start_us + minutes * minute_us);
	cr_assert_eq(json_array_size(all), HISTORY_SAMPLES);
	cr_expect_eq(sample(all, 0, 0), (HISTORY_SAMPLES - 1) * 60);
	cr_expect_eq(sample(all, HISTORY_SAMPLES - 1, 4), UINT32_MAX - minutes);
}
