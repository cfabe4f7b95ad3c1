/* When keepalives are sent, to whom, and what is made of their answers. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/sip.h>

#include <criterion/criterion.h>
#include <osip2/osip.h>
#include <osipparser2/osip_parser.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"

TestSuite(liveness, .init = own_border_open, .fini = own_border_close);

static void register_phone(const char *client, const char *call_id, const char *aor)
{
	struct registration registration = {.call_id = call_id, .aor = aor, .expires = "3600"};

	border_bind(border, client, registration);
}

static void answer_keepalive(const char *client, const char *status_line)
{
	phone_answers_keepalive(border, client, &border->sent[border->sent_count - 1], status_line);
}

static double sent_at(unsigned i)
{
	return (double)border->sent[i].time_us / 1e6 - 1000;
}

Test(liveness, one_keepalive_an_interval_however_many_reasons)
{
	register_phone(PHONE, "one", "sip:alice@example.com");
	register_phone(PHONE, "two", "sip:bob@example.com");
	register_phone(PHONE, "three", "sip:carol@example.com");
	border_wait(border, 100.5);
	cr_assert_eq(border->sent_count, 4);
	for (unsigned i = 0; i < 4; i++)
		cr_assert_float_eq(sent_at(i), 25.0 * (i + 1), 0.011);
}

Test(liveness, a_keepalive_has_the_proxys_address_as_its_source)
{
	register_phone(PHONE, "one", NULL);
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 1);
	cr_assert(address_equal(&border->sent[0].flow.source, &border->proxy));
	struct address client = at(PHONE);
	cr_assert(address_equal(&border->sent[0].flow.destination, &client));
}

Test(liveness, no_keepalive_after_the_last_reason_ended)
{
	struct registration unregister = {
		.call_id = "one", .cseq = 2, .expires = "0", .contact = "*"};

	register_phone(PHONE, "one", NULL);
	border_wait(border, 26);
	border_register(border, PHONE, unregister);
	unregister.contact = "";
	border_answer(border, PHONE, 200, unregister);
	border_wait(border, 200);
	cr_assert_eq(border->sent_count, 1);
}

Test(liveness, a_phone_that_talks_within_the_interval_gets_none)
{
	register_phone(PHONE, "one", NULL);
	for (unsigned i = 0; i < 20; i++) {
		border_wait(border, 24.9);
		proxy_is_granted(border, PHONE, "OPTIONS", (struct exchange){.cseq = i + 1});
	}
	cr_assert_eq(border->sent_count, 0);
	border_wait(border, 24.9);
	cr_assert_eq(border->sent_count, 0);
	border_wait(border, 0.2);
	cr_assert_eq(border->sent_count, 1);
}

Test(liveness, what_the_proxy_sends_does_not_count_as_the_phones_traffic)
{
	register_phone(PHONE, "one", NULL);
	for (unsigned i = 0; i < 10; i++) {
		border_wait(border, 10);
		border_out(border, PHONE, "\r\n\r\n");
	}
	cr_assert_eq(border->sent_count, 4);
}

Test(liveness, scope_off_sends_none_and_still_follows)
{
	border->settings.keepalive.rules.scope = KEEPALIVE_OFF;
	border_bind(border, PHONE, (struct registration){.expires = "600"});
	border_wait(border, 599);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 600\n");
	border_wait(border, 2);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
	cr_assert_eq(border->sent_count, 0);
}

Test(liveness, an_answer_is_recognised_and_ends_here)
{
	border->logs_keepalives = true;
	register_phone(PHONE, "one", NULL);
	border_wait(border, 25.01);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n"
			      "keepalive " PHONE " NOTIFY\n");
	border_wait(border, 0.08);
	answer_keepalive(PHONE, "SIP/2.0 489 Bad Event");
	border_expect(border, "reply " PHONE " 489 90 ms\n");
	cr_assert_eq(border->outcome.verdict, VERDICT_CONSUME);
	answer_keepalive(PHONE, "SIP/2.0 489 Bad Event");
	border_expect(border, "");
	cr_assert_eq(border->outcome.verdict, VERDICT_CONSUME);
}

Test(liveness, an_answer_moves_no_due_time)
{
	register_phone(PHONE, "one", NULL);
	for (unsigned i = 0; i < 8; i++) {
		border_wait(border, 20);
		if (border->sent_count)
			answer_keepalive(PHONE, "SIP/2.0 200 OK");
	}
	for (unsigned i = 0; i < border->sent_count; i++)
		cr_assert_float_eq(sent_at(i), 25.0 * (i + 1), 0.011);
}

Test(liveness, an_answer_from_another_address_is_none)
{
	border->logs_keepalives = true;
	register_phone(PHONE, "one", NULL);
	register_phone("203.0.113.2:5062", "two", NULL);
	border_wait(border, 24.99);
	border->log_length = 0;
	border->log[0] = 0;
	border_wait(border, 0.03);
	border_expect(border, "keepalive " PHONE " NOTIFY\n");
	answer_keepalive("203.0.113.2:5062", "SIP/2.0 200 OK");
	border_expect(border, "");
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
}

Test(liveness, misses_in_a_row_make_it_lost_when_the_last_answer_is_overdue)
{
	register_phone(PHONE, "one", NULL);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n");
	border_wait(border, 79.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, "lost " PHONE " 3\n");
	border_wait(border, 100);
	border_expect(border, "");
	cr_assert_eq(border->sent_count, 7);
}

Test(liveness, an_answer_in_between_starts_the_count_again)
{
	register_phone(PHONE, "one", NULL);
	border_wait(border, 50.1);
	border_wait(border, 1);
	answer_keepalive(PHONE, "SIP/2.0 200 OK");
	border_wait(border, 73);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n");
	border_wait(border, 7);
	border_expect(border, "lost " PHONE " 3\n");
}

Test(liveness, max_lost_0_never_reports)
{
	border->settings.keepalive.rules.max_lost = 0;
	register_phone(PHONE, "one", NULL);
	border_wait(border, 3000);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n");
}

Test(liveness, drop_lost_stops_keeping_it_alive)
{
	border->settings.keepalive.rules.drop_lost = true;
	register_phone(PHONE, "one", NULL);
	border_wait(border, 300);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n"
			      "lost " PHONE " 3\n"
			      "reason-end " PHONE " registration sip:alice@example.com failed\n"
			      "endpoint-remove " PHONE " lost\n");
	cr_assert_eq(border->sent_count, 3);
}

Test(liveness, what_nobody_answers_is_never_missed)
{
	border->settings.keepalive.rules.method = KEEPALIVE_CRLF;
	register_phone(PHONE, "one", NULL);
	border_wait(border, 300);
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n");
	cr_assert_eq(border->sent_count, 12);
	cr_assert_eq(border->sent[0].length, 4);
	cr_assert_eq(memcmp(border->sent[0].bytes, "\r\n\r\n", 4), 0);
}

Test(liveness, zero_is_four_zero_bytes)
{
	border->settings.keepalive.rules.method = KEEPALIVE_ZERO;
	register_phone(PHONE, "one", NULL);
	border_wait(border, 26);
	cr_assert_eq(border->sent[0].length, 4);
	cr_assert_eq(memcmp(border->sent[0].bytes, "\0\0\0\0", 4), 0);
}

/* Valid SIP in the eyes of another implementation, with all that RFC 3261 8.1.1 asks for. */
static void check_request(const char *method, const char *client_uri)
{
	const struct border_sent *sent = &border->sent[border->sent_count - 1];
	char bytes[4096];
	osip_message_t *message;
	osip_via_t *via;
	osip_generic_param_t *branch;
	char *uri;

	memcpy(bytes, sent->bytes, sent->length);
	bytes[sent->length] = 0;
	cr_assert_eq(osip_message_init(&message), 0);
	cr_assert_eq(osip_message_parse(message, bytes, sent->length), 0, "%s", bytes);
	cr_assert_str_eq(message->sip_method, method);
	osip_uri_to_str(message->req_uri, &uri);
	cr_assert_str_eq(uri, client_uri);
	osip_free(uri);
	osip_uri_to_str(message->to->url, &uri);
	cr_assert_str_eq(uri, client_uri);
	osip_free(uri);
	cr_assert_eq(osip_message_get_via(message, 0, &via), 0);
	cr_assert_eq(osip_via_param_get_byname(via, (char *)"branch", &branch), 0);
	cr_assert_eq(strncmp(branch->gvalue, "z9hG4bK", 7), 0);
	cr_assert_str_eq(message->cseq->method, method);
	cr_assert_not_null(message->call_id);
	cr_assert_not_null(message->content_length);
	cr_assert_not_null(strstr(bytes, "\r\nMax-Forwards: 70\r\n"));
	osip_message_free(message);
}

