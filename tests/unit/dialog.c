/* DESIGN section 4, the rows for INVITE, UPDATE and BYE: what a call does to an endpoint's
 * reasons. */
#include "border.h"
#include "calls.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PHONE  "203.0.113.1:5061"
#define SECOND "203.0.113.2:5061"
#define PUBLIC "203.0.113.77:5060"

#define CALLER                 "endpoint-add " PHONE " via-source,contact-private\n"
#define CALLEE(client)         "endpoint-add " client " contact-private\n"
#define ADD(client, seconds)   "reason-add " client " dialog call " seconds "\n"
#define AGAIN(client, seconds) "reason-refresh " client " dialog call " seconds "\n"
#define END(client, why)       "reason-end " client " dialog call " why "\n"
#define GONE(client, why)      "endpoint-remove " client " " why "\n"
#define TWELVE_HOURS           "43200"

static struct border *border;

static void setup(void)
{
	border = border_new();
	border->settings.keepalive.max_lost = 0; /* nobody here answers keepalives */
}

static void teardown(void)
{
	border_free(border);
}

TestSuite(dialog, .init = setup, .fini = teardown);

static struct exchange tagged(const char *from_tag, const char *to_tag, unsigned cseq)
{
	return (struct exchange){.from_tag = from_tag, .to_tag = to_tag, .cseq = cseq};
}

static struct exchange forked(const char *branch, const char *to_tag)
{
	return (struct exchange){.branch = branch, .to_tag = to_tag};
}

static struct exchange timed(struct exchange exchange, const char *session_expires)
{
	exchange.lines = session_expires;
	return exchange;
}

/* The phone calls somebody, who rings and takes the call; it then has the tag a, the other b. */
static void phone_calls(void)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
}

/* The phone is called, rings and takes the call; it then has the tag b, the other a. */
static void phone_is_called(void)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
}

static void phone_hangs_up(struct exchange exchange)
{
	phone_asks(border, PHONE, "BYE", exchange);
	proxy_answers(border, PHONE, 200, "BYE", exchange);
}

static void far_end_hangs_up(struct exchange exchange)
{
	proxy_asks(border, PHONE, "BYE", exchange);
	phone_answers(border, PHONE, 200, "BYE", exchange);
}

/* A known endpoint, by a registration for an hour. */
static void phone_registers(const char *client, const char *call_id)
{
	struct registration registration = {.call_id = call_id, .expires = "3600"};

	border_register(border, client, registration);
	border_answer(border, client, 200, registration);
	border_forget(border);
}

/* The caller's leg. */

Test(dialog, a_caller_that_never_registers_is_kept_from_the_first_answer_on)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	border_expect(border, "");
	proxy_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	border_expect(border, CALLER ADD(PHONE, "180"));
}

Test(dialog, a_caller_nobody_answers_is_not_kept)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	border_wait(border, 300);
	border_expect(border, "");
	cr_assert_eq(border->sent_count, 0);
}

Test(dialog, a_2xx_keeps_the_caller_for_timers_dialog)
{
	border->settings.timers.dialog_us = 100 * 1000000ull;
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180") AGAIN(PHONE, "100"));
	border_wait(border, 99.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog, a_2xx_without_a_word_before_keeps_the_caller)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
}

Test(dialog, a_caller_is_kept_three_minutes_from_each_provisional_response)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_wait(border, 179);
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
	border_wait(border, 179.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

static const unsigned failures[] = {300, 301, 302, 305, 380, 400, 402, 403, 404, 408, 415, 420, 422,
	480, 481, 482, 483, 484, 486, 487, 488, 500, 503, 504, 600, 603, 604, 606};
enum { FAILURES = sizeof(failures) / sizeof(*failures) };

Test(dialog, any_final_failure_but_a_challenge_lets_the_caller_go)
{
	for (unsigned i = 0; i < FAILURES; i++) {
		struct exchange attempt = {.cseq = i + 1};

		phone_asks(border, PHONE, "INVITE", attempt);
		proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", i + 1));
		border_expect(border, CALLER ADD(PHONE, "180"));
		proxy_answers(border, PHONE, failures[i], "INVITE", tagged("a", "c", i + 1));
		border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
	}
}

Test(dialog, a_challenged_caller_is_kept_while_another_attempt_may_follow)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 407, "INVITE", tagged("a", "c", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog, the_second_attempt_after_a_challenge_is_the_same_leg)
{
	static const unsigned challenges[] = {401, 407};

	for (unsigned i = 0; i < 2; i++) {
		unsigned cseq = 10 * i + 1;

		phone_asks(border, PHONE, "INVITE", tagged("a", NULL, cseq));
		proxy_answers(border, PHONE, 100, "INVITE", tagged("a", NULL, cseq));
		proxy_answers(border, PHONE, challenges[i], "INVITE", tagged("a", "c", cseq));
		border_wait(border, 20);
		phone_asks(border, PHONE, "INVITE", tagged("a", NULL, cseq + 1));
		proxy_answers(border, PHONE, 100, "INVITE", tagged("a", NULL, cseq + 1));
		border_wait(border, 100);
		proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", cseq + 1));
		border_expect(border, CALLER ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
		phone_hangs_up(tagged("a", "b", cseq + 2));
		border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
		border_wait(border, 40);
	}
}

Test(dialog, a_challenge_alone_creates_nothing)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 407, "INVITE", tagged("a", "c", 1));
	border_expect(border, "");
}

