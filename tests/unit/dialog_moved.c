/* Phones in calls whose NATs give them another port in the midst of a request. */
#include "dialogs.h"

#include <criterion/criterion.h>

#define MOVED          "203.0.113.1:6000"
#define NATTED(client) "endpoint-add " client " via-source,contact-private\n"

TestSuite(dialog_moved, .init = dialog_setup, .fini = own_border_close);

static void phone_rings(void)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180"));
}

Test(dialog_moved, a_phone_that_rings_and_answers_from_another_port_is_kept_at_both)
{
	phone_rings();
	phone_answers(border, MOVED, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, AGAIN(PHONE, TWELVE_HOURS) CALLEE(MOVED) ADD(MOVED, TWELVE_HOURS));
	border_wait(border, 200);
	border_expect(border, "");
	proxy_is_granted(border, MOVED, "BYE", tagged("a", "b", 2));
	border_expect(border,
		END(MOVED, "ended") GONE(MOVED, "ended") END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(dialog_moved, it_is_kept_there_alone_once_it_has_answered_there)
{
	phone_rings();
	phone_answers(border, MOVED, 200, "INVITE", tagged("a", "b", 1));
	border_forget(border);
	proxy_asks(border, MOVED, "UPDATE", tagged("a", "b", 2));
	phone_answers(border, MOVED, 200, "UPDATE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended") AGAIN(MOVED, TWELVE_HOURS));
}

/* The caller has changed his mind too late. */
Test(dialog_moved, a_cancel_that_comes_late_does_not_shorten_that_call)
{
	phone_rings();
	phone_answers(border, MOVED, 200, "INVITE", tagged("a", "b", 1));
	border_forget(border);
	proxy_asks(border, PHONE, "CANCEL", (struct exchange){0});
	border_wait(border, 200);
	border_expect(border, "");
}

Test(dialog_moved, so_answers_nobody_at_another_host)
{
	phone_rings();
	phone_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 1));
	phone_answers(border, MOVED, 200, "INVITE", tagged("a", "c", 1));
	phone_answers(border, MOVED, 486, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog_moved, nor_one_that_needs_no_help)
{
	struct exchange public = tagged("a", "b", 1);

	public.phone = MOVED;
	phone_rings();
	phone_answers(border, MOVED, 200, "INVITE", public);
	border_expect(border, "");
}

Test(dialog_moved, nor_one_that_does_not_take_the_call)
{
	phone_rings();
	phone_answers(border, MOVED, 180, "INVITE", tagged("a", "b", 1));
	phone_answers(border, MOVED, 300, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

Test(dialog_moved, nor_where_the_call_is_taken_already)
{
	phone_is_called();
	phone_answers(border, MOVED, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

/* It has left its network, and says so. */
Test(dialog_moved, a_re_invite_from_another_host_shows_that_it_has_taken_the_call)
{
	phone_rings();
	phone_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 1));
	phone_is_granted(border, SECOND, "INVITE", tagged("b", "a", 7));
	border_expect(border, NATTED(SECOND) ADD(SECOND, TWELVE_HOURS));
}

Test(dialog_moved, a_failure_from_where_it_rang_ends_nothing_then)
{
	phone_rings();
	phone_answers(border, MOVED, 200, "INVITE", tagged("a", "b", 1));
	border_forget(border);
	phone_answers(border, PHONE, 487, "INVITE", tagged("a", "b", 1));
	border_expect(border, "");
}

/* The request comes again from there; both are answered, in either order. */
Test(dialog_moved, an_answer_to_where_a_phone_was_does_not_end_where_it_is)
{
	const struct exchange update = tagged("a", "b", 2);

	phone_calls();
	phone_asks(border, PHONE, "UPDATE", update);
	border_wait(border, 0.5);
	phone_asks(border, MOVED, "UPDATE", update);
	proxy_answers(border, MOVED, 200, "UPDATE", update);
	border_expect(border, NATTED(MOVED) ADD(MOVED, TWELVE_HOURS));
	proxy_answers(border, PHONE, 200, "UPDATE", update);
	border_expect(border, "");
	phone_is_granted(border, PHONE, "UPDATE", tagged("a", "b", 3));
	border_expect(border, END(MOVED, "moved") GONE(MOVED, "ended") AGAIN(PHONE, TWELVE_HOURS));
}

Test(dialog_moved, nor_does_one_that_it_gave_before)
{
	phone_calls();
	proxy_asks(border, PHONE, "UPDATE", tagged("b", "a", 7));
	border_wait(border, 0.5);
	phone_is_granted(border, MOVED, "UPDATE", tagged("a", "b", 2));
	border_expect(border, NATTED(MOVED) ADD(MOVED, TWELVE_HOURS));
	phone_answers(border, PHONE, 200, "UPDATE", tagged("b", "a", 7));
	border_expect(border, "");
}

Test(dialog_moved, nor_does_an_ack_that_comes_late)
{
	const struct exchange ack = tagged("a", "b", 1);

	phone_calls();
	phone_asks(border, PHONE, "ACK", ack);
	phone_is_granted(border, MOVED, "UPDATE", tagged("a", "b", 2));
	border_expect(border, NATTED(MOVED) ADD(MOVED, TWELVE_HOURS));
	phone_asks(border, PHONE, "ACK", ack);
	border_expect(border, "");
	phone_is_granted(border, PHONE, "INVITE", tagged("a", "b", 3));
	border_expect(border, END(MOVED, "moved") GONE(MOVED, "ended") AGAIN(PHONE, TWELVE_HOURS));
}
