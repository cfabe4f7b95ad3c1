/* What is shown of endpoints, one after the other, and keepalives that are held. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"

enum { PHONES = 100 };

static void setup(void)
{
	own_border_open();
	border_wait(border, 0); /* the engine is there from then on */
}

TestSuite(view, .init = setup, .fini = own_border_close);

static void register_phone(unsigned number, const char *expires)
{
	char client[32], call_id[16], aor[32], contact[64];
	struct registration registration = {
		.call_id = call_id, .aor = aor, .contact = contact, .expires = expires};

	snprintf(client, sizeof(client), "203.0.113.1:%u", 5061 + number);
	snprintf(call_id, sizeof(call_id), "call%u", number);
	snprintf(aor, sizeof(aor), "sip:%u@example.com", number);
	snprintf(contact, sizeof(contact), "<sip:%u@192.168.1.10:5060>", number);
	border_bind(border, client, registration);
}

static void answer_last(const char *status_line)
{
	phone_answers_keepalive(border, PHONE, &border->sent[border->sent_count - 1], status_line);
}

static struct endpoint_view look_at(const char *client)
{
	struct endpoints *endpoints = engine_endpoints(border->engine);
	const struct address address = at(client);
	const uint32_t endpoint = endpoint_find(endpoints, &address, 0);
	struct endpoint_view view;

	cr_assert(endpoint);
	endpoint_view(endpoints, endpoint, &view);
	return view;
}

static unsigned seen[PHONES + 1];

static bool note(void *context, uint32_t endpoint)
{
	unsigned *left = context;

	cr_assert_leq(endpoint, PHONES);
	seen[endpoint]++;
	return --*left != 0;
}

Test(view, a_view_says_who_it_is_and_until_when)
{
	struct endpoint_view view;

	register_phone(0, "600");
	border_wait(border, 10);
	view = look_at(PHONE);
	cr_expect(text_equal(view.aor, TEXT("sip:0@example.com")));
	cr_expect_eq(view.reasons[REASON_REGISTRATION], 1);
	cr_expect_eq(view.reasons[REASON_DIALOG], 0);
	cr_expect(view.nat & NAT_CONTACT_PRIVATE);
	cr_expect_eq(view.silent_us / 1000000, 10);
	cr_expect_eq((view.left_us + 500000) / 1000000, 590);
	cr_expect_eq((view.next_us + 500000) / 1000000, 15);
	cr_expect_not(view.lost);
	cr_expect_eq(view.missed, 0);
}

static double seconds_to_next(void)
{
	return (double)look_at(PHONE).next_us / 1e6;
}

Test(view, next_is_a_keepalive_and_nothing_that_it_wakes_for_before)
{
	register_phone(0, "3600");
	border_wait(border, 77);
	cr_assert_eq(border->sent_count, 3);
	cr_expect_float_eq(seconds_to_next(), 23, 0.1, "%f", seconds_to_next());
	answer_last("SIP/2.0 200 OK");
	border_wait(border, 13);
	proxy_is_granted(border, PHONE, "OPTIONS", (struct exchange){.cseq = 1});
	border_wait(border, 1);
	cr_expect_float_eq(seconds_to_next(), 24, 0.1, "%f", seconds_to_next());
	border_wait(border, 23);
	cr_expect_eq(border->sent_count, 3);
	border_wait(border, 2);
	cr_expect_eq(border->sent_count, 4);
}

Test(view, silence_goes_on_over_keepalives_that_are_missed)
{
	register_phone(0, "600");
	border_wait(border, 90);
	cr_expect_eq(look_at(PHONE).missed, 3);
	cr_expect(look_at(PHONE).lost);
	cr_expect_eq(look_at(PHONE).silent_us / 1000000, 90);
	border_wait(border, 10.5);
	answer_last("SIP/2.0 200 OK");
	cr_expect_not(look_at(PHONE).lost);
	cr_expect_lt(look_at(PHONE).silent_us, 1000000);
}

/* Its first keepalive comes within a second. */
Test(view, silence_of_who_is_unproven_is_no_longer_than_he_has_been_there)
{
	border->leaves_unproven = true;
	register_phone(0, "600");
	border_wait(border, 10);
	cr_expect_eq(border->sent_count, 1);
	cr_expect_float_eq((double)look_at(PHONE).silent_us / 1e6, 9.5, 0.511);
	border_wait(border, 30);
	cr_expect_eq(border->sent_count, 2);
	cr_expect_float_eq((double)look_at(PHONE).silent_us / 1e6, 39.5, 0.511);
}

Test(view, a_walk_in_slices_shows_each_once_while_others_come_and_go)
{
	struct endpoints *endpoints = engine_endpoints(border->engine);
	uint32_t next = 1;
	unsigned slices = 0;

	for (unsigned i = 0; i < PHONES - 1; i++)
		register_phone(i, i % 3 ? "600" : "60");
	memset(seen, 0, sizeof(seen));
	while (next) {
		unsigned left = 5;

		next = endpoints_walk(endpoints, next, 7, note, &left);
		if (++slices == 5)
			border_wait(border, 61); /* a third of them has gone */
		if (slices == 6)
			register_phone(PHONES - 1, "600");
	}
	cr_expect_gt(slices, 10);
	for (unsigned i = 0; i < PHONES - 1; i++)
		cr_expect_leq(seen[i + 1], 1);
	for (unsigned i = 1; i < PHONES - 1; i += 3)
		cr_expect_eq(seen[i + 1], 1, "%u was seen %u times", i, seen[i + 1]);
}

Test(view, a_walk_over_nothing_ends)
{
	unsigned left = 5;

	cr_expect_eq(endpoints_walk(engine_endpoints(border->engine), 1, 10, note, &left), 0);
}

Test(view, while_keepalives_are_held_none_is_sent_and_nobody_is_lost)
{
	register_phone(0, "3600");
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 1);
	engine_hold_keepalives(border->engine, true);
	border_wait(border, 600);
	cr_expect_eq(border->sent_count, 1);
	cr_expect_eq(look_at(PHONE).missed, 0);
	cr_expect_eq(look_at(PHONE).next_us, UINT64_MAX);
	cr_expect(engine_holds_keepalives(border->engine));
}

Test(view, when_they_are_held_no_more_they_go_out_at_once)
{
	register_phone(0, "3600");
	engine_hold_keepalives(border->engine, true);
	border_wait(border, 600);
	engine_hold_keepalives(border->engine, false);
	border_wait(border, 1);
	cr_expect_eq(border->sent_count, 1);
	answer_last("SIP/2.0 200 OK");
	border_wait(border, 50);
	cr_expect_eq(border->sent_count, 3);
	cr_expect_eq(look_at(PHONE).missed, 1);
}

Test(view, who_comes_while_they_are_held_is_kept_alive_after)
{
	engine_hold_keepalives(border->engine, true);
	register_phone(0, "3600");
	border_wait(border, 100);
	cr_expect_eq(border->sent_count, 0);
	engine_hold_keepalives(border->engine, false);
	border_wait(border, 1);
	cr_expect_eq(border->sent_count, 1);
}

Test(view, held_keepalives_stay_held_over_other_settings)
{
	struct settings settings = border->settings;

	register_phone(0, "3600");
	engine_hold_keepalives(border->engine, true);
	settings.keepalive.rules.interval_us = 5000000;
	engine_reconfigure(border->engine, &settings);
	border_wait(border, 100);
	cr_expect_eq(border->sent_count, 0);
}
