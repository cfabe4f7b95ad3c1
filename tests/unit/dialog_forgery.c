/* INVITE, UPDATE and BYE: what strangers do to a call. */
#include "dialogs.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(dialog_forgery, .init = dialog_setup, .fini = own_border_close);

/* Forgeries. */

Test(dialog_forgery, a_forged_response_creates_nothing)
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

Test(dialog_forgery, a_forged_response_ends_nothing)
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

Test(dialog_forgery, nobody_else_can_end_it)
{
	struct exchange bye = tagged("a", "b", 2);

	phone_calls();
	phone_is_granted(border, SECOND, "BYE", bye);
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

Test(dialog_forgery, a_stranger_who_uses_its_call_id_and_tags_moves_nothing)
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

Test(dialog_forgery, a_bye_pushed_out_at_the_limit_of_transactions_ends_its_call)
{
	border->settings.limits.transactions = 1;
	phone_calls();
	phone_asks(border, PHONE, "BYE", tagged("a", "b", 2));
	border_expect(border, "");
	phone_asks(border, SECOND, "INVITE", (struct exchange){.call_id = "other"});
	border_expect(border,
		"refused " PHONE " transactions\n" END(PHONE, "ended") GONE(PHONE, "ended"));
}
