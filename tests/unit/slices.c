/* Much to do at once is done in slices where work is bounded: nothing is left out, nothing is done
 * twice, and what comes in between is not kept waiting. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { PHONES = 2000, SLICE = 100, PHONES_SPREAD = 100000, TICKS_MAX = 10000 };

static void setup(void)
{
	own_border_open();
	border->settings.limits.endpoints = PHONES_SPREAD;
	border->settings.limits.endpoints_per_address = PHONES_SPREAD;
}

TestSuite(slices, .init = setup, .fini = own_border_close);

static struct address phone_address(unsigned phone)
{
	const uint8_t ip[4] = {203, (uint8_t)(phone >> 16), (uint8_t)(phone >> 8), (uint8_t)phone};

	return address_ipv4(ip, 5060);
}

static const char *phone_text(unsigned phone)
{
	static char text[ADDRESS_TEXT_MAX];
	const struct address address = phone_address(phone);

	address_format(&address, text);
	return text;
}

static void hold(unsigned phone, enum reason_kind kind, uint32_t seconds)
{
	struct reason_claim claim = {
		.client = phone_address(phone),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.kind = kind,
		.key = (phone * 4ull + kind + 1) * 0x9e3779b97f4a7c15,
		.id = TEXT("sip:alice@example.com"),
		.seconds = seconds,
	};

	cr_assert_neq(reason_hold(engine_endpoints(border->engine), &claim), 0);
}

static void hold_all(uint32_t seconds)
{
	border_wait(border, 0);
	for (unsigned phone = 0; phone < PHONES; phone++)
		hold(phone, REASON_REGISTRATION, seconds);
	engine_bound_work(border->engine, SLICE);
	border_forget(border);
}

static unsigned endpoints_left(void)
{
	return engine_counters(border->engine).endpoints;
}

/* How often a text is in the events since the last call. */
static unsigned count(const char *text)
{
	unsigned times = 0;

	for (const char *at = border->log; (at = strstr(at, text)); at++)
		times++;
	border_forget(border);
	return times;
}

/* Calls until nothing is left for now, each of which may remove this many. How many there were. */
static unsigned run_slices(unsigned most)
{
	unsigned calls = 0, before = endpoints_left();

	while (engine_next(border->engine) <= border->now_us) {
		engine_advance(border->engine, border->now_us);
		cr_assert_leq(before - endpoints_left(), most);
		before = endpoints_left();
		cr_assert_lt(calls++, PHONES);
	}
	return calls;
}

Test(slices, a_reload_ends_what_is_exempt_bit_by_bit)
{
	hold_all(3600);
	border_exempt(&border->settings, "203.0.0.0/8");
	engine_reconfigure(border->engine, &border->settings);
	cr_assert_lt(endpoints_left(), PHONES);
	cr_assert_geq(endpoints_left(), PHONES - SLICE);
	cr_assert(engine_is_reviewing(border->engine));
	cr_expect_gt(run_slices(SLICE), PHONES / SLICE - 1);
	cr_expect_not(engine_is_reviewing(border->engine));
	cr_expect_eq(endpoints_left(), 0);
	cr_expect_eq(count("flushed"), PHONES);
}

Test(slices, what_is_exempt_is_sent_nothing_while_its_end_is_to_come)
{
	hold_all(3600);
	border_wait(border, 24);
	border_exempt(&border->settings, "203.0.0.0/8");
	engine_reconfigure(border->engine, &border->settings);
	border->sent_count = 0;
	for (unsigned i = 0; i < 100; i++)
		border_wait(border, 0.1);
	cr_expect_eq(border->sent_count, 0);
	cr_expect_eq(count("flushed"), PHONES);
}

