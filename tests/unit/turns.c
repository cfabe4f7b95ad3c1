/* Turns of the event loop, by the clock and by processor time. */
#include "../../src/turns.h"
#include <natbox/base.h>

#include <criterion/criterion.h>
#include <time.h>

enum { BOUND_MS = 20, ATTEMPTS = 100 };

static struct turns turns;

static uint64_t counted_beyond(const struct turn_lengths *lengths, uint32_t length_us)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= TURN_BOUNDS; i++)
		if (i == TURN_BOUNDS || turn_bounds_us[i] > length_us)
			count += lengths->turns[i];
	return count;
}

static void wait_in_a_turn(void)
{
	const struct timespec length = {.tv_nsec = (BOUND_MS + 1) * 1000000L};

	turns_begin(&turns);
	nanosleep(&length, NULL);
	turns_end(&turns);
}

static void work_in_a_turn(void)
{
	const uint64_t start_us = clock_us(CLOCK_THREAD_CPUTIME_ID);

	turns_begin(&turns);
	while (clock_us(CLOCK_THREAD_CPUTIME_ID) - start_us <= BOUND_MS * 1000)
		continue;
	turns_end(&turns);
}

/* A virtual machine that is stopped meanwhile counts that as processor time: then once more. */
Test(turns, one_that_waits_is_long_by_the_clock_alone)
{
	unsigned attempts = 0;

	do {
		turns_start(&turns);
		wait_in_a_turn();
	} while (counted_beyond(&turns.counters.processor, BOUND_MS * 1000) &&
		 ++attempts < ATTEMPTS);
	cr_expect_eq(counted_beyond(&turns.counters.clock, BOUND_MS * 1000), 1);
	cr_expect_geq(turns.counters.clock.total_us, BOUND_MS * 1000);
	cr_expect_geq(turns.longest.clock_us, BOUND_MS * 1000);
	cr_expect_eq(counted_beyond(&turns.counters.processor, BOUND_MS * 1000), 0);
	cr_expect_lt(turns.counters.processor.total_us, BOUND_MS * 1000);
	cr_expect_lt(turns.longest.processor_us, BOUND_MS * 1000);
}

Test(turns, one_that_works_is_long_by_both)
{
	turns_start(&turns);
	work_in_a_turn();
	cr_expect_eq(counted_beyond(&turns.counters.clock, BOUND_MS * 1000), 1);
	cr_expect_eq(counted_beyond(&turns.counters.processor, BOUND_MS * 1000), 1);
	cr_expect_geq(turns.counters.processor.total_us, BOUND_MS * 1000);
	cr_expect_geq(turns.longest.processor_us, BOUND_MS * 1000);
}

Test(turns, processor_time_counts_for_the_turn_that_took_it)
{
	unsigned attempts = 0;

	turns_start(&turns);
	do {
		work_in_a_turn();
		cr_expect_geq(turns.last.processor_us, BOUND_MS * 1000);
		wait_in_a_turn();
	} while (turns.last.processor_us >= BOUND_MS * 1000 && ++attempts < ATTEMPTS);
	cr_expect_lt(turns.last.processor_us, BOUND_MS * 1000);
}

Test(turns, the_longest_is_forgotten_and_the_longest_ever_is_not)
{
	turns_start(&turns);
	work_in_a_turn();
	turns_forget_longest(&turns);
	cr_expect_eq(turns.longest.clock_us, 0);
	cr_expect_geq(turns.longest_ever.clock_us, BOUND_MS * 1000);
}
