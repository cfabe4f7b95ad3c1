#include <natbox/schedule.h>

#include <criterion/criterion.h>
#include <time.h>

enum { ITEMS = 20000, LONGEST = 2500 };

static struct wheel *wheel;

static void setup(void)
{
	wheel = wheel_new(ITEMS, LONGEST, 0);
	cr_assert_not_null(wheel);
}

static void teardown(void)
{
	wheel_free(wheel);
}

TestSuite(wheel, .init = setup, .fini = teardown);

/* Turns to the next tick and checks that it is that one; the items of it come by wheel_pop. */
static void turn_to(uint32_t tick)
{
	uint32_t next;

	cr_assert(wheel_next(wheel, &next));
	cr_assert_eq(next, tick, "next is %u, not %u", next, tick);
	wheel_turn(wheel, tick);
}

static void expect_item(uint32_t item, bool sender)
{
	bool is_sender = !sender;

	cr_assert_eq(wheel_pop(wheel, &is_sender), item);
	if (item)
		cr_assert_eq(is_sender, sender);
}

Test(wheel, items_wake_at_their_tick_in_the_order_they_were_placed)
{
	uint32_t next;

	cr_assert_not(wheel_next(wheel, &next));
	wheel_place(wheel, 1, 900);
	wheel_place(wheel, 2, 100);
	wheel_place(wheel, 3, 900);
	turn_to(100);
	expect_item(2, false);
	expect_item(0, false);
	turn_to(900);
	expect_item(1, false);
	expect_item(3, false);
	expect_item(0, false);
	cr_assert_not(wheel_next(wheel, &next));
}

Test(wheel, what_is_handed_out_next_can_be_seen_before)
{
	wheel_place(wheel, 3, 100);
	wheel_place(wheel, 1, 100);
	wheel_place(wheel, 2, 101);
	turn_to(100);
	cr_assert_eq(wheel_peek(wheel), 3);
	cr_assert_eq(wheel_peek_after(wheel, 3), 1);
	cr_assert_eq(wheel_peek_after(wheel, 1), 0);
	expect_item(3, false);
	cr_assert_eq(wheel_peek(wheel), 1);
	expect_item(1, false);
	cr_assert_eq(wheel_peek(wheel), 0);
}

Test(wheel, an_item_placed_again_moves)
{
	uint32_t next;

	wheel_place(wheel, 1, 900);
	wheel_place(wheel, 1, 300);
	turn_to(300);
	expect_item(1, false);
	expect_item(0, false);
	cr_assert_not(wheel_next(wheel, &next));
}

Test(wheel, a_removed_item_never_wakes)
{
	wheel_place(wheel, 1, 10);
	wheel_place(wheel, 2, 10);
	wheel_place(wheel, 3, 10);
	wheel_remove(wheel, 1);
	wheel_remove(wheel, 3);
	wheel_remove(wheel, 3);
	turn_to(10);
	expect_item(2, false);
	expect_item(0, false);
}

Test(wheel, what_is_due_already_wakes_at_the_next_tick)
{
	wheel_turn(wheel, 50);
	wheel_place(wheel, 1, 50);
	wheel_place(wheel, 2, 20);
	turn_to(51);
	expect_item(1, false);
	expect_item(2, false);
}

Test(wheel, what_is_too_far_ahead_wakes_at_the_longest_wait)
{
	wheel_place(wheel, 1, LONGEST * 4);
	turn_to(LONGEST);
	expect_item(1, false);
}

Test(wheel, ticks_may_wrap)
{
	wheel_turn(wheel, UINT32_MAX - 5);
	wheel_place(wheel, 1, UINT32_MAX);
	wheel_place(wheel, 2, 3);
	cr_assert_eq(wheel_tick_of(wheel, 2), 3);
	turn_to(UINT32_MAX);
	expect_item(1, false);
	turn_to(3);
	expect_item(2, false);
}

Test(wheel, a_lone_sender_takes_the_latest_tick)
{
	wheel_place_sender(wheel, 1, 1, 2500, 2500, 0);
	turn_to(2500);
	expect_item(1, true);
}