Test(slices, scope_off_holds_at_once)
{
	hold_all(3600);
	border_wait(border, 24);
	border->settings.keepalive.rules.scope = KEEPALIVE_OFF;
	engine_reconfigure(border->engine, &border->settings);
	border->sent_count = 0;
	for (unsigned i = 0; i < 1000; i++)
		border_wait(border, 0.1);
	cr_expect_eq(border->sent_count, 0);
	cr_expect_eq(endpoints_left(), PHONES);
}

Test(slices, another_reload_in_the_middle_looks_at_all_again)
{
	hold_all(3600);
	border->settings.keepalive.rules.interval_us = 60000000;
	engine_reconfigure(border->engine, &border->settings);
	engine_advance(border->engine, border->now_us);
	border_exempt(&border->settings, "203.0.0.0/24");
	engine_reconfigure(border->engine, &border->settings);
	engine_advance(border->engine, border->now_us);
	border_exempt(&border->settings, "203.0.7.0/24");
	engine_reconfigure(border->engine, &border->settings);
	run_slices(SLICE);
	cr_expect_eq(count("flushed"), 256 + PHONES % 256);
	border->sent_count = 0;
	for (unsigned i = 0; i < 61 * 10; i++)
		border_wait(border, 0.1);
	cr_expect_eq(border->sent_count, endpoints_left());
}

/* Of one that has been looked at already and of one that has not. */
Test(slices, a_sign_of_life_during_the_review_counts_by_the_new_interval)
{
	static const unsigned phones[] = {0, PHONES - 1};
	const uint64_t reload_us = 4000000;

	hold_all(3600);
	border_wait(border, (double)reload_us / 1e6);
	border->settings.keepalive.rules.interval_us = 10000000;
	engine_reconfigure(border->engine, &border->settings);
	cr_assert(engine_is_reviewing(border->engine));
	for (unsigned i = 0; i < 2; i++) {
		proxy_is_granted(border, phone_text(phones[i]), "OPTIONS", (struct exchange){0});
	}
	run_slices(0);
	border->sent_count = 0;
	for (unsigned i = 0; i < 120; i++)
		border_wait(border, 0.1);
	for (unsigned i = 0; i < 2; i++) {
		const struct address address = phone_address(phones[i]);
		unsigned times = 0;

		for (unsigned sent = 0; sent < border->sent_count; sent++) {
			if (!address_equal(&border->sent[sent].flow.destination, &address))
				continue;
			times++;
			cr_expect_gt(border->sent[sent].time_us, 1000000000 + reload_us + 4900000);
			cr_expect_leq(
				border->sent[sent].time_us, 1000000000 + reload_us + 10100000);
		}
		cr_expect_geq(times, 1);
	}
}

Test(slices, registrations_that_end_together_do_so_bit_by_bit)
{
	hold_all(60);
	for (unsigned i = 0; i < 590; i++)
		border_wait(border, 0.1);
	border_forget(border);
	cr_assert_eq(endpoints_left(), PHONES);
	border->now_us += 1100000;
	cr_expect_gt(run_slices(SLICE), PHONES / SLICE - 1);
	cr_expect_eq(endpoints_left(), 0);
	cr_expect_eq(count("endpoint-remove"), PHONES);
}

Test(slices, a_packet_between_two_slices_has_the_clock_of_its_time_but_waits_for_none)
{
	hold_all(60);
	for (unsigned i = 0; i < 590; i++)
		border_wait(border, 0.1);
	border->now_us += 1100000;
	engine_advance(border->engine, border->now_us);
	border_forget(border);
	cr_assert_gt(endpoints_left(), 0);
	border_bind(border, "198.51.100.99:5060",
		(struct registration){.call_id = "new", .expires = "60"});
	border_expect(border,
		"endpoint-add 198.51.100.99:5060 via-source,contact-private\n"
		"reason-add 198.51.100.99:5060 registration sip:alice@example.com 60\n");
	run_slices(SLICE);
	cr_expect_eq(endpoints_left(), 1);
	border->sent_count = 0;
	border_wait(border, 24.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 0.2);
	cr_expect_eq(border->sent_count, 1);
}

