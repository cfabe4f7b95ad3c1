/* What proves that a phone is where its packets seem to come from, and
 * what does not. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/sip.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE  "203.0.113.1:5061"
#define SECOND "203.0.113.2:5061"
#define PROXY2 "198.51.100.2:5060"

#define CHALLENGE(nonce) "WWW-Authenticate: Digest realm=\"x\", nonce=\"" nonce "\"\r\n"
#define CREDENTIALS(nonce)                                                                         \
	"Authorization: Digest username=\"alice\", realm=\"x, \\\"y\\\"\", nonce=\"" nonce         \
	"\", uri=\"sip:x\", response=\"0\"\r\n"

TestSuite(proof, .init = own_border_open, .fini = own_border_close);

static void challenge(const char *client, const char *lines)
{
	border_register(border, client, (struct registration){.call_id = "asked"});
	border_answer(
		border, client, 401, (struct registration){.call_id = "asked", .extra = lines});
}

/* A REGISTER for an hour and its answer, with another branch each time. */
static void register_with(const char *client, const char *credentials, unsigned status)
{
	static unsigned cseq;
	struct registration registration = {
		.cseq = ++cseq, .expires = "3600", .credentials = credentials};

	border_register(border, client, registration);
	border_answer(border, client, status, registration);
}

static void begin(void)
{
	register_with(PHONE, NULL, 200);
	border_forget(border);
}

/* Says something every 20 s for as many minutes: how many keepalives there are meanwhile. */
static unsigned keepalives_while(void (*says)(unsigned number), unsigned minutes)
{
	border->sent_count = 0;
	for (unsigned i = 0; i < 3 * minutes; i++) {
		border_wait(border, 20);
		says(i + 1);
	}
	return border->sent_count;
}

/* They go on, and that nobody answers is seen. */
#define expect_nothing_proven(says)                                                                \
	do {                                                                                       \
		begin();                                                                           \
		cr_expect_eq(keepalives_while(says, 5), 12, "%u", border->sent_count);             \
		cr_expect_not_null(strstr(border->log, "lost " PHONE " 3\n"));                     \
	} while (0)

#define expect_proven(says)                                                                        \
	do {                                                                                       \
		begin();                                                                           \
		cr_expect_eq(keepalives_while(says, 5), 0, "%u", border->sent_count);              \
		cr_expect_null(strstr(border->log, "lost"));                                       \
	} while (0)

static void noise(unsigned number)
{
	static const char *const bytes[] = {"", "x", "\r\n\r\n", "INVITE sip:x SIP/2.0\r\n\r\n"};

	border_in(border, PHONE, "%s", bytes[number % 4]);
}

Test(proof, a_datagram_with_the_phones_address_is_no_sign_of_life)
{
	expect_nothing_proven(noise);
}

static void ask(unsigned number)
{
	static const char *const methods[] = {"OPTIONS", "MESSAGE", "INVITE", "PUBLISH"};
	const struct exchange exchange = {.call_id = "forged", .cseq = number, .no_contact = true};

	phone_asks(border, PHONE, methods[number % 4], exchange);
	proxy_answers(border, PHONE, number % 3 ? 200 : 403, methods[number % 4], exchange);
}

Test(proof, nor_is_a_request_that_anybody_could_write_however_it_is_answered)
{
	border->settings.keepalive.dialogs = false;
	expect_nothing_proven(ask);
}

static void register_plainly(unsigned number)
{
	(void)number;
	register_with(PHONE, NULL, 200);
}

Test(proof, nor_is_a_registration_that_a_registrar_takes_from_anybody)
{
	expect_nothing_proven(register_plainly);
}

static void register_with_guess(unsigned number)
{
	(void)number;
	register_with(PHONE, CREDENTIALS("given"), 200);
}

Test(proof, nor_is_a_nonce_that_was_given_to_somebody_else)
{
	challenge(SECOND, CHALLENGE("given"));
	challenge("203.0.113.1:5062", CHALLENGE("given"));
	challenge(PHONE, CHALLENGE("another"));
	expect_nothing_proven(register_with_guess);
}

static void fail_to_register(unsigned number)
{
	(void)number;
	register_with(PHONE, CREDENTIALS("given"), number % 2 ? 401 : 403);
}

Test(proof, nor_is_a_request_that_is_refused)
{
	challenge(PHONE, CHALLENGE("given"));
	expect_nothing_proven(fail_to_register);
}

static void ring_without_end(unsigned number)
{
	const struct exchange exchange = {.cseq = number, .lines = CREDENTIALS("given")};

	phone_asks(border, PHONE, "INVITE", exchange);
	proxy_answers(border, PHONE, 180, "INVITE", exchange);
}

Test(proof, nor_is_one_that_is_not_granted_yet)
{
	border->settings.keepalive.dialogs = false;
	challenge(PHONE, CHALLENGE("given"));
	expect_nothing_proven(ring_without_end);
}

