/* INVITE, UPDATE and BYE: what confirms a call and what
 * ends it: CANCEL, BYE, failures, session timers. */
#include "dialogs.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(dialog_end, .init = dialog_setup, .fini = own_border_close);

Test(dialog_end, reliable_provisional_responses_confirm_nothing)
{
	struct exchange reliable = tagged("a", "b", 1);

	reliable.lines = "Require: 100rel\r\nRSeq: 1\r\n";
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 183, "INVITE", reliable);
	proxy_is_granted(border, PHONE, "PRACK", tagged("a", "b", 2));
	phone_asks(border, SECOND, "INVITE", (struct exchange){.from_tag = "x"});
	proxy_answers(border, SECOND, 183, "INVITE", tagged("x", "y", 1));
	phone_is_granted(border, SECOND, "PRACK", tagged("x", "y", 2));
	border_expect(border,
		CALLEE(PHONE) ADD(PHONE, "180") "endpoint-add " SECOND
						" via-source,contact-private\n" ADD(SECOND, "180"));
	phone_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	proxy_answers(border, SECOND, 486, "INVITE", tagged("x", "y", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended") END(SECOND, "failed")
				      GONE(SECOND, "ended"));
}

Test(dialog_end, an_update_before_the_2xx_confirms_nothing)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
	phone_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 2));
	proxy_is_granted(border, PHONE, "UPDATE", tagged("b", "a", 7));
	border_expect(border, CALLER ADD(PHONE, "180"));
	proxy_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog_end, an_update_before_the_callees_2xx_confirms_nothing)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
	proxy_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 2));
	phone_is_granted(border, PHONE, "UPDATE", tagged("b", "a", 7));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
	phone_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog_end, a_bye_ends_the_callees_early_dialog)
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

Test(dialog_end, a_bye_ends_the_callers_early_dialog)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	phone_hangs_up(tagged("a", "b", 2));
	border_expect(border, CALLER ADD(PHONE, "180") END(PHONE, "ended") GONE(PHONE, "ended"));
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "fork", 1));
	border_expect(border, CALLER ADD(PHONE, "180"));
	proxy_answers(border, PHONE, 487, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog_end, a_bye_that_overtakes_the_2xx_to_the_caller_ends_what_rang)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	far_end_hangs_up(tagged("b", "a", 7));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, "180") END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog_end, a_bye_from_elsewhere_ends_no_early_dialog)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	phone_is_granted(border, SECOND, "BYE", tagged("a", "b", 2));
	border_expect(border, CALLER ADD(PHONE, "180"));
}

Test(dialog_end, an_update_that_overtakes_the_2xx_spoils_nothing)
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

Test(dialog_end, what_belongs_to_no_call_makes_none)
{
	phone_is_granted(border, PHONE, "UPDATE", tagged("a", NULL, 1));
	phone_is_granted(border, PHONE, "INFO", tagged("a", NULL, 2));
	proxy_is_granted(border, PHONE, "UPDATE", tagged("a", NULL, 3));
	border_expect(border, "");
}

Test(dialog_end, a_ringing_that_comes_after_the_failure_makes_no_leg)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	border_expect(
		border, CALLEE(PHONE) ADD(PHONE, "180") END(PHONE, "failed") GONE(PHONE, "ended"));
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

/* CANCEL. */

Test(dialog_end, a_cancelled_callee_is_kept_until_its_487)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	phone_answers(border, PHONE, 200, "CANCEL", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
	phone_answers(border, PHONE, 487, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog_end, a_cancelled_callee_that_falls_silent_is_kept_32_seconds)
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

Test(dialog_end, a_cancelling_caller_that_gets_no_487_is_kept_32_seconds)
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

Test(dialog_end, a_180_that_crosses_the_cancel_prolongs_nothing)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_wait(border, 32.1);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog_end, nor_does_the_first_there_is)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_asks(border, PHONE, "CANCEL", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog_end, a_200_that_wins_against_the_cancel_confirms)
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

Test(dialog_end, a_bye_nobody_answers_ends_it_after_32_seconds)
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

/* The answer to a request that was sent before it, too. */
Test(dialog_end, it_does_so_through_a_restart_whatever_is_granted_meanwhile)
{
	const struct exchange update = tagged("a", "b", 2);

	border->settings.keepalive.rules.max_lost = 0; /* nobody here answers keepalives */
	phone_calls();
	phone_asks(border, PHONE, "UPDATE", update);
	proxy_asks(border, PHONE, "BYE", tagged("b", "a", 2));
	proxy_answers(border, PHONE, 200, "UPDATE", update);
	border_restart(border);
	border_forget(border);
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog_end, a_bye_the_phone_does_not_answer_ends_it_after_32_seconds)
{
	phone_is_called();
	proxy_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog_end, a_bye_that_fails_ends_it_after_32_seconds)
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

Test(dialog_end, a_bye_answered_481_ends_it)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 481, "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog_end, a_challenged_bye_is_tried_again)
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

Test(dialog_end, a_challenged_bye_that_is_not_tried_again_ends_it_after_32_seconds)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 401, "BYE", tagged("a", "b", 2));
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog_end, a_phone_that_challenges_the_bye_stays_in_its_call)
{
	phone_is_called();
	proxy_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	phone_answers(border, PHONE, 401, "BYE", tagged("a", "b", 2));
	border_wait(border, 40);
	border_expect(border, "");
}

Test(dialog_end, a_481_to_a_request_within_ends_it)
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

Test(dialog_end, any_other_failure_of_a_request_within_changes_nothing)
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

Test(dialog_end, a_late_answer_does_not_bring_back_what_is_over)
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