Test(liveness, a_notify_is_valid_sip)
{
	parser_init();
	register_phone(PHONE, "one", NULL);
	border_wait(border, 26);
	check_request("NOTIFY", "sip:alice@" PHONE);
}

Test(liveness, options_over_ipv6_has_brackets)
{
	parser_init();
	border->settings.keepalive.rules.method = KEEPALIVE_OPTIONS;
	border->proxy = at("[2001:db8::1]:5070");
	register_phone("[2001:db8:1::5]:1234", "one", NULL);
	border_wait(border, 26);
	check_request("OPTIONS", "sip:alice@[2001:db8:1::5]:1234");
	cr_assert_not_null(
		strstr(border->sent[0].bytes, "From: <sip:keepalive@[2001:db8::1]:5070>;tag="));
}

Test(liveness, extra_headers_go_in_whole)
{
	strcpy(border->settings.keepalive.extra_headers, "User-Agent: edge\r\nX-Keep: 1\r\n");
	parser_init();
	register_phone(PHONE, "one", NULL);
	border_wait(border, 26);
	check_request("NOTIFY", "sip:alice@" PHONE);
	cr_assert_not_null(strstr(border->sent[0].bytes, "\r\nUser-Agent: edge\r\nX-Keep: 1\r\n"));
}

Test(liveness, no_two_keepalives_share_branch_call_id_or_tag)
{
	static const char *const fields[] = {"branch=", "Call-ID: ", ";tag="};

	register_phone(PHONE, "one", NULL);
	register_phone("203.0.113.1:5062", "two", NULL);
	border_wait(border, 101);
	cr_assert_eq(border->sent_count, 8);
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned j = 0; j < i; j++) {
			for (unsigned field = 0; field < 3; field++) {
				const char *a = strstr(border->sent[i].bytes, fields[field]);
				const char *b = strstr(border->sent[j].bytes, fields[field]);

				cr_assert(a && b);
				cr_assert_neq(strncmp(a, b, strcspn(a, "\r")), 0);
			}
		}
	}
}