Test(proof, a_nonce_that_was_given_to_the_phone_is_a_sign_of_life)
{
	challenge(PHONE, CHALLENGE("given"));
	expect_proven(register_with_guess);
}

Test(proof, whatever_proxy_has_given_it)
{
	begin();
	border_take_proxy(border, PROXY2);
	challenge(PHONE, CHALLENGE("given"));
	border_take_proxy(border, "198.51.100.1:5060");
	expect_proven(register_with_guess);
}

Test(proof, so_is_any_of_several)
{
	challenge(PHONE, CHALLENGE("first") "Proxy-Authenticate: Digest realm=x,nonce=given\r\n");
	expect_proven(register_with_guess);
}

static void publish(unsigned number)
{
	const struct exchange exchange = {.cseq = number, .lines = CREDENTIALS("given")};

	phone_is_granted(border, PHONE, "PUBLISH", exchange);
}

Test(proof, of_whatever_request)
{
	challenge(PHONE, CHALLENGE("given"));
	expect_proven(publish);
}

static void update(unsigned number)
{
	const struct exchange exchange = {.from_tag = "b", .to_tag = "a", .cseq = number};

	phone_is_granted(border, PHONE, "UPDATE", exchange);
}

Test(proof, so_is_a_tag_that_was_sent_to_it)
{
	begin();
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", (struct exchange){.to_tag = "b"});
	expect_proven(update);
}

/* Whatever may be the first within a dialog that a phone sees. */
Test(proof, with_whatever_begins_what_that_is_a_part_of)
{
	static const char *const methods[] = {
		"INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE", "INFO"};
	struct exchange exchange = {.from_tag = "b", .to_tag = "a"};
	char call_id[8];

	begin();
	for (unsigned i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		snprintf(call_id, sizeof(call_id), "%u", i);
		proxy_asks(border, PHONE, methods[i], (struct exchange){.call_id = call_id});
		border_wait(border, 20);
		exchange.call_id = call_id;
		phone_is_granted(border, PHONE, "MESSAGE", exchange);
		border_wait(border, 24.9);
		cr_expect_eq(border->sent_count, 0, "%s", methods[i]);
		border_wait(border, 0.2);
		cr_expect_eq(border->sent_count, 1, "%s", methods[i]);
		border->sent_count = 0;
	}
}

static void update_of_another_call(unsigned number)
{
	const struct exchange exchange = {
		.call_id = "other", .from_tag = "b", .to_tag = "a", .cseq = number};

	phone_is_granted(border, PHONE, "INFO", exchange);
}

Test(proof, but_not_in_another_call)
{
	border->settings.keepalive.dialogs = false;
	begin();
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	expect_nothing_proven(update_of_another_call);
}

static void answer_options(unsigned number)
{
	const struct exchange exchange = {.call_id = "options", .cseq = number};

	proxy_asks(border, PHONE, "OPTIONS", exchange);
	phone_answers(border, PHONE, 486, "OPTIONS", exchange);
}

Test(proof, a_response_to_what_was_sent_to_it_is_a_sign_of_life)
{
	expect_proven(answer_options);
}

static void answer_another(unsigned number)
{
	const struct exchange asked = {.call_id = "options", .cseq = number},
			      forged = {.call_id = "options",
				      .cseq = number,
				      .branch = "z9hG4bK-forged"};

	proxy_asks(border, PHONE, "OPTIONS", asked);
	phone_answers(border, PHONE, 200, "OPTIONS", forged);
	proxy_asks(border, SECOND, "OPTIONS", forged);
	phone_answers(border, PHONE, 200, "OPTIONS", forged);
	phone_answers(border, PHONE, 200, "INFO", asked);
}

Test(proof, a_response_to_anything_else_is_none)
{
	border->settings.keepalive.dialogs = false;
	expect_nothing_proven(answer_another);
}

static void answer_again(unsigned number)
{
	const struct exchange exchange = {.call_id = "options", .cseq = 1};

	if (number == 1)
		proxy_is_granted(border, PHONE, "OPTIONS", exchange);
}

Test(proof, each_response_counts_once)
{
	begin();
	cr_expect_eq(keepalives_while(answer_again, 5), 11);
}

/* 32 s after the request a response to it would be too late anyway. */
Test(proof, however_often_it_comes)
{
	const struct exchange exchange = {.call_id = "options"};

	begin();
	border_wait(border, 10);
	proxy_is_granted(border, PHONE, "OPTIONS", exchange);
	border_wait(border, 20);
	phone_answers(border, PHONE, 200, "OPTIONS", exchange);
	border_wait(border, 4.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 0.2);
	cr_expect_eq(border->sent_count, 1);
}

static void answer_the_one_before(unsigned number)
{
	const struct exchange before = {.call_id = "options", .cseq = number - 2},
			      now = {.call_id = "options", .cseq = number};

	proxy_asks(border, PHONE, "OPTIONS", now);
	if (number > 2)
		phone_answers(border, PHONE, 200, "OPTIONS", before);
}