Test(dialog, after_a_422_the_call_with_a_longer_interval_counts)
{
	phone_asks(border, PHONE, "INVITE", timed(tagged("a", NULL, 1), "Session-Expires: 60\r\n"));
	proxy_answers(border, PHONE, 100, "INVITE", tagged("a", NULL, 1));
	proxy_answers(border, PHONE, 422, "INVITE", timed(tagged("a", "c", 1), "Min-SE: 90\r\n"));
	border_expect(border, CALLER ADD(PHONE, "180") END(PHONE, "failed") GONE(PHONE, "ended"));
	phone_asks(border, PHONE, "INVITE", timed(tagged("a", NULL, 2), "Session-Expires: 90\r\n"));
	proxy_answers(border, PHONE, 200, "INVITE",
		timed(tagged("a", "b", 2), "Session-Expires: 90;refresher=uac\r\n"));
	border_expect(border, CALLER ADD(PHONE, "90"));
}

Test(dialog, the_phone_hangs_up)
{
	phone_calls();
	border_wait(border, 5000);
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, the_far_end_hangs_up_on_the_caller)
{
	phone_calls();
	proxy_asks(border, PHONE, "BYE", tagged("b", "a", 1));
	border_expect(border, "");
	phone_answers(border, PHONE, 200, "BYE", tagged("b", "a", 1));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_caller_not_behind_nat_is_left_alone)
{
	struct exchange call = {.phone = PUBLIC};

	phone_asks(border, PUBLIC, "INVITE", call);
	proxy_answers(border, PUBLIC, 100, "INVITE", call);
	call.to_tag = "b";
	proxy_answers(border, PUBLIC, 200, "INVITE", call);
	border_expect(border, "");
	cr_assert_eq(engine_counters(border->engine).transactions, 0);
}

Test(dialog, dialogs_that_do_not_count_create_nothing)
{
	border->settings.keepalive.dialogs = false;
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, SECOND, "INVITE", (struct exchange){0});
	phone_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

/* The callee's leg. */

Test(dialog, a_known_endpoint_that_is_called_is_kept_at_once)
{
	phone_registers(PHONE, "registration");
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	border_expect(border, ADD(PHONE, "32"));
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired"));
}

Test(dialog, a_callee_that_never_registers_is_kept_when_its_answer_shows_nat)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	border_expect(border, "");
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
}

Test(dialog, a_callee_not_behind_nat_is_left_alone)
{
	struct exchange call = {.phone = PUBLIC, .to_tag = "b"};

	proxy_asks(border, PUBLIC, "INVITE", (struct exchange){0});
	phone_answers(border, PUBLIC, 180, "INVITE", call);
	phone_answers(border, PUBLIC, 200, "INVITE", call);
	border_expect(border, "");
}

Test(dialog, a_callee_is_kept_three_minutes_from_each_provisional_response)
{
	phone_registers(PHONE, "registration");
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	border_wait(border, 170);
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, ADD(PHONE, "32"));
	border_wait(border, 179.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired"));
}

Test(dialog, any_final_failure_lets_the_callee_go)
{
	for (unsigned i = 0; i < FAILURES; i++) {
		proxy_asks(border, PHONE, "INVITE", (struct exchange){.cseq = i + 1});
		phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", i + 1));
		border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
		phone_answers(border, PHONE, failures[i], "INVITE", tagged("a", "b", i + 1));
		border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
	}
}

Test(dialog, a_callee_that_fails_without_a_tag_of_before_is_let_go)
{
	phone_registers(PHONE, "registration");
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	border_expect(border, ADD(PHONE, "32") END(PHONE, "failed"));
}

