/* When a packet was last seen, and when natbox was started. */
#include <natbox/ops.h>

#include <criterion/criterion.h>

static const uint64_t boot_us = 5000000, wall_us = 1700000000000000;
static struct sightings sightings;
static struct engine_counters counters;

static void start(void)
{
	sightings_start(&sightings, boot_us, wall_us);
}

TestSuite(sightings, .init = start);

static void look_after(uint64_t us)
{
	sightings_look(&sightings, &counters, boot_us + us, wall_us + us);
}

Test(sightings, each_direction_was_seen_when_it_had_grown)
{
	look_after(1000);
	cr_expect_eq(sightings.last_us[DIRECTION_IN], 0, "never");
	counters.verdicts[DIRECTION_IN][VERDICT_CONSUME]++;
	look_after(2000);
	counters.verdicts[DIRECTION_OUT][VERDICT_PASS]++;
	look_after(3000);
	look_after(4000);
	cr_expect_eq(sightings.last_us[DIRECTION_IN], wall_us + 2000);
	cr_expect_eq(sightings.last_us[DIRECTION_OUT], wall_us + 3000);
	cr_expect_eq(sightings.last_us[DIRECTION_NONE], 0);
}

Test(sightings, a_wall_clock_that_is_set_does_not_change_how_long_ago_that_was)
{
	counters.verdicts[DIRECTION_IN][VERDICT_PASS]++;
	look_after(1000);
	sightings_look(&sightings, &counters, boot_us + 2000, wall_us - 3600000000);
	cr_expect_eq(sightings.seen_us[DIRECTION_IN], boot_us + 1000);
	cr_expect_eq(sightings.seen_us[DIRECTION_OUT], 0, "never");
}

Test(sightings, the_start_stays_while_the_wall_clock_is_adjusted)
{
	for (uint64_t us = 0; us < 100; us++) {
		sightings_look(&sightings, &counters, boot_us + us * 1000, wall_us + us * 999);
		sightings_look(&sightings, &counters, boot_us + us * 1000, wall_us + us * 1001);
	}
	cr_expect_eq(sightings.started_us, wall_us);
}

Test(sightings, the_start_moves_along_where_the_wall_clock_is_set)
{
	sightings_look(&sightings, &counters, boot_us + 10, wall_us + 3600000010);
	cr_expect_eq(sightings.started_us, wall_us + 3600000000);
	sightings_look(&sightings, &counters, boot_us + 20, 15);
	cr_expect_eq(sightings.started_us, 0);
}