/* The busiest 10 ms against the mean over one interval, of 20 000 phones that all register within
 * two seconds, as they do after a power cut. */
Test(liveness, a_burst_of_registrations_is_spread_over_the_interval)
{
	enum { PHONES = 20000, SLOTS = 2500 };
	unsigned busiest = 0, total = 0;

	border->settings.limits.endpoints = PHONES;
	border->settings.limits.endpoints_per_address = PHONES;
	border->settings.keepalive.rules.max_lost = 0;
	for (unsigned i = 0; i < PHONES; i++) {
		char client[64], call_id[64], aor[64];

		snprintf(client, sizeof(client), "203.0.%u.%u:5060", i / 250, i % 250 + 1);
		snprintf(call_id, sizeof(call_id), "call-%u", i);
		snprintf(aor, sizeof(aor), "sip:%u@example.com", i);
		register_phone(client, call_id, aor);
		border->now_us += 100;
		border->log_length = 0;
	}
	border_wait(border, 50);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		border->sent_count = 0;
		border->now_us += 10000;
		engine_advance(border->engine, border->now_us);
		total += border->sent_count;
		if (border->sent_count > busiest)
			busiest = border->sent_count;
	}
	cr_assert_eq(total, PHONES);
	cr_assert_leq(busiest * SLOTS, PHONES * 3 / 2, "busiest %u, mean %f", busiest,
		(double)total / SLOTS);
}