Test(dialog, the_callee_hangs_up)
{
	phone_is_called();
	phone_hangs_up(tagged("b", "a", 1));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, the_far_end_hangs_up_on_the_callee)
{
	phone_is_called();
	far_end_hangs_up(tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_callee_that_stops_registering_during_the_call_stays_reachable)
{
	phone_registers(PHONE, "registration");
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, ADD(PHONE, "32") AGAIN(PHONE, TWELVE_HOURS));
	border_wait(border, 3601);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n");
	border->sent_count = 0;
	border_wait(border, 3600);
	cr_assert_eq(border->sent_count, 3600 / 25);
	far_end_hangs_up(tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_caller_that_unregisters_during_the_call_stays_reachable)
{
	struct registration leave = {
		.call_id = "registration", .cseq = 2, .contact = "*", .expires = "0"};

	phone_registers(PHONE, "registration");
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_register(border, PHONE, leave);
	leave.contact = "";
	border_answer(border, PHONE, 200, leave);
	border_expect(border,
		ADD(PHONE, TWELVE_HOURS) "reason-end " PHONE
					 " registration sip:alice@example.com ended\n");
	phone_hangs_up(tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, reliable_provisional_responses_confirm_nothing)
{
	struct exchange reliable = tagged("a", "b", 1);

	reliable.lines = "Require: 100rel\r\nRSeq: 1\r\n";
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 183, "INVITE", reliable);
	proxy_asks(border, PHONE, "PRACK", tagged("a", "b", 2));
	phone_answers(border, PHONE, 200, "PRACK", tagged("a", "b", 2));
	phone_asks(border, SECOND, "INVITE", (struct exchange){.from_tag = "x"});
	proxy_answers(border, SECOND, 183, "INVITE", tagged("x", "y", 1));
	phone_asks(border, SECOND, "PRACK", tagged("x", "y", 2));
	proxy_answers(border, SECOND, 200, "PRACK", tagged("x", "y", 2));
	border_expect(border,
		CALLEE(PHONE) ADD(PHONE, "180") "endpoint-add " SECOND
						" via-source,contact-private\n" ADD(SECOND, "180"));
	phone_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	proxy_answers(border, SECOND, 486, "INVITE", tagged("x", "y", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended") END(SECOND, "failed")
				      GONE(SECOND, "ended"));
}

Test(dialog, an_update_before_the_2xx_confirms_nothing)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "UPDATE", tagged("a", "b", 2));
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	phone_answers(border, PHONE, 200, "UPDATE", tagged("b", "a", 7));
	border_expect(border, CALLER ADD(PHONE, "180"));
	proxy_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog, an_update_before_the_callees_2xx_confirms_nothing)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	phone_answers(border, PHONE, 200, "UPDATE", tagged("a", "b", 2));
	phone_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	proxy_answers(border, PHONE, 200, "UPDATE", tagged("b", "a", 7));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
	phone_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog, a_bye_ends_the_callees_early_dialog)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	far_end_hangs_up(tagged("a", "b", 2));
	border_expect(
		border, CALLEE(PHONE) ADD(PHONE, "180") END(PHONE, "ended") GONE(PHONE, "ended"));
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 487, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog, an_update_that_overtakes_the_2xx_spoils_nothing)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	phone_answers(border, PHONE, 481, "UPDATE", tagged("b", "a", 7));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
	phone_hangs_up(tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

/* CANCEL. */

Test(dialog, a_cancelled_callee_is_kept_until_its_487)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	phone_answers(border, PHONE, 200, "CANCEL", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
	phone_answers(border, PHONE, 487, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog, a_cancelled_callee_that_falls_silent_is_kept_32_seconds)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	border_wait(border, 20);
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	border_wait(border, 11.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog, a_cancelling_caller_that_gets_no_487_is_kept_32_seconds)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
	phone_asks(border, PHONE, "CANCEL", (struct exchange){0});
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog, a_200_that_wins_against_the_cancel_confirms)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 481, "CANCEL", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	border_wait(border, 40);
	border_expect(border, "");
	far_end_hangs_up(tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

/* BYE that does not go as it should. */

Test(dialog, a_bye_nobody_answers_ends_it_after_32_seconds)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_wait(border, 16);
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_wait(border, 15.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_bye_the_phone_does_not_answer_ends_it_after_32_seconds)
{
	phone_is_called();
	proxy_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_bye_that_fails_ends_it_after_32_seconds)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_wait(border, 10);
	proxy_answers(border, PHONE, 408, "BYE", tagged("a", "b", 2));
	border_wait(border, 21.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_bye_answered_481_ends_it)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 481, "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_challenged_bye_is_tried_again)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 407, "BYE", tagged("a", "b", 2));
	border_expect(border, "");
	phone_hangs_up(tagged("a", "b", 3));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	border_wait(border, 40);
	border_expect(border, "");
}

Test(dialog, a_challenged_bye_that_is_not_tried_again_ends_it_after_32_seconds)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 401, "BYE", tagged("a", "b", 2));
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_phone_that_challenges_the_bye_stays_in_its_call)
{
	phone_is_called();
	proxy_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	phone_answers(border, PHONE, 401, "BYE", tagged("a", "b", 2));
	border_wait(border, 40);
	border_expect(border, "");
}

Test(dialog, a_481_to_a_request_within_ends_it)
{
	static const char *const methods[] = {"INVITE", "UPDATE", "INFO"};

	for (unsigned i = 0; i < 3; i++) {
		phone_calls();
		phone_asks(border, PHONE, methods[i], tagged("a", "b", 2));
		proxy_answers(border, PHONE, 481, methods[i], tagged("a", "b", 2));
		border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
		border_wait(border, 40);
	}
}