Test(dialog_end, an_answer_repeated_for_half_a_minute_does_not_bring_back_what_is_over)
{
	phone_calls();
	for (unsigned i = 0; i < 9; i++) {
		phone_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 2));
		border_wait(border, 4);
	}
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
	far_end_hangs_up(tagged("b", "a", 1));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	phone_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 2));
	border_expect(border, "");
}

/* The callee hangs up before its 2xx has come through. */
Test(dialog_end, a_bye_that_overtakes_the_2xx_leaves_the_leg_32_seconds)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_asks(border, PHONE, "BYE", tagged("b", "a", 7));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 200, "BYE", tagged("b", "a", 7));
	border_expect(border, CALLER ADD(PHONE, "32"));
	border_wait(border, 32);
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog_end, so_does_that_of_a_phone_that_is_known)
{
	phone_registers(PHONE, "r");
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, ADD(PHONE, "32"));
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended"));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog_end, and_of_one_that_has_been_sent_the_other_sides_tag)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_asks(border, PHONE, "BYE", tagged("b", "a", 7));
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "32"));
}

Test(dialog_end, and_one_that_overtakes_the_answer_to_an_update)
{
	phone_registers(PHONE, "r");
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	phone_answers(border, PHONE, 200, "UPDATE", tagged("b", "a", 7));
	border_expect(border, ADD(PHONE, "32"));
}

Test(dialog_end, a_strangers_bye_says_nothing_of_what_begins)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
}

Test(dialog_end, a_bye_of_another_dialog_says_nothing_of_what_begins)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_asks(border, PHONE, "BYE", tagged("c", "a", 7));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
}

/* It has not heard yet that it was taken. */
Test(dialog_end, a_caller_that_knows_nothing_of_its_call_may_hear_of_it)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	phone_answers(border, PHONE, 481, "UPDATE", tagged("b", "a", 7));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
}

Test(dialog_end, it_shows_that_it_has_with_what_it_answers_next)
{
	phone_calls();
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	phone_answers(border, PHONE, 481, "UPDATE", tagged("b", "a", 7));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
	border_wait(border, 0.1);
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 8));
	phone_answers(border, PHONE, 200, "UPDATE", tagged("b", "a", 8));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, TWELVE_HOURS));
}

Test(dialog_end, but_not_after_it_has_hung_up)
{
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	phone_answers(border, PHONE, 481, "UPDATE", tagged("b", "a", 7));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
	proxy_answers(border, PHONE, 200, "BYE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog_end, nor_for_long_once_it_has_failed_and_hangs_up)
{
	phone_calls();
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	phone_answers(border, PHONE, 481, "UPDATE", tagged("b", "a", 7));
	border_wait(border, 0.1);
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 8));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
	phone_answers(border, PHONE, 200, "UPDATE", tagged("b", "a", 8));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "32"));
}

/* A request that nobody answers, which its sender repeats for 32 s, and the last one is late. */
static void is_repeated_late(double until_bye_s, double after_bye_s)
{
	phone_calls();
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	border_wait(border, until_bye_s);
	phone_hangs_up(tagged("a", "b", 3));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	border_wait(border, after_bye_s);
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "UPDATE", tagged("a", "b", 2));
	border_expect(border, "");
}

Test(dialog_end, a_request_unanswered_for_half_a_minute_does_not_bring_back_what_is_over)
{
	is_repeated_late(4, 30);
}

Test(dialog_end, nor_does_one_whose_dialog_ends_when_its_time_is_over)
{
	is_repeated_late(32.1, 0);
}

Test(dialog_end, a_request_64_seconds_after_it_takes_it_up_again)
{
	phone_calls();
	far_end_hangs_up(tagged("b", "a", 2));
	border_wait(border, 64.1);
	border_forget(border);
	phone_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 3));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
}

Test(dialog_end, a_request_unanswered_for_half_a_minute_counts_where_nothing_has_ended)
{
	phone_calls();
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	border_wait(border, 34);
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 200, "UPDATE", tagged("a", "b", 2));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
}

/* Session timers (RFC 4028). */

Test(dialog_end, a_session_timer_ends_what_nobody_refreshes)
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

Test(dialog_end, the_compact_session_expires_counts_too)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", timed(tagged("a", "b", 1), "x: 90\r\n"));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "90"));
}

Test(dialog_end, a_session_expires_that_says_nothing_counts_as_missing)
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

Test(dialog_end, either_side_refreshes_with_invite_or_update)
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

Test(dialog_end, a_re_invite_that_rings_long_refreshes)
{
	phone_calls();
	phone_asks(border, PHONE, "INVITE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 2));
	border_wait(border, 100);
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 2));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
}

Test(dialog_end, of_two_refreshes_the_one_that_is_answered_last_counts)
{
	phone_calls();
	phone_asks(border, PHONE, "INVITE", tagged("a", "b", 2));
	border_wait(border, 0.1);
	phone_is_granted(border, PHONE, "UPDATE", timed(tagged("a", "b", 3), "x: 90\r\n"));
	proxy_answers(border, PHONE, 200, "INVITE", timed(tagged("a", "b", 2), "x: 1800\r\n"));
	border_expect(border, AGAIN(PHONE, "90") AGAIN(PHONE, "1800"));
}

Test(dialog_end, a_refresh_without_session_expires_turns_the_timer_off)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE",
		timed(tagged("a", "b", 1), "Session-Expires: 1800\r\n"));
	phone_is_granted(border, PHONE, "INVITE", tagged("a", "b", 2));
	border_expect(border, CALLER ADD(PHONE, "1800") AGAIN(PHONE, TWELVE_HOURS));
}

Test(dialog_end, an_info_changes_no_time)
{
	phone_calls();
	phone_is_granted(border, PHONE, "INFO", tagged("a", "b", 2));
	border_expect(border, "");
}