Test(proof, nor_later_than_half_a_minute)
{
	expect_nothing_proven(answer_the_one_before);
}

Test(proof, it_makes_up_for_what_was_missed)
{
	begin();
	border_wait(border, 60);
	cr_assert_eq(border->sent_count, 2);
	proxy_is_granted(border, PHONE, "OPTIONS", (struct exchange){.call_id = "options"});
	border_wait(border, 79.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, "lost " PHONE " 3\n");
}

/* Some that ask whether a phone is there write the same request each time. */
static void ask_the_same(unsigned number)
{
	if (number % 2)
		proxy_is_granted(border, PHONE, "OPTIONS", (struct exchange){.call_id = "same"});
}

Test(proof, a_request_that_is_written_like_an_old_one_is_a_new_one)
{
	begin();
	cr_expect_eq(keepalives_while(ask_the_same, 5), 7, "%u", border->sent_count);
}

Test(proof, a_phone_may_ring_long_before_it_answers)
{
	begin();
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	border_wait(border, 100);
	phone_answers(border, PHONE, 180, "INVITE", (struct exchange){.to_tag = "b"});
	border_wait(border, 90);
	phone_answers(border, PHONE, 200, "INVITE", (struct exchange){.to_tag = "b"});
	border->sent_count = 0;
	border_wait(border, 24.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 0.2);
	cr_expect_eq(border->sent_count, 1);
}

Test(proof, a_phone_that_rings_counts_when_it_rings_and_when_it_answers)
{
	begin();
	border_wait(border, 20);
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", (struct exchange){.to_tag = "b"});
	border_wait(border, 20);
	phone_answers(border, PHONE, 200, "INVITE", (struct exchange){.to_tag = "b"});
	border_wait(border, 24.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 0.2);
	cr_expect_eq(border->sent_count, 1);
}

/* The phone's router saw the request; the answer goes the other way. */
Test(proof, its_binding_is_as_old_as_its_request)
{
	struct registration registration = {
		.cseq = 77, .expires = "3600", .credentials = CREDENTIALS("given")};

	challenge(PHONE, CHALLENGE("given"));
	begin();
	border_wait(border, 20);
	border_register(border, PHONE, registration);
	border_wait(border, 3);
	border_answer(border, PHONE, 200, registration);
	border_wait(border, 21.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 0.2);
	cr_expect_eq(border->sent_count, 1);
}

/* Answers to keepalives. */

static void answer(unsigned number)
{
	const struct border_sent *sent = &border->sent[number];
	struct sip_message message;
	enum sip_defect defect;

	cr_assert_eq(sip_scan(sent->bytes, sent->length, &message, &defect), 0);
	border_in(border, PHONE,
		"SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s;tag=ua\r\n"
		"Call-ID: %.*s\r\nCSeq: %.*s\r\nContent-Length: 0\r\n\r\n",
		(int)message.values[0].text.length, message.values[0].text.at,
		(int)message.from.length, message.from.at, (int)message.to.length, message.to.at,
		(int)message.call_id.length, message.call_id.at, (int)message.cseq.length,
		message.cseq.at);
	cr_expect_eq(border->outcome.verdict, VERDICT_CONSUME);
}

Test(proof, an_answer_that_is_sent_again_keeps_nobody_alive)
{
	begin();
	border_wait(border, 25.1);
	answer(0);
	for (unsigned i = 0; i < 3; i++) {
		border_wait(border, 25);
		cr_expect_eq(border->sent_count, i + 2);
		answer(0);
	}
	border_wait(border, 6);
	border_expect(border, "lost " PHONE " 3\n");
	cr_expect_eq(engine_counters(border->engine).replies, 1);
}

Test(proof, an_answer_that_is_late_counts_for_nothing)
{
	begin();
	for (unsigned i = 0; i < 3; i++) {
		border_wait(border, i ? 20 : 25.02);
		border_wait(border, 5);
		answer(i);
	}
	border_expect(border, "lost " PHONE " 3\n");
	cr_expect_eq(engine_counters(border->engine).replies, 0);
}

Test(proof, an_answer_in_time_counts)
{
	begin();
	for (unsigned i = 0; i < 5; i++) {
		border_wait(border, i ? 20.1 : 25.02);
		border_wait(border, 4.9);
		answer(i);
	}
	border_expect(border, "");
	cr_expect_eq(engine_counters(border->engine).replies, 5);
}

/* Keepalives may be closer together than the time for an answer: where many are spread again, or
 * an interval is short. */
Test(proof, an_answer_to_the_one_before_is_none_to_the_last)
{
	border->settings.keepalive.rules.interval_us = 1000000;
	begin();
	border_wait(border, 1.1);
	answer(0);
	border_wait(border, 1);
	answer(0);
	border_wait(border, 1);
	answer(1);
	border_wait(border, 1);
	cr_expect_eq(engine_counters(border->engine).replies, 1);
}