Test(dialog, any_other_failure_of_a_request_within_changes_nothing)
{
	phone_calls();
	for (unsigned i = 0; i < FAILURES; i++) {
		if (failures[i] == 481)
			continue;
		phone_asks(border, PHONE, "INVITE", tagged("a", "b", i + 2));
		proxy_answers(border, PHONE, 100, "INVITE", tagged("a", NULL, i + 2));
		proxy_answers(border, PHONE, failures[i], "INVITE", tagged("a", "b", i + 2));
	}
	border_wait(border, 200);
	border_expect(border, "");
}

Test(dialog, a_late_answer_does_not_bring_back_what_is_over)
{
	phone_is_called();
	phone_asks(border, PHONE, "UPDATE", tagged("b", "a", 5));
	far_end_hangs_up(tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	proxy_answers(border, PHONE, 200, "UPDATE", tagged("b", "a", 5));
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog, an_answer_repeated_for_half_a_minute_does_not_bring_back_what_is_over)
{
	phone_calls();
	for (unsigned i = 0; i < 9; i++) {
		phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
		proxy_answers(border, PHONE, 200, "UPDATE", tagged("a", "b", 2));
		border_wait(border, 4);
	}
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
	far_end_hangs_up(tagged("b", "a", 1));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "UPDATE", tagged("a", "b", 2));
	border_expect(border, "");
}

/* Session timers (RFC 4028). */

Test(dialog, a_session_timer_ends_what_nobody_refreshes)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE",
		timed(tagged("a", "b", 1), "Session-Expires: 1800;refresher=uas\r\n"));
	border_expect(border, CALLER ADD(PHONE, "1800"));
	border_wait(border, 1799.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog, the_compact_session_expires_counts_too)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", timed(tagged("a", "b", 1), "x: 90\r\n"));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "90"));
}

Test(dialog, a_session_expires_that_says_nothing_counts_as_missing)
{
	static const char *const nonsense[] = {"Session-Expires: 0\r\n",
		"Session-Expires: soon\r\n", "Session-Expires:\r\n",
		"Session-Expires: 99999999999\r\n"};

	for (unsigned i = 0; i < 4; i++) {
		char call_id[16], line[128];

		snprintf(call_id, sizeof(call_id), "call-%u", i);
		snprintf(line, sizeof(line), "reason-add " PHONE " dialog %s 43200\n", call_id);
		phone_registers(PHONE, "registration");
		phone_asks(border, PHONE, "INVITE", (struct exchange){.call_id = call_id});
		proxy_answers(border, PHONE, 200, "INVITE",
			(struct exchange){.call_id = call_id, .to_tag = "b", .lines = nonsense[i]});
		border_expect(border, line);
	}
}

Test(dialog, either_side_refreshes_with_invite_or_update)
{
	static const char *const methods[] = {"INVITE", "UPDATE"};
	const char *timer = "Session-Expires: 1800;refresher=uac\r\n";

	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", timed(tagged("a", "b", 1), timer));
	border_expect(border, CALLER ADD(PHONE, "1800"));
	for (unsigned i = 0; i < 2; i++) {
		border_wait(border, 1000);
		phone_asks(border, PHONE, methods[i], tagged("a", "b", i + 2));
		proxy_answers(
			border, PHONE, 200, methods[i], timed(tagged("a", "b", i + 2), timer));
		border_expect(border, AGAIN(PHONE, "1800"));
		border_wait(border, 1000);
		proxy_asks(border, PHONE, methods[i], tagged("b", "a", i + 2));
		phone_answers(
			border, PHONE, 200, methods[i], timed(tagged("b", "a", i + 2), timer));
		border_expect(border, AGAIN(PHONE, "1800"));
	}
	border_wait(border, 1800.1);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog, a_refresh_without_session_expires_turns_the_timer_off)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE",
		timed(tagged("a", "b", 1), "Session-Expires: 1800\r\n"));
	phone_asks(border, PHONE, "INVITE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 2));
	border_expect(border, CALLER ADD(PHONE, "1800") AGAIN(PHONE, TWELVE_HOURS));
}

Test(dialog, an_info_changes_no_time)
{
	phone_calls();
	phone_asks(border, PHONE, "INFO", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "INFO", tagged("a", "b", 2));
	border_expect(border, "");
}

/* Forking. */

