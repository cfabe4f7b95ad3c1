/* INVITE, UPDATE and BYE: a call that rings at several
 * phones. */
#include "dialogs.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(dialog_forks, .init = dialog_setup, .fini = own_border_close);

/* Forking. */

Test(dialog_forks, every_ringing_fork_is_kept_and_only_the_winner_stays)
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
	proxy_is_granted(border, SECOND, "BYE", tagged("a", "b3", 2));
	border_expect(border, END(SECOND, "ended"));
}

Test(dialog_forks, also_where_they_say_no_tag)
{
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-1", NULL));
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, PHONE, 180, "INVITE", forked("z9hG4bK-1", NULL));
	phone_answers(border, SECOND, 180, "INVITE", forked("z9hG4bK-2", NULL));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180") CALLEE(SECOND) ADD(SECOND, "180"));
	phone_answers(border, PHONE, 486, "INVITE", forked("z9hG4bK-1", "b"));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

Test(dialog_forks, forks_to_phones_not_registered_here_are_kept_when_they_ring)
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

Test(dialog_forks, two_forks_that_both_answer_stay_until_their_byes)
{
	proxy_asks(border, PHONE, "INVITE", forked("z9hG4bK-1", NULL));
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, PHONE, 200, "INVITE", forked("z9hG4bK-1", "b1"));
	phone_answers(border, SECOND, 200, "INVITE", forked("z9hG4bK-2", "b2"));
	border_expect(border,
		CALLEE(PHONE) ADD(PHONE, TWELVE_HOURS) CALLEE(SECOND) ADD(SECOND, TWELVE_HOURS));
	proxy_is_granted(border, SECOND, "BYE", tagged("a", "b2", 2));
	border_expect(border, END(SECOND, "ended") GONE(SECOND, "ended"));
	proxy_is_granted(border, PHONE, "BYE", tagged("a", "b1", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog_forks, two_forks_to_one_endpoint_stand_for_themselves)
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

Test(dialog_forks, a_caller_with_two_winners_has_two_dialogs_until_their_byes)
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

Test(dialog_forks, one_after_another_each_fork_is_kept_while_it_rings)
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

Test(dialog_forks, a_callee_behind_which_the_call_forks_again_is_one_leg_until_it_answers)
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

Test(dialog_forks, both_phones_of_a_call_through_one_proxy_have_a_leg)
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
	proxy_is_granted(border, SECOND, "BYE", second);
	border_expect(border, END(SECOND, "ended") GONE(SECOND, "ended"));
	proxy_answers(border, PHONE, 200, "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

static void phone_calls_one_who_rings(void)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
}

/* The BYE is for the fork that rang first. */
Test(dialog_forks, a_bye_that_comes_again_leaves_the_other_fork_its_leg)
{
	phone_calls_one_who_rings();
	phone_hangs_up(tagged("a", "b", 2));
	border_forget(border);
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "fork", 1));
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_expect(border, CALLER ADD(PHONE, "180"));
	proxy_answers(border, PHONE, 487, "INVITE", tagged("a", "fork", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

/* The BYE has overtaken the 2xx, and another fork's 180 comes in between. */
Test(dialog_forks, a_2xx_to_a_call_that_is_over_ends_what_rings)
{
	phone_calls_one_who_rings();
	proxy_is_granted(border, PHONE, "BYE", tagged("b", "a", 7));
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "fork", 1));
	border_forget(border);
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "fork", 1));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "fork", 1));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
}

/* Behind the phone the call forks again. */
Test(dialog_forks, an_update_of_any_that_rings_confirms_nothing)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
	phone_answers(border, PHONE, 183, "INVITE", tagged("a", "c", 1));
	proxy_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 2));
	phone_answers(border, PHONE, 486, "INVITE", tagged("a", "c", 1));
	border_expect(
		border, CALLEE(PHONE) ADD(PHONE, "180") END(PHONE, "failed") GONE(PHONE, "ended"));
}

/* The BYE goes by the leg of the fork that rang first. */
Test(dialog_forks, of_what_rang_nothing_stays_beside_the_call)
{
	phone_calls_one_who_rings();
	proxy_asks(border, PHONE, "BYE", tagged("c", "a", 7));
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "d", 1));
	border_forget(border);
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "c", 1));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS) END(PHONE, "ended"));
	phone_answers(border, PHONE, 200, "BYE", tagged("c", "a", 7));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}
