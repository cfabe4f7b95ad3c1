/* A host, or natbox itself, that has run for years: ticks wrap after 497 days, and half-way what
 * was long ago looks as if it were to come. */
#include "calls.h"
#include "own_border.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define PHONE  "203.0.113.1:5061"
#define DAY_US 86400000000ull

TestSuite(years, .init = own_border_open, .fini = own_border_close);

/* Just before it wraps, half-way, and in between. */
ParameterizedTestParameters(years, what_is_overdue_is_spread_whenever_the_host_was_started)
{
	static uint64_t starts[] = {249 * DAY_US, 400 * DAY_US, (1ull << 32) * 10000 - 12010000,
		(1ull << 31) * 10000 - 12010000};

	return cr_make_param_array(uint64_t, starts, sizeof(starts) / sizeof(*starts));
}

ParameterizedTest(uint64_t *start, years, what_is_overdue_is_spread_whenever_the_host_was_started)
{
	enum { PHONES = 1000, PER_TICK = 500 };

	border->now_us = *start;
	border_bind_many(border, PHONES);
	border_wait(border, 12);
	border->settings.keepalive.rules.interval_us = 10000000;
	cr_assert_eq(engine_reconfigure(border->engine, &border->settings), 0);
	border_wait(border, 0.015);
	cr_assert_eq(border->sent_count, PER_TICK);
	border_wait(border, 0.01);
	cr_assert_eq(border->sent_count, PHONES);
}

static void subscribe(unsigned cseq, const char *expires)
{
	phone_is_granted(border, PHONE, "SUBSCRIBE",
		(struct exchange){.cseq = cseq, .to_tag = "n", .lines = expires});
}

/* Its end is of so long ago then that it looks as if it were to come. */
Test(years, a_subscription_that_was_over_once_is_followed_for_years)
{
	enum { DAYS = 800 };
	static const char a_day[] = "Event: presence\r\nExpires: 90000\r\n";

	border->settings.keepalive.rules.scope = KEEPALIVE_OFF;
	subscribe(1, a_day);
	subscribe(2, "Event: presence\r\nExpires: 0\r\n");
	border_wait(border, 60);
	border_forget(border);
	subscribe(3, a_day);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " subscription call 90000\n");
	for (unsigned day = 0; day < DAYS; day++) {
		border_wait(border, 86400);
		subscribe(4 + day, a_day);
		border_expect(border, "reason-refresh " PHONE " subscription call 90000\n");
	}
}