Test(dialog, every_ringing_fork_is_kept_and_only_the_winner_stays)
{
	phone_registers(PHONE, "one");
	phone_registers("203.0.113.1:5062", "two");
	phone_registers(SECOND, "three");
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-1", NULL));
	proxy_asks(border, "203.0.113.1:5062", "INVITE", forked("z9hG4bK-2", NULL));
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-3", NULL));
	border_expect(border, ADD(PHONE, "32") ADD("203.0.113.1:5062", "32") ADD(SECOND, "32"));
	phone_answers(border, PHONE, 180, "INVITE", forked("z9hG4bK-1", "b1"));
	phone_answers(border, "203.0.113.1:5062", 180, "INVITE", forked("z9hG4bK-2", "b2"));
	phone_answers(border, SECOND, 180, "INVITE", forked("z9hG4bK-3", "b3"));
	border_wait(border, 100);
	border_expect(border, "");
	phone_answers(border, SECOND, 200, "INVITE", forked("z9hG4bK-3", "b3"));
	border_expect(border, AGAIN(SECOND, TWELVE_HOURS));
	proxy_asks(border, PHONE, "CANCEL", forked("z9hG4bK-1", NULL));
	proxy_asks(border, "203.0.113.1:5062", "CANCEL", forked("z9hG4bK-2", NULL));
	phone_answers(border, PHONE, 487, "INVITE", forked("z9hG4bK-1", "b1"));
	border_expect(border, END(PHONE, "failed"));
	phone_answers(border, "203.0.113.1:5062", 487, "INVITE", forked("z9hG4bK-2", "b2"));
	border_expect(border, END("203.0.113.1:5062", "failed"));
	proxy_asks(border, SECOND, "BYE", tagged("a", "b3", 2));
	phone_answers(border, SECOND, 200, "BYE", tagged("a", "b3", 2));
	border_expect(border, END(SECOND, "ended"));
}

Test(dialog, forks_to_phones_not_registered_here_are_kept_when_they_ring)
{
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-1", NULL));
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, SECOND, 180, "INVITE", forked("z9hG4bK-2", "b2"));
	phone_answers(border, PHONE, 180, "INVITE", forked("z9hG4bK-1", "b1"));
	border_expect(border, CALLEE(SECOND) ADD(SECOND, "180") CALLEE(PHONE) ADD(PHONE, "180"));
	phone_answers(border, SECOND, 200, "INVITE", forked("z9hG4bK-2", "b2"));
	phone_answers(border, PHONE, 487, "INVITE", forked("z9hG4bK-1", "b1"));
	border_expect(
		border, AGAIN(SECOND, TWELVE_HOURS) END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog, two_forks_that_both_answer_stay_until_their_byes)
{
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-1", NULL));
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, PHONE, 200, "INVITE", forked("z9hG4bK-1", "b1"));
	phone_answers(border, SECOND, 200, "INVITE", forked("z9hG4bK-2", "b2"));
	border_expect(border,
		CALLEE(PHONE) ADD(PHONE, TWELVE_HOURS) CALLEE(SECOND) ADD(SECOND, TWELVE_HOURS));
	proxy_asks(border, SECOND, "BYE", tagged("a", "b2", 2));
	phone_answers(border, SECOND, 200, "BYE", tagged("a", "b2", 2));
	border_expect(border, END(SECOND, "ended") GONE(SECOND, "ended"));
	proxy_asks(border, PHONE, "BYE", tagged("a", "b1", 2));
	phone_answers(border, PHONE, 200, "BYE", tagged("a", "b1", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, two_forks_to_one_endpoint_stand_for_themselves)
{
	phone_registers(PHONE, "one");
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-1", NULL));
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-2", NULL));
	border_expect(border, ADD(PHONE, "32") ADD(PHONE, "32"));
	phone_answers(border, PHONE, 486, "INVITE", forked("z9hG4bK-1", "b1"));
	border_expect(border, END(PHONE, "failed"));
	phone_answers(border, PHONE, 200, "INVITE", forked("z9hG4bK-2", "b2"));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
}

Test(dialog, a_caller_with_two_winners_has_two_dialogs_until_their_byes)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b1", 1));
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b2", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b1", 1));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b2", 1));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS) ADD(PHONE, TWELVE_HOURS));
	phone_hangs_up(tagged("a", "b1", 2));
	border_expect(border, END(PHONE, "ended"));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b1", 1));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b2", 1));
	border_expect(border, "");
	phone_hangs_up(tagged("a", "b2", 3));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, one_after_another_each_fork_is_kept_while_it_rings)
{
	phone_registers(PHONE, "one");
	phone_registers(SECOND, "two");
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-1", NULL));
	phone_answers(border, PHONE, 180, "INVITE", forked("z9hG4bK-1", "b1"));
	border_wait(border, 20);
	proxy_asks(border, PHONE, "CANCEL", forked("z9hG4bK-1", NULL));
	phone_answers(border, PHONE, 487, "INVITE", forked("z9hG4bK-1", "b1"));
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, SECOND, 200, "INVITE", forked("z9hG4bK-2", "b2"));
	border_expect(border, ADD(PHONE, "32") END(PHONE, "failed") ADD(SECOND, "32")
				      AGAIN(SECOND, TWELVE_HOURS));
}