Test(slices, keepalives_of_one_moment_leave_bit_by_bit)
{
	unsigned calls = 0;

	hold_all(3600);
	border->now_us += 40000000;
	border->sent_count = 0;
	while (engine_next(border->engine) <= border->now_us) {
		unsigned before = border->sent_count;

		engine_advance(border->engine, border->now_us);
		cr_assert_leq(border->sent_count - before, 2 * SLICE);
		cr_assert_lt(calls++, PHONES);
	}
	cr_expect_eq(border->sent_count, PHONES);
}

Test(slices, requests_that_nobody_answers_are_given_up_bit_by_bit)
{
	unsigned before, calls = 0;

	border->settings.limits.transactions = PHONES;
	border_wait(border, 0);
	engine_bound_work(border->engine, SLICE);
	for (unsigned phone = 0; phone < PHONES; phone++) {
		char call_id[16];

		snprintf(call_id, sizeof(call_id), "call-%u", phone);
		border_register(border, phone_text(phone),
			(struct registration){.call_id = call_id, .expires = "60"});
	}
	before = engine_counters(border->engine).transactions;
	cr_assert_eq(before, PHONES);
	border->now_us += 33000000;
	while (engine_next(border->engine) <= border->now_us) {
		unsigned left;

		engine_advance(border->engine, border->now_us);
		left = engine_counters(border->engine).transactions;
		cr_assert_leq(before - left, 2 * SLICE * 4);
		before = left;
		cr_assert_lt(calls++, PHONES);
	}
	cr_expect_gt(calls, 1);
	cr_expect_eq(engine_counters(border->engine).transactions, 0);
}

static unsigned sent_in_tick[TICKS_MAX];
static uint64_t count_from_us;

static void count_sent(void *context, const struct event *event)
{
	uint64_t tick = (event->time_us - count_from_us) / 10000;

	(void)context;
	if (event->type == EVENT_KEEPALIVE && event->time_us >= count_from_us && tick < TICKS_MAX)
		sent_in_tick[tick]++;
}

/* The busiest tick against the mean, of the second interval from now on. */
static double measure_spread(void)
{
	const unsigned interval = (unsigned)(border->settings.keepalive.rules.interval_us / 10000);
	unsigned busiest = 0, sum = 0;

	count_from_us = border->now_us;
	memset(sent_in_tick, 0, sizeof(sent_in_tick));
	for (unsigned i = 0; i < 2 * interval; i++) {
		border->now_us += 10000;
		do
			engine_advance(border->engine, border->now_us);
		while (engine_next(border->engine) <= border->now_us);
	}
	for (unsigned tick = interval; tick < 2 * interval; tick++) {
		sum += sent_in_tick[tick];
		if (sent_in_tick[tick] > busiest)
			busiest = sent_in_tick[tick];
	}
	cr_expect_float_eq(sum, PHONES_SPREAD, PHONES_SPREAD / 50);
	return busiest / ((double)sum / interval);
}

/* Registered within ten seconds, as after a power cut. */
Test(slices, keepalives_stay_spread_when_the_interval_changes)
{
	static const unsigned intervals_s[] = {40, 15, 25};

	border->listener = count_sent;
	border->settings.keepalive.rules.max_lost = 0;
	border_wait(border, 0);
	engine_bound_work(border->engine, 1000);
	for (unsigned phone = 0; phone < PHONES_SPREAD; phone++) {
		hold(phone, REASON_REGISTRATION, 3600);
		if (phone % 100 == 99)
			border_wait(border, 0.01);
	}
	for (unsigned i = 0; i < 3; i++) {
		double spread;

		border->settings.keepalive.rules.interval_us = intervals_s[i] * 1000000ull;
		engine_reconfigure(border->engine, &border->settings);
		spread = measure_spread();
		cr_expect_leq(spread, 1.3, "%u s: %.2f", intervals_s[i], spread);
	}
}