/* Ticks are 32 bits, on the wheel 31: they wrap after 497 and 248 days. */
Test(liveness, ticks_that_wrap_change_nothing)
{
	static const uint64_t wraps[] = {1ull << 31, 1ull << 32, 3ull << 31};

	border->settings.keepalive.rules.max_lost = 0;
	for (unsigned i = 0; i < 3; i++) {
		border->now_us = wraps[i] * 10000 - 1800 * 1000000ull;
		border->sent_count = 0;
		register_phone(PHONE, "one", NULL);
		border_expect(border,
			"endpoint-add " PHONE " via-source,contact-private\n"
			"reason-add " PHONE " registration sip:alice@example.com 3600\n");
		border_wait(border, 3599.9);
		border_expect(border, "");
		cr_assert_eq(border->sent_count, 143);
		border_wait(border, 0.2);
		border_expect(border,
			"reason-end " PHONE " registration sip:alice@example.com expired\n"
			"endpoint-remove " PHONE " expired\n");
		cr_assert_eq(engine_next(border->engine), UINT64_MAX);
	}
}

Test(liveness, round_trips_are_counted_by_how_long_they_took)
{
	struct engine_counters counters;

	register_phone(PHONE, "one", NULL);
	border_wait(border, 25.01);
	border_wait(border, 0.03);
	answer_keepalive(PHONE, "SIP/2.0 200 OK");
	border_wait(border, 25);
	border_wait(border, 4);
	answer_keepalive(PHONE, "SIP/2.0 200 OK");
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.replies, 2);
	cr_expect_eq(counters.rtts[3], 1, "up to 50 ms");
	cr_expect_eq(counters.rtts[9], 1, "up to 5 s");
	cr_expect_gt(counters.rtt_us, 4020000);
	cr_expect_lt(counters.rtt_us, 4100000);
}

/* After a pause of natbox's own: its process was stopped, the machine suspended. */

Test(liveness, what_was_not_sent_in_a_pause_is_not_made_up_for)
{
	border->settings.keepalive.rules.interval_us = 1000000;
	border->settings.keepalive.reply_timeout_us = 1000000;
	register_phone(PHONE, "one", NULL);
	border_wait(border, 1.5);
	answer_keepalive(PHONE, "SIP/2.0 200 OK");
	border_forget(border);
	border_pause(border, 20);
	cr_expect_eq(border->sent_count, 1);
	border_wait(border, 0.1);
	cr_expect_eq(border->sent_count, 2, "%u sent", border->sent_count);
	answer_keepalive(PHONE, "SIP/2.0 200 OK");
	border_wait(border, 1);
	cr_expect_eq(border->sent_count, 3, "%u sent", border->sent_count);
	border_expect(border, "");
}

/* However often natbox pauses, and however long: 30 s is more than the wheel of 25 s goes round. */
Test(liveness, a_keepalive_whose_answer_may_have_come_in_a_pause_is_not_missed)
{
	border->settings.keepalive.rules.max_lost = 1;
	register_phone(PHONE, "one", NULL);
	border_forget(border);
	for (unsigned i = 0; i < 5; i++) {
		border_wait(border, 25 - 0.2);
		border_pause(border, 0.1); /* before the keepalive, which is no reason */
		border_wait(border, 0.2);
		border_pause(border, i % 2 ? 1 : 30);
		border_wait(border, i % 2 ? 24 : 0.1);
		cr_expect_eq(border->sent_count, 2 * i + 2);
		answer_keepalive(PHONE, "SIP/2.0 200 OK");
	}
	border_expect(border, "");
}