Test(dialog, a_callee_behind_which_the_call_forks_again_is_one_leg_until_it_answers)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b1", 1));
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b2", 1));
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b1", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b2", 1));
	border_expect(border, ADD(PHONE, TWELVE_HOURS));
	far_end_hangs_up(tagged("a", "b1", 2));
	far_end_hangs_up(tagged("a", "b2", 3));
	border_expect(border, END(PHONE, "ended") END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, both_phones_of_a_call_through_one_proxy_have_a_leg)
{
	struct exchange second = {.branch = "z9hG4bK-2"};

	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_asks(border, SECOND, "INVITE", second);
	second.to_tag = "b";
	phone_answers(border, SECOND, 200, "INVITE", second);
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(
		border, CALLEE(SECOND) ADD(SECOND, TWELVE_HOURS) CALLER ADD(PHONE, TWELVE_HOURS));
	second.cseq = 2;
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_asks(border, SECOND, "BYE", second);
	phone_answers(border, SECOND, 200, "BYE", second);
	border_expect(border, END(SECOND, "ended") GONE(SECOND, "ended"));
	proxy_answers(border, PHONE, 200, "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

/* Retransmissions. */

static void thrice(
	void (*pass)(struct border *, const char *, unsigned, const char *, struct exchange),
	unsigned status, const char *method, struct exchange exchange)
{
	for (unsigned i = 0; i < 3; i++)
		pass(border, PHONE, status, method, exchange);
}

Test(dialog, retransmissions_change_nothing)
{
	for (unsigned i = 0; i < 3; i++)
		phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	thrice(proxy_answers, 100, "INVITE", (struct exchange){0});
	thrice(proxy_answers, 180, "INVITE", tagged("a", "b", 1));
	thrice(proxy_answers, 200, "INVITE", tagged("a", "b", 1));
	thrice(proxy_answers, 180, "INVITE", tagged("a", "b", 1));
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	border_expect(border, CALLER ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 2));
	thrice(phone_answers, 200, "UPDATE", tagged("b", "a", 2));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
	proxy_asks(border, PHONE, "BYE", tagged("b", "a", 3));
	proxy_asks(border, PHONE, "BYE", tagged("b", "a", 3));
	thrice(phone_answers, 200, "BYE", tagged("b", "a", 3));
	proxy_asks(border, PHONE, "BYE", tagged("b", "a", 3));
	border_wait(border, 100);
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

/* Many proxies, and phones on the move. */

#define PROXY2 "198.51.100.2:5060"
#define THERE  PHONE " at " PROXY2

Test(dialog, one_phone_through_three_proxies_is_three_endpoints)
{
	struct exchange subscription = {
		.call_id = "buddies", .lines = "Event: presence\r\nExpires: 600\r\n"};

	border_register(border, PHONE, (struct registration){.expires = "3600"});
	border_answer(border, PHONE, 200, (struct registration){.expires = "3600"});
	border_take_proxy(border, PROXY2);
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_take_proxy(border, "198.51.100.3:5060");
	phone_asks(border, PHONE, "SUBSCRIBE", subscription);
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", subscription);
	border_expect(border,
		"endpoint-add " PHONE " via-source,contact-private\n"
		"reason-add " PHONE " registration sip:alice@example.com 3600\n"
		"endpoint-add " THERE " via-source,contact-private\n"
		"reason-add " THERE " dialog call 43200\n"
		"endpoint-add " PHONE " at 198.51.100.3:5060 via-source,contact-private\n"
		"reason-add " PHONE " at 198.51.100.3:5060 subscription buddies 600\n");
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned j = 0; j < i; j++)
			cr_assert(!address_equal(
				&border->sent[i].flow.source, &border->sent[j].flow.source));
	}
}

Test(dialog, a_call_that_takes_another_proxy_moves_there_with_its_next_request)
{
	static const char *const methods[] = {"INVITE", "UPDATE", "INFO"};

	for (unsigned i = 0; i < 3; i++) {
		border_take_proxy(border, "198.51.100.1:5060");
		phone_calls();
		border_take_proxy(border, PROXY2);
		phone_asks(border, PHONE, methods[i], tagged("a", "b", 2));
		proxy_answers(border, PHONE, 200, methods[i], tagged("a", "b", 2));
		border_expect(border,
			END(PHONE, "moved") GONE(PHONE,
				"ended") "endpoint-add " THERE
					 " via-source,contact-private\n" ADD(THERE, TWELVE_HOURS));
		phone_hangs_up(tagged("a", "b", 3));
		border_expect(border, END(THERE, "ended") GONE(THERE, "ended"));
		border_wait(border, 40);
	}
}

Test(dialog, an_info_through_another_proxy_takes_the_time_left_along)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE",
		timed(tagged("a", "b", 1), "Session-Expires: 1800\r\n"));
	border_wait(border, 800);
	border_take_proxy(border, PROXY2);
	phone_asks(border, PHONE, "INFO", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "INFO", tagged("a", "b", 2));
	border_expect(border, CALLER ADD(PHONE, "1800") END(PHONE, "moved") GONE(PHONE,
				      "ended") "endpoint-add " THERE
					       " via-source,contact-private\n" ADD(THERE, "1000"));
}

