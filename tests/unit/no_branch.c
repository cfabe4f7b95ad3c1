/* Peers of RFC 2543: a Via without branch, or with one that names no transaction. What they say
 * counts as much as what others say (RFC 3261 17.2.3). */
#include "dialogs.h"

#include <criterion/criterion.h>

/* None, the cookie alone, and one that is the same in all requests. */
static const char *const branches[] = {"", "z9hG4bK", "1"};

enum { BRANCHES = sizeof(branches) / sizeof(*branches) };

TestSuite(no_branch, .init = dialog_setup, .fini = own_border_close);

static struct exchange without(struct exchange exchange)
{
	exchange.branch = "";
	return exchange;
}

Test(no_branch, a_phone_registers_and_unregisters)
{
	for (unsigned i = 0; i < BRANCHES; i++) {
		struct registration registration = {.branch = branches[i], .expires = "60"};

		border_bind(border, PHONE, registration);
		border_expect(border,
			CALLER "reason-add " PHONE " registration sip:alice@example.com 60\n");
		registration.cseq = 2;
		registration.expires = "0";
		border_register(border, PHONE, registration);
		registration.contact = "";
		border_answer(border, PHONE, 200, registration);
		border_expect(border,
			"reason-end " PHONE
			" registration sip:alice@example.com ended\n" GONE(PHONE, "ended"));
		border_wait(border, 60);
	}
}

Test(no_branch, a_challenge_and_the_attempt_after_it_are_told_apart)
{
	struct registration registration = {.branch = "", .expires = "60"};

	border_register(border, PHONE, registration);
	border_answer(border, PHONE, 401, registration);
	registration.cseq = 2;
	border_register(border, PHONE, registration);
	registration.cseq = 1;
	border_answer(border, PHONE, 200, registration);
	border_expect(border, "");
	registration.cseq = 2;
	border_answer(border, PHONE, 200, registration);
	border_expect(
		border, CALLER "reason-add " PHONE " registration sip:alice@example.com 60\n");
}

Test(no_branch, a_subscription_is_held)
{
	struct exchange exchange = {.branch = "", .lines = "Event: reg\r\nExpires: 60\r\n"};

	phone_asks(border, PHONE, "SUBSCRIBE", exchange);
	exchange.to_tag = "b";
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", exchange);
	border_expect(border, CALLER "reason-add " PHONE " subscription call 60\n");
}

Test(no_branch, a_call_lasts_from_its_first_answer_to_bye)
{
	for (unsigned i = 0; i < BRANCHES; i++) {
		struct exchange exchange = {.branch = branches[i]};

		phone_asks(border, PHONE, "INVITE", exchange);
		proxy_answers(border, PHONE, 100, "INVITE", exchange);
		exchange.to_tag = "b";
		proxy_answers(border, PHONE, 180, "INVITE", exchange);
		proxy_answers(border, PHONE, 200, "INVITE", exchange);
		border_expect(border, CALLER ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
		exchange.cseq = 2;
		phone_hangs_up(exchange);
		border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
		border_wait(border, 60);
	}
}

Test(no_branch, a_phone_that_is_called_has_its_call_as_well)
{
	proxy_asks(border, PHONE, "INVITE", without((struct exchange){0}));
	phone_answers(border, PHONE, 180, "INVITE", without(tagged("a", "b", 1)));
	phone_answers(border, PHONE, 200, "INVITE", without(tagged("a", "b", 1)));
	border_expect(border, CALLEE(PHONE) ADD(PHONE, "180") AGAIN(PHONE, TWELVE_HOURS));
	far_end_hangs_up(without(tagged("a", "b", 2)));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

/* Nor have they a tag (RFC 3261 12.1.1, 12.1.2), and their BYE is one of a dialog all the same. */
Test(no_branch, a_call_with_somebody_who_has_no_tag_ends_with_either_sides_bye)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", (struct exchange){0});
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS));
	phone_hangs_up((struct exchange){.cseq = 2});
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));

	proxy_asks(border, PHONE, "INVITE", (struct exchange){.call_id = "call", .branch = "x"});
	phone_answers(border, PHONE, 200, "INVITE", (struct exchange){.branch = "x"});
	border_expect(border, CALLEE(PHONE) ADD(PHONE, TWELVE_HOURS));
	far_end_hangs_up((struct exchange){.cseq = 3});
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(no_branch, a_bye_without_tag_of_a_call_that_is_not_known_starts_nothing)
{
	phone_calls();
	phone_hangs_up((struct exchange){.cseq = 2});
	phone_hangs_up((struct exchange){.call_id = "other", .cseq = 2});
	border_wait(border, 40);
	border_expect(border, "");
}

Test(no_branch, a_call_that_is_cancelled_ends)
{
	phone_asks(border, PHONE, "INVITE", without((struct exchange){0}));
	proxy_answers(border, PHONE, 180, "INVITE", without(tagged("a", "b", 1)));
	border_expect(border, CALLER ADD(PHONE, "180"));
	phone_asks(border, PHONE, "CANCEL", without((struct exchange){.no_contact = true}));
	border_wait(border, 31);
	border_expect(border, "");
	border_wait(border, 2);
	border_expect(border, END(PHONE, "expired") GONE(PHONE, "expired"));
}

/* Both have the same Call-ID, From tag, CSeq and Via: the To tag tells them apart. */
Test(no_branch, of_two_dialogs_of_one_call_each_bye_ends_its_own)
{
	phone_asks(border, PHONE, "INVITE", without((struct exchange){0}));
	proxy_answers(border, PHONE, 200, "INVITE", without(tagged("a", "b", 1)));
	proxy_answers(border, PHONE, 200, "INVITE", without(tagged("a", "c", 1)));
	border_expect(border, CALLER ADD(PHONE, TWELVE_HOURS) ADD(PHONE, TWELVE_HOURS));
	phone_asks(border, PHONE, "BYE", without(tagged("a", "b", 2)));
	phone_is_granted(border, PHONE, "BYE", without(tagged("a", "c", 2)));
	border_expect(border, END(PHONE, "ended"));
	proxy_answers(border, PHONE, 200, "BYE", without(tagged("a", "b", 2)));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

Test(no_branch, an_answer_of_another_transaction_counts_for_nothing)
{
	struct exchange others[] = {{.branch = "", .from_tag = "x"}, {.branch = "", .cseq = 2},
		{.branch = "", .call_id = "other"}, {.branch = "", .phone = "192.168.1.11:5060"},
		{.branch = "z9hG4bK"}};

	phone_asks(border, PHONE, "INVITE", without((struct exchange){0}));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		others[i].to_tag = "b";
		proxy_answers(border, PHONE, 200, "INVITE", others[i]);
		border_expect(border, "");
	}
	proxy_answers(border, SECOND, 200, "INVITE", without(tagged("a", "b", 1)));
	border_expect(border, "");
}

Test(no_branch, a_retransmission_after_the_answer_starts_nothing)
{
	struct registration registration = {.branch = "", .expires = "60"};

	border_bind(border, PHONE, registration);
	border_forget(border);
	border_bind(border, PHONE, registration);
	border_expect(border, "");
}
