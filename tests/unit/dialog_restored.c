/* Calls that ring when natbox is restarted: how long they are kept, and where. */
#include "dialogs.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>

TestSuite(dialog_restored, .init = dialog_setup, .fini = own_border_close);

static void calls_through_a_restart(void)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_restart(border);
	border_forget(border);
}

static void rings_through_a_restart(void)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_restart(border);
	border_forget(border);
}

Test(dialog_restored, a_phone_that_goes_on_ringing_is_kept_for_as_long)
{
	rings_through_a_restart();
	border_wait(border, 170);
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_wait(border, 179.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog_restored, a_caller_that_is_challenged_is_kept_while_another_attempt_may_follow)
{
	calls_through_a_restart();
	proxy_answers(border, PHONE, 407, "INVITE", tagged("a", "c", 1));
	border_wait(border, 31.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

Test(dialog_restored, it_is_answered_at_the_proxy_where_it_rang)
{
	border_take_proxy(border, PROXY2);
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_take_proxy(border, "198.51.100.1:5060");
	border_restart(border);
	border_forget(border);
	border_take_proxy(border, PROXY2);
	phone_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, AGAIN(THERE, TWELVE_HOURS));
}

Test(dialog_restored, an_update_that_overtakes_the_2xx_leaves_that_its_leg)
{
	calls_through_a_restart();
	proxy_is_granted(border, PHONE, "UPDATE", tagged("b", "a", 7));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
}

Test(dialog_restored, or_the_failure_that_ends_it)
{
	calls_through_a_restart();
	phone_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 2));
	proxy_answers(border, PHONE, 486, "INVITE", tagged("a", "b", 1));
	border_expect(border, END(PHONE, "failed") GONE(PHONE, "ended"));
}

/* The 2xx passed while there was no natbox. */
Test(dialog_restored, a_re_invite_shows_that_the_call_was_taken)
{
	calls_through_a_restart();
	phone_is_granted(border, PHONE, "INVITE", tagged("a", "b", 2));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS));
}

Test(dialog_restored, a_call_that_is_kept_at_two_places_is_hung_up_at_both)
{
	phone_calls();
	phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", 2));
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 3));
	border_restart(border);
	border_wait(border, 32.1);
	cr_expect_eq(engine_counters(border->engine).endpoints, 0);
}

/* The reason that a store has to look at next. */
static uint32_t next_change(void)
{
	return changes_take(&engine_endpoints(border->engine)->changes, 1);
}

Test(dialog_restored, that_it_is_hung_up_is_kept)
{
	border_wait(border, 0);
	cr_assert_eq(records_watch(engine_endpoints(border->engine)), 0);
	phone_calls();
	cr_assert_eq(next_change(), 1);
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	cr_expect_eq(next_change(), 1);
	cr_expect_eq(next_change(), 0);
}

Test(dialog_restored, so_is_where_it_has_moved_to)
{
	border_wait(border, 0);
	cr_assert_eq(records_watch(engine_endpoints(border->engine)), 0);
	phone_calls();
	phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", 2));
	cr_assert_eq(next_change(), 1);
	cr_assert_eq(next_change(), 2);
	phone_asks(border, SECOND, "ACK", tagged("a", "b", 2));
	cr_expect_eq(next_change(), 1);
	cr_expect_eq(next_change(), 2);
}

/* The BYE goes to where it was, and is under way. */
Test(dialog_restored, and_where_the_phone_moves_meanwhile)
{
	phone_calls();
	proxy_asks(border, PHONE, "BYE", tagged("b", "a", 7));
	phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", 2));
	phone_asks(border, SECOND, "ACK", tagged("a", "b", 2));
	border_restart(border);
	border_forget(border);
	border_wait(border, 32);
	border_expect(border, END(SECOND, "expired") GONE(SECOND, "expired"));
}