Test(dialog, a_call_never_seen_before_is_learned_from_its_next_request)
{
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "UPDATE",
		timed(tagged("a", "b", 2), "Session-Expires: 1800\r\n"));
	border_expect(border, CALLER ADD(PHONE, "1800"));
	far_end_hangs_up(tagged("b", "a", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	proxy_asks(border, SECOND, "INFO", tagged("x", "y", 2));
	phone_answers(border, SECOND, 200, "INFO", tagged("x", "y", 2));
	border_expect(border, CALLEE(SECOND) ADD(SECOND, TWELVE_HOURS));
}

Test(dialog, a_bye_teaches_nothing)
{
	phone_hangs_up(tagged("a", "b", 2));
	far_end_hangs_up(tagged("b", "a", 2));
	border_expect(border, "");
	cr_assert_eq(engine_counters(border->engine).transactions, 0);
}

Test(dialog, a_bye_through_another_proxy_ends_it_where_it_is)
{
	phone_calls();
	border_take_proxy(border, PROXY2);
	phone_asks(border, "203.0.113.1:7000", "BYE", tagged("a", "b", 2));
	proxy_answers(border, "203.0.113.1:7000", 200, "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_re_invite_from_a_new_address_moves_the_leg)
{
	phone_calls();
	phone_asks(border, SECOND, "INVITE", tagged("a", "b", 2));
	proxy_answers(border, SECOND, 100, "INVITE", tagged("a", NULL, 2));
	border_expect(border, "");
	proxy_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 2));
	border_expect(border,
		END(PHONE, "moved") GONE(PHONE, "ended") "endpoint-add " SECOND
							 " via-source,contact-private\n" ADD(
								 SECOND, TWELVE_HOURS));
}

Test(dialog, a_phone_that_moves_out_of_its_nat_during_the_call_is_let_go)
{
	struct exchange moved = tagged("a", "b", 2);

	phone_calls();
	moved.phone = PUBLIC;
	phone_asks(border, PUBLIC, "INVITE", moved);
	proxy_answers(border, PUBLIC, 200, "INVITE", moved);
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended"));
}

Test(dialog, the_second_attempt_may_take_another_proxy)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 407, "INVITE", tagged("a", "c", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
	border_take_proxy(border, PROXY2);
	phone_asks(border, PHONE, "INVITE", tagged("a", NULL, 2));
	proxy_answers(border, PHONE, 100, "INVITE", tagged("a", NULL, 2));
	border_expect(border, END(PHONE, "moved") GONE(PHONE,
				      "ended") "endpoint-add " THERE
					       " via-source,contact-private\n" ADD(THERE, "180"));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 2));
	border_expect(border, AGAIN(THERE, TWELVE_HOURS));
}

Test(dialog, what_proxies_say_to_each_other_is_ignored)
{
	struct exchange call = {0};

	border_take_proxy(border, PROXY2);
	phone_asks(border, "198.51.100.1:5060", "INVITE", call);
	proxy_answers(border, "198.51.100.1:5060", 200, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, "198.51.100.1:5060", "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, "198.51.100.1:5060", 200, "INVITE", forked("z9hG4bK-2", "c"));
	border_expect(border, "");
}

Test(dialog, a_request_that_came_through_another_proxy_is_ignored)
{
	struct exchange relayed = {
		.phone = "192.168.1.10:5060;branch=z9hG4bK-2, SIP/2.0/UDP 10.1.1.1"};

	border->settings.keepalive.scope = KEEPALIVE_ALL;
	phone_asks(border, PHONE, "INVITE", relayed);
	relayed.to_tag = "b";
	proxy_answers(border, PHONE, 200, "INVITE", relayed);
	border_expect(border, "");
	cr_assert_eq(engine_counters(border->engine).transactions, 0);
}

Test(dialog, an_answer_that_came_through_another_proxy_is_ignored)
{
	struct exchange answer = {.to_tag = "b",
		.lines = "Record-Route: <sip:198.51.100.40;lr>, <sip:198.51.100.1;lr>\r\n"};

	proxy_asks(border, "198.51.100.40:5060", "INVITE", (struct exchange){0});
	phone_answers(border, "198.51.100.40:5060", 180, "INVITE", answer);
	phone_answers(border, "198.51.100.40:5060", 200, "INVITE", answer);
	border_expect(border, "");
}

Test(dialog, a_record_route_of_this_proxy_alone_is_a_phones)
{
	struct exchange answer = {
		.to_tag = "b", .lines = "Record-Route: <sip:198.51.100.1;lr>\r\n"};

	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", answer);
	border_expect(border, CALLEE(PHONE) ADD(PHONE, TWELVE_HOURS));
}

Test(dialog, a_request_with_a_route_left_is_another_proxys)
{
	struct exchange routed = timed(tagged("a", "b", 2), "Route: <sip:198.51.100.40;lr>\r\n");

	proxy_asks(border, "198.51.100.40:5060", "INVITE", routed);
	phone_answers(border, "198.51.100.40:5060", 200, "INVITE", tagged("a", "b", 2));
	border_expect(border, "");
}

Test(dialog, a_call_that_passes_twice_stays_where_its_phone_is)
{
	struct exchange far = {.branch = "z9hG4bK-far"};

	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_asks(border, "198.51.100.40:5060", "INVITE", far);
	border_take_proxy(border, PROXY2);
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, SECOND, 180, "INVITE", forked("z9hG4bK-2", "b"));
	border_take_proxy(border, "198.51.100.1:5060");
	far.to_tag = "b";
	far.phone = "198.51.100.40:5060";
	phone_answers(border, "198.51.100.40:5060", 180, "INVITE", far);
	phone_answers(border, "198.51.100.40:5060", 200, "INVITE", far);
	border_expect(border, "endpoint-add " SECOND " at " PROXY2 " contact-private\n"
			      "reason-add " SECOND " at " PROXY2 " dialog call 180\n");
}