Test(liveness, overdue_keepalives_wait_until_answers_can_be_heard)
{
	border->settings.keepalive.rules.max_lost = 1;
	border->settings.keepalive.reply_timeout_us = 500000;
	border->deaf_us = 1000000;
	register_phone(PHONE, "one", NULL);
	border_forget(border);
	border_pause(border, 60);
	border_wait(border, 0.98);
	cr_expect_eq(border->sent_count, 0, "%u sent", border->sent_count);
	border_wait(border, 0.04);
	cr_expect_eq(border->sent_count, 1, "%u sent", border->sent_count);
	border_wait(border, 0.6);
	border_expect(border, "lost " PHONE " 1\n");
}

/* Its keepalive is due while nothing is heard yet. */
Test(liveness, what_is_sent_before_answers_can_be_heard_is_not_missed)
{
	border->settings.keepalive.rules.max_lost = 1;
	border->settings.keepalive.reply_timeout_us = 500000;
	border->deaf_us = 1000000;
	register_phone(PHONE, "one", NULL);
	border_forget(border);
	border_wait(border, 20);
	border_pause(border, 4.5);
	border_wait(border, 2);
	cr_expect_eq(border->sent_count, 1, "%u sent", border->sent_count);
	border_expect(border, "");
}

Test(liveness, a_phone_that_does_not_answer_after_a_pause_is_lost_as_any)
{
	register_phone(PHONE, "one", NULL);
	border_forget(border);
	border_pause(border, 60);
	border_wait(border, 50);
	border_expect(border, "");
	border_wait(border, 6);
	border_expect(border, "lost " PHONE " 3\n");
}

Test(liveness, a_keepalive_that_was_missed_before_a_pause_is_missed)
{
	border->settings.keepalive.rules.max_lost = 2;
	register_phone(PHONE, "one", NULL);
	border_wait(border, 25 + 6);
	border_pause(border, 2);
	border_forget(border);
	border_wait(border, 25 - 8 + 6);
	border_expect(border, "lost " PHONE " 2\n");
}

Test(liveness, what_is_overdue_after_a_pause_is_spread)
{
	enum { PHONES = 1000 };

	border_bind_many(border, PHONES);
	border_pause(border, 120);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 0.015);
	cr_expect_leq(border->sent_count, 500, "%u at once", border->sent_count);
	border_wait(border, 0.01);
	cr_expect_eq(border->sent_count, PHONES, "%u sent", border->sent_count);
	border_wait(border, 24.9);
	cr_expect_lt(border->sent_count, 2 * PHONES);
	border_wait(border, 1);
	cr_expect_eq(border->sent_count, 2 * PHONES, "%u sent", border->sent_count);
}

/* However often the wheel would have gone round. */
Test(liveness, after_a_pause_of_hours_a_phone_gets_one_keepalive)
{
	border_bind(border, PHONE, (struct registration){.expires = "604800"});
	border_pause(border, 12 * 3600);
	border_wait(border, 1);
	cr_expect_eq(border->sent_count, 1, "%u sent", border->sent_count);
	border_wait(border, 23);
	cr_expect_eq(border->sent_count, 1, "%u sent", border->sent_count);
	border_wait(border, 2);
	cr_expect_eq(border->sent_count, 2, "%u sent", border->sent_count);
}

Test(liveness, what_ran_out_in_a_pause_has_run_out)
{
	border_bind(border, PHONE, (struct registration){.expires = "60"});
	border_forget(border);
	border_pause(border, 100);
	border_wait(border, 0.02);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
	cr_expect_eq(border->sent_count, 0);
}
