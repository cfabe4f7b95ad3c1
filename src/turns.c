#include "turns.h"

#include <time.h>

void turns_start(struct turns *turns)
{
	*turns = (struct turns){.processor_us = clock_us(CLOCK_THREAD_CPUTIME_ID)};
}

void turns_begin(struct turns *turns)
{
	turns->begun_us = clock_us(CLOCK_MONOTONIC);
}

static void keep_longer(struct turn_length *longest, struct turn_length length)
{
	if (length.clock_us > longest->clock_us)
		longest->clock_us = length.clock_us;
	if (length.processor_us > longest->processor_us)
		longest->processor_us = length.processor_us;
}

static void count(struct turn_lengths *lengths, uint64_t length_us)
{
	unsigned bound = 0;

	while (bound < TURN_BOUNDS && length_us > turn_bounds_us[bound])
		bound++;
	lengths->turns[bound]++;
	lengths->total_us += length_us;
}

/* The processor's clock is a system call, so it is read once a turn: the few microseconds of the
 * wait before count as well. */
void turns_end(struct turns *turns)
{
	const uint64_t processor_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
	const struct turn_length length = {
		.clock_us = turns_passed_us(turns),
		.processor_us = processor_us - turns->processor_us,
	};

	count(&turns->counters.clock, length.clock_us);
	count(&turns->counters.processor, length.processor_us);
	turns->processor_us = processor_us;
	turns->last = length;
	keep_longer(&turns->longest, length);
	keep_longer(&turns->longest_ever, length);
}

uint64_t turns_passed_us(const struct turns *turns)
{
	return clock_us(CLOCK_MONOTONIC) - turns->begun_us;
}

void turns_forget_longest(struct turns *turns)
{
	turns->longest = (struct turn_length){0};
}