/* Forgeries. */

Test(dialog, a_forged_response_creates_nothing)
{
	static const struct exchange forgeries[] = {
		{.to_tag = "b", .branch = "z9hG4bK-forged"},
		{.to_tag = "b", .branch = "z9hG4bK-call-1", .call_id = "forged"},
		{.to_tag = "b", .branch = "z9hG4bK-call-1", .cseq = 2},
	};

	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_asks(border, SECOND, "INVITE", (struct exchange){0});
	for (unsigned i = 0; i < 3; i++) {
		proxy_answers(border, PHONE, 180, "INVITE", forgeries[i]);
		proxy_answers(border, PHONE, 200, "INVITE", forgeries[i]);
		phone_answers(border, SECOND, 180, "INVITE", forgeries[i]);
		phone_answers(border, SECOND, 200, "INVITE", forgeries[i]);
	}
	proxy_answers(border, PHONE, 200, "UPDATE", tagged("a", "b", 1));
	proxy_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 1));
	proxy_answers(border, "203.0.113.1:5062", 200, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	phone_answers(border, "203.0.113.2:5062", 200, "INVITE", tagged("a", "b", 1));
	border_take_proxy(border, PROXY2);
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	phone_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog, a_forged_response_ends_nothing)
{
	struct exchange bye = tagged("a", "b", 2), forgery = bye;

	phone_calls();
	proxy_answers(border, PHONE, 200, "BYE", bye);
	phone_asks(border, PHONE, "INVITE", bye);
	proxy_answers(border, PHONE, 481, "BYE", bye);
	bye.cseq = forgery.cseq = 3;
	phone_asks(border, PHONE, "UPDATE", bye);
	forgery.branch = "z9hG4bK-forged";
	proxy_answers(border, PHONE, 481, "UPDATE", forgery);
	forgery.branch = "z9hG4bK-call-3";
	forgery.call_id = "forged";
	proxy_answers(border, PHONE, 481, "UPDATE", forgery);
	forgery.call_id = NULL;
	forgery.cseq = 4;
	proxy_answers(border, PHONE, 481, "UPDATE", forgery);
	proxy_answers(border, SECOND, 481, "UPDATE", bye);
	phone_answers(border, PHONE, 481, "UPDATE", bye);
	border_take_proxy(border, PROXY2);
	proxy_answers(border, PHONE, 481, "UPDATE", bye);
	border_expect(border, "");
}

Test(dialog, nobody_else_can_end_it)
{
	struct exchange bye = tagged("a", "b", 2);

	phone_calls();
	phone_asks(border, SECOND, "BYE", bye);
	proxy_answers(border, SECOND, 200, "BYE", bye);
	bye.cseq = 3;
	phone_asks(border, SECOND, "BYE", bye);
	proxy_answers(border, SECOND, 481, "BYE", bye);
	bye.cseq = 4;
	phone_asks(border, SECOND, "UPDATE", bye);
	proxy_answers(border, SECOND, 481, "UPDATE", bye);
	bye.cseq = 5;
	phone_asks(border, SECOND, "BYE", bye);
	border_wait(border, 40);
	proxy_asks(border, SECOND, "BYE", tagged("b", "a", 7));
	phone_answers(border, SECOND, 481, "BYE", tagged("b", "a", 7));
	border_wait(border, 40);
	border_expect(border, "");
	phone_hangs_up(tagged("a", "b", 6));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog, a_stranger_who_uses_its_call_id_and_tags_moves_nothing)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
	phone_asks(border, SECOND, "INVITE", (struct exchange){0});
	proxy_answers(border, SECOND, 100, "INVITE", (struct exchange){0});
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
	proxy_asks(border, SECOND, "INVITE", tagged("b", NULL, 1));
	phone_answers(border, SECOND, 180, "INVITE", tagged("b", "a", 1));
	phone_answers(border, SECOND, 200, "INVITE", tagged("b", "a", 1));
	border_expect(border, "");
}

Test(dialog, a_bye_pushed_out_at_the_limit_of_transactions_ends_its_call)
{
	border->settings.limits.transactions = 1;
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_expect(border, "");
	phone_asks(border, SECOND, "INVITE", (struct exchange){.call_id = "other"});
	border_expect(border,
		"refused " PHONE " transactions\n" END(PHONE, "ended") GONE(PHONE, "ended"));
}
