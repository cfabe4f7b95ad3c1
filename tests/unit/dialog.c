/* INVITE, UPDATE and BYE: what a call does to its
 * caller's and its callee's reasons. */
#include "dialogs.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(dialog, .init = dialog_setup, .fini = own_border_close);

/* The caller's leg. */

Test(dialog, a_caller_that_never_registers_is_kept_from_the_first_answer_of_another_hop_on)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	border_expect(border, "");
	proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
}

/* Proxies say 100 before they look who asks, and ask for credentials whoever it is. */
Test(dialog, neither_a_100_nor_a_challenge_makes_an_endpoint)
{
	for (unsigned i = 0; i < 2; i++) {
		phone_asks(border, PHONE, "INVITE", tagged("a", NULL, i + 1));
		proxy_answers(border, PHONE, 100, "INVITE", tagged("a", NULL, i + 1));
		proxy_answers(border, PHONE, i ? 401 : 407, "INVITE", tagged("a", "c", i + 1));
	}
	proxy_asks(border, SECOND, "INVITE", (struct exchange){0});
	phone_answers(border, SECOND, 100, "INVITE", (struct exchange){0});
	border_wait(border, 200);
	border_expect(border, "");
	cr_expect_eq(border->sent_count, 0);
}

Test(dialog, a_100_leaves_the_call_as_long_as_any_provisional_response)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 100, "INVITE", (struct exchange){0});
	border_wait(border, 179);
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
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
	proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
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
		proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", cseq));
		proxy_answers(border, PHONE, challenges[i], "INVITE", tagged("a", "c", cseq));
		border_wait(border, 20);
		phone_asks(border, PHONE, "INVITE", tagged("a", NULL, cseq + 1));
		proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", cseq + 1));
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
	proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
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

Test(dialog, so_does_a_challenge_of_its_own)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 407, "INVITE", tagged("a", "b", 1));
	border_expect(
		border, CALLEE(PHONE) ADD(PHONE, "180") END(PHONE, "failed") GONE(PHONE, "ended"));
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
