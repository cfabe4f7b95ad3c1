/* New settings for a running engine: what changes at once, and what lives through it. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"

TestSuite(reconfigure, .init = own_border_open, .fini = own_border_close);

static void register_phone(const char *client, const char *call_id)
{
	border_bind(border, client, (struct registration){.call_id = call_id, .expires = "3600"});
	border_forget(border);
}

static int reconfigure(void)
{
	return engine_reconfigure(border->engine, &border->settings);
}

static double last_sent(void)
{
	return (double)border->sent[(border->sent_count - 1) % BORDER_SENT_MAX].time_us / 1e6 -
	       1000;
}

Test(reconfigure, endpoints_live_through_it)
{
	register_phone(PHONE, "one");
	border->settings.nat.detect = NAT_VIA_PRIVATE;
	border->settings.keepalive.rules.method = KEEPALIVE_OPTIONS;
	border->settings.timers.dialog_us = 1000000;
	cr_assert_eq(reconfigure(), 0);
	border_expect(border, "");
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 1);
	cr_assert_eq(border->sent[0].bytes[0], 'O');
}

Test(reconfigure, the_next_keepalive_says_what_the_new_settings_say)
{
	register_phone(PHONE, "one");
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 1);
	cr_assert(!strstr(border->sent[0].bytes, "X-New: 1"));
	strcpy(border->settings.keepalive.extra_headers, "X-New: 1\r\n");
	strcpy(border->settings.keepalive.from, "sip:new@PROXY");
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 2);
	cr_expect(strstr(border->sent[1].bytes, "\r\nX-New: 1\r\n"));
	cr_expect(strstr(border->sent[1].bytes, "\r\nFrom: <sip:new@198.51.100.1>;tag="));
}

Test(reconfigure, other_tests_apply_to_the_next_message)
{
	register_phone(PHONE, "one");
	border->settings.nat.detect = NAT_VIA_PRIVATE;
	cr_assert_eq(reconfigure(), 0);
	border_bind(border, "203.0.113.2:5060",
		(struct registration){.call_id = "two", .expires = "60"});
	border_expect(border,
		"endpoint-add 203.0.113.2:5060 via-private\n"
		"reason-add 203.0.113.2:5060 registration sip:alice@example.com 60\n");
}

Test(reconfigure, a_shorter_interval_counts_from_the_last_packet)
{
	register_phone(PHONE, "one");
	border_wait(border, 4);
	border->settings.keepalive.rules.interval_us = 10000000;
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 7);
	cr_assert_eq(border->sent_count, 1);
	cr_assert_float_eq(last_sent(), 10, 0.02);
	border_wait(border, 30);
	cr_assert_eq(border->sent_count, 4);
}

Test(reconfigure, a_longer_interval_than_the_wheel_had_is_kept_to)
{
	register_phone(PHONE, "one");
	border_wait(border, 20);
	border->settings.keepalive.rules.interval_us = 600000000;
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 579);
	cr_assert_eq(border->sent_count, 0);
	border_wait(border, 2);
	cr_assert_eq(border->sent_count, 1);
	cr_assert_float_eq(last_sent(), 600, 0.02);
}

Test(reconfigure, keepalives_that_a_shorter_interval_makes_overdue_are_spread)
{
	enum { PHONES = 1000 };

	border_bind_many(border, PHONES);
	border_wait(border, 12);
	border->settings.keepalive.rules.interval_us = 10000000;
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 0.015);
	cr_assert_eq(border->sent_count, 500);
	border_wait(border, 0.01);
	cr_assert_eq(border->sent_count, PHONES);
}

Test(reconfigure, scope_off_stops_keepalives_and_on_again_starts_them)
{
	register_phone(PHONE, "one");
	border->settings.keepalive.rules.scope = KEEPALIVE_OFF;
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 100);
	cr_assert_eq(border->sent_count, 0);
	border->settings.keepalive.rules.scope = KEEPALIVE_NATTED;
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 0.1);
	cr_assert_eq(border->sent_count, 1);
}

Test(reconfigure, endpoints_in_a_network_that_is_now_exempt_go)
{
	register_phone(PHONE, "one");
	register_phone("203.0.114.1:5061", "two");
	border_exempt(&border->settings, "203.0.113.0/24");
	cr_assert_eq(reconfigure(), 0);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "endpoint-remove " PHONE " flushed\n");
}

Test(reconfigure, reasons_of_a_kind_that_counts_no_more_end)
{
	register_phone(PHONE, "one");
	border->settings.keepalive.registrations = false;
	cr_assert_eq(reconfigure(), 0);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(reconfigure, a_lower_limit_refuses_new_endpoints_and_keeps_the_old)
{
	register_phone(PHONE, "one");
	register_phone("203.0.113.2:5060", "two");
	border->settings.limits.endpoints = 1;
	cr_assert_eq(reconfigure(), 0);
	border_bind(border, "203.0.113.3:5060",
		(struct registration){.call_id = "three", .expires = "60"});
	border_expect(border, "refused 203.0.113.3:5060 endpoints\n");
	cr_assert_eq(engine_counters(border->engine).endpoints, 2);
}

Test(reconfigure, limits_beyond_the_tables_are_named)
{
	register_phone(PHONE, "one");
	border->settings.limits.endpoints++;
	cr_assert_eq(reconfigure(), FIXED_ENDPOINTS);
	border->settings.limits.transactions++;
	cr_assert_eq(reconfigure(), FIXED_ENDPOINTS | FIXED_TRANSACTIONS);
}

/* Of the phone's requests one is pending since before, with the longer time. */
Test(reconfigure, a_shorter_timer_counts_behind_requests_that_are_pending)
{
	border->settings.timers.transaction_us = 600000000;
	border_register(border, PHONE, (struct registration){.call_id = "pending"});
	border->settings.timers.transaction_us = 32000000;
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 1);
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", (struct exchange){.to_tag = "b"});
	border_forget(border);
	phone_asks(border, PHONE, "BYE", (struct exchange){.to_tag = "b", .cseq = 2});
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, "reason-end " PHONE " dialog call ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(reconfigure, a_shorter_timer_counts_for_requests_that_are_pending)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", (struct exchange){.to_tag = "b"});
	border_forget(border);
	border->settings.timers.transaction_us = 600000000;
	cr_assert_eq(reconfigure(), 0);
	phone_asks(border, PHONE, "BYE", (struct exchange){.to_tag = "b", .cseq = 2});
	border->settings.timers.transaction_us = 32000000;
	cr_assert_eq(reconfigure(), 0);
	border_wait(border, 32.1);
	border_expect(border, "reason-end " PHONE " dialog call ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(reconfigure, a_phone_that_went_behind_a_nat_meanwhile_is_kept)
{
	const struct registration open = {
		.via = PHONE, .contact = "<sip:alice@" PHONE ">", .expires = "3600"};

	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	border_bind(border, PHONE, open);
	border_bind(border, PHONE, (struct registration){.cseq = 2, .expires = "3600"});
	border_forget(border);
	border->settings.keepalive.rules.scope = KEEPALIVE_NATTED;
	cr_assert_eq(reconfigure(), 0);
	border_expect(border, "");
}

/* As it is called, not as it registers. */
Test(reconfigure, a_phone_whose_answer_shows_a_nat_is_kept)
{
	const struct registration open = {
		.via = PHONE, .contact = "<sip:alice@" PHONE ">", .expires = "3600"};

	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	border_bind(border, PHONE, open);
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", (struct exchange){.to_tag = "b"});
	border_forget(border);
	border->settings.keepalive.rules.scope = KEEPALIVE_NATTED;
	cr_assert_eq(reconfigure(), 0);
	border_expect(border, "");
}