Test(wheel, senders_give_way_to_others_within_their_bounds)
{
	unsigned busiest = 0;

	for (uint32_t item = 1; item <= ITEMS; item++)
		wheel_place_sender(wheel, item, 1, LONGEST, LONGEST, 0);
	for (uint32_t tick = 1; tick <= LONGEST; tick++) {
		unsigned count = 0;
		bool sender;

		wheel_turn(wheel, tick);
		while (wheel_pop(wheel, &sender))
			count++;
		busiest = count > busiest ? count : busiest;
	}
	cr_assert_leq(busiest, ITEMS / LONGEST * 3 / 2);
}

Test(wheel, a_sender_wakes_no_earlier_than_allowed_however_crowded_it_is)
{
	for (uint32_t item = 1; item <= 1000; item++)
		wheel_place_sender(wheel, item, 90, 100, LONGEST, 0);
	turn_to(90);
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

enum { ROUNDS = 5, TURNS = 2000, CROWD = 200000, LATE = 5000, PATIENCE = 20 };

/* The least time of some rounds of as many packets, each of which turns a wheel of that length and
 * asks for its next tick; an item stands at its far end, or none. */
static uint64_t cost_of_turns(uint32_t longest, bool empty)
{
	uint64_t least = UINT64_MAX, begin;
	uint32_t next = 0;

	wheel_free(wheel);
	wheel = wheel_new(ITEMS, longest, 0);
	cr_assert_not_null(wheel);
	if (!empty)
		wheel_place(wheel, 1, longest);
	for (unsigned round = 0; round < ROUNDS; round++) {
		begin = cpu_ns();
		for (unsigned turn = 0; turn < TURNS; turn++) {
			wheel_turn(wheel, 1 + round);
			cr_assert_eq(wheel_next(wheel, &next), !empty);
		}
		begin = cpu_ns() - begin;
		least = begin < least ? begin : least;
	}
	return least;
}

/* The same for the placing of senders that all want the far end, as after an outage. */
static uint64_t cost_of_placing(uint32_t longest)
{
	uint64_t least = UINT64_MAX, begin;

	for (unsigned round = 0; round < ROUNDS; round++) {
		wheel_free(wheel);
		wheel = wheel_new(CROWD + LATE, longest, 0);
		cr_assert_not_null(wheel);
		for (uint32_t item = 1; item <= CROWD; item++)
			wheel_place_sender(wheel, item, 1, longest, longest, 0);
		begin = cpu_ns();
		for (uint32_t item = CROWD + 1; item <= CROWD + LATE; item++)
			wheel_place_sender(wheel, item, 1, longest, longest, 0);
		begin = cpu_ns() - begin;
		least = begin < least ? begin : least;
	}
	return least;
}

/* Intervals of 25 s and of an hour. Without knowing what comes next the long one costs a hundred
 * times as much; caches may double it. */
Test(wheel, turning_costs_the_same_however_long_the_interval)
{
	uint64_t hour = cost_of_turns(360000, false), short_one = cost_of_turns(2500, false);

	cr_expect_lt(hour, 10 * short_one, "%lu ns against %lu", (unsigned long)hour,
		(unsigned long)short_one);
	hour = cost_of_turns(360000, true);
	cr_expect_lt(hour, 10 * short_one, "empty: %lu ns against %lu", (unsigned long)hour,
		(unsigned long)short_one);
}

Test(wheel, placing_costs_about_the_same_however_long_the_interval)
{
	uint64_t hour = UINT64_MAX, short_one = 0;

	/* What else runs may take the caches away, which the long one needs more of. */
	for (unsigned tries = 0; tries < PATIENCE && hour >= 5 * short_one; tries++) {
		hour = cost_of_placing(360000);
		short_one = cost_of_placing(2500);
	}
	cr_expect_lt(hour, 5 * short_one, "%lu ns against %lu", (unsigned long)hour,
		(unsigned long)short_one);
}
