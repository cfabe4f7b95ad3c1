/* How what is asked over HTTP comes to the packet loop and back, and that nobody waits for ever. */

#include "ops/http/errands.h"
#include "own_border.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>

static const uint64_t start_us = 1000000000;
static const struct survey_question spread = {.kind = SURVEY_SPREAD};

static struct errands errands;
static unsigned suspended, woken;
static struct errand *asked;

static void setup(void)
{
	own_border_open();
	border_wait(border, 0);
	cr_assert_eq(errands_init(&errands), 0);
}

static void teardown(void)
{
	errands_free(&errands);
	own_border_close();
}

TestSuite(errands, .init = setup, .fini = teardown);

static void suspend(void *asker)
{
	cr_assert_eq(asker, &asked);
	suspended++;
}

static void wake(void *asker)
{
	cr_assert_eq(asker, &asked);
	woken++;
}

static struct errand *ask(void)
{
	return errand_ask(&errands, &spread, start_us, &asked, suspend);
}

static void run(void)
{
	errands_run(&errands, engine_endpoints(border->engine), 1000000);
}

static bool is_readable(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

Test(errands, an_errand_is_run_and_its_asker_woken)
{
	cr_expect_not(errands_are_open(&errands));
	asked = ask();
	cr_assert(asked);
	cr_expect_eq(suspended, 1);
	cr_expect(errands_are_open(&errands));
	cr_expect(is_readable(errands.asked), "the loop is told");
	run();
	cr_expect_not(is_readable(errands.asked));
	cr_expect_not(errands_are_open(&errands));
	cr_expect(is_readable(errands.done), "the waker is told");
	errands_wake(&errands, start_us, wake);
	cr_expect_eq(woken, 1);
	cr_expect(errand_is_answered(asked));
	cr_expect_eq(strncmp(asked->answer.bytes, "{\"tick_ms\":10,", 14), 0);
	errands_wake(&errands, start_us, wake);
	cr_expect_eq(woken, 1, "and woken once");
	errand_release(&errands, asked);
}

Test(errands, there_are_only_so_many)
{
	for (unsigned i = 0; i < ERRANDS_MAX; i++)
		cr_assert(asked = ask());
	cr_expect_eq(ask(), NULL);
	for (unsigned i = 0; i < ERRANDS_MAX; i++)
		run();
	cr_expect_eq(ask(), NULL, "their answers are still there");
	errand_release(&errands, asked);
	cr_expect(ask());
}

Test(errands, what_the_loop_does_not_take_is_given_up)
{
	asked = ask();
	errands_wake(&errands, start_us + ERRAND_LIMIT_US, wake);
	cr_expect_eq(woken, 0);
	errands_wake(&errands, start_us + ERRAND_LIMIT_US + 1, wake);
	cr_expect_eq(woken, 1);
	cr_expect_not(errand_is_answered(asked));
	errand_release(&errands, asked);
	cr_expect(errands_are_open(&errands), "the loop has to let it go");
	run();
	cr_expect_not(errands_are_open(&errands));
	cr_expect_not(is_readable(errands.done));
	for (unsigned i = 0; i < ERRANDS_MAX; i++)
		cr_expect(ask());
}

Test(errands, what_its_asker_still_has_is_nobody_elses)
{
	asked = ask();
	errands_wake(&errands, start_us + ERRAND_LIMIT_US + 1, wake);
	run();
	cr_assert_not(errands_are_open(&errands), "the loop has let it go");
	for (unsigned i = 1; i < ERRANDS_MAX; i++)
		cr_expect_neq(ask(), asked);
	cr_expect_eq(ask(), NULL);
	errand_release(&errands, asked);
	cr_expect_eq(ask(), asked);
}

Test(errands, what_the_loop_has_begun_is_given_up_too)
{
	asked = ask();
	errands.current = asked;
	atomic_store(&asked->state, ERRAND_RUNNING);
	errands_wake(&errands, start_us + ERRAND_LIMIT_US + 1, wake);
	cr_expect_eq(woken, 1);
	errand_release(&errands, asked);
	for (unsigned i = 1; i < ERRANDS_MAX; i++)
		cr_expect_neq(ask(), asked, "its place is the loop's");
	run();
	cr_expect_eq(ask(), asked);
}

Test(errands, at_the_end_all_are_given_up_and_none_is_taken)
{
	asked = ask();
	errands_close(&errands, wake);
	cr_expect_eq(woken, 1);
	cr_expect_not(errand_is_answered(asked));
	cr_expect_eq(ask(), NULL);
	cr_expect_eq(suspended, 1);
}

Test(errands, who_asks_again_and_again_keeps_nobody_waiting)
{
	struct errand *first = ask(), *second = ask();

	run();
	errand_release(&errands, first);
	cr_assert_eq(ask(), first);
	run();
	cr_expect(errand_is_answered(second));
}

Test(errands, a_slice_ends_with_its_budget)
{
	border->settings.keepalive.rules.interval_us = 3600 * 1000000ULL;
	engine_reconfigure(border->engine, &border->settings);
	asked = ask();
	errands_run(&errands, engine_endpoints(border->engine), 0);
	cr_expect(errands_are_open(&errands));
	cr_expect_not(errand_is_answered(asked));
	for (unsigned i = 0; errands_are_open(&errands); i++) {
		cr_assert_lt(i, 1000);
		run();
	}
	cr_expect(errand_is_answered(asked));
}
