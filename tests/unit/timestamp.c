#include "state/batch.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct timestamp timestamp(int64_t wall_us, int64_t boot_us, const char *boot_id)
{
	struct timestamp result = {.wall_us = wall_us, .boot_us = boot_us};

	snprintf(result.boot_id, sizeof(result.boot_id), "%s", boot_id);
	return result;
}

Test(timestamp, within_one_boot_the_wall_clock_does_not_matter)
{
	struct timestamp from = timestamp(1000, 500, "a"), back = timestamp(10, 700, "a"),
			 forth = timestamp(1000000000000, 700, "a");

	cr_assert_eq(timestamp_elapsed(&from, &back), 200);
	cr_assert_eq(timestamp_elapsed(&from, &forth), 200);
}

Test(timestamp, across_boots_the_wall_clock_tells)
{
	struct timestamp from = timestamp(1000, 500, "a"), to = timestamp(5000, 3, "b");

	cr_assert_eq(timestamp_elapsed(&from, &to), 4000);
}

Test(timestamp, across_boots_a_wall_clock_that_cannot_be_right_tells_nothing)
{
	struct timestamp from = timestamp(1000, 500, "a"), back = timestamp(10, 700, "b"),
			 forth = timestamp(91ll * 24 * 3600 * 1000000, 700, "b");

	cr_assert_eq(timestamp_elapsed(&from, &back), 0);
	cr_assert_eq(timestamp_elapsed(&from, &forth), 0);
}

Test(timestamp, without_a_boot_id_the_wall_clock_tells)
{
	struct timestamp from = timestamp(1000, 500, ""), to = timestamp(5000, 3, "");

	cr_assert_eq(timestamp_elapsed(&from, &to), 4000);
}
