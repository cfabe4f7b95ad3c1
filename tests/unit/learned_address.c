/* A phone that has learnt its public address from received and rport, and writes
 * it itself, is behind its NAT as before. */
#include "own_border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PHONE "203.0.113.1:5061"

TestSuite(learned_address, .init = own_border_open, .fini = own_border_close);

static void register_alice(const char *seconds)
{
	border_bind(border, PHONE, (struct registration){.expires = seconds});
}

static const struct registration learned = {
	.via = PHONE, .contact = "<sip:alice@" PHONE ";ob>", .cseq = 2, .expires = "60"};

static void register_learned(const char *call_id)
{
	struct registration registration = learned;

	registration.call_id = call_id;
	border_bind(border, PHONE, registration);
}

#define RETURNED                                                                                   \
	"endpoint-add " PHONE " via-source,contact-private\n"                                      \
	"reason-add " PHONE " registration sip:alice@example.com 60\n"

Test(learned_address, a_refresh_that_shows_no_nat_goes_on_at_a_natted_endpoint)
{
	register_alice("60");
	border_forget(border);
	register_learned(NULL);
	border_expect(border, "reason-refresh " PHONE " registration sip:alice@example.com 60\n");
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 1);
}

Test(learned_address, a_phone_that_learns_its_address_from_a_challenge_is_natted)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_answer(border, PHONE, 401, (struct registration){.contact = ""});
	register_learned(NULL);
	border_expect(border, RETURNED);
}

Test(learned_address, a_phone_that_unregisters_before_it_names_its_public_address_is_natted)
{
	register_alice("60");
	border_register(border, PHONE, (struct registration){.cseq = 2, .expires = "0"});
	border_answer(border, PHONE, 200, (struct registration){.cseq = 2, .contact = ""});
	border_forget(border);
	register_learned("anew");
	border_expect(border, RETURNED);
}

Test(learned_address, a_phone_that_refreshes_too_late_is_natted_as_before)
{
	register_alice("60");
	border_wait(border, 61);
	border_forget(border);
	register_learned(NULL);
	border_expect(border, RETURNED);
}

#define MOVED "203.0.113.1:6000"

/* Nothing but its Contact shows a NAT, and that only before it learns. */
static void learn_where_only_a_contact_shows_it(void)
{
	border->settings.nat.detect = NAT_CONTACT_PRIVATE;
	border->repairs = true;
	register_alice("60");
	register_learned(NULL);
	border_forget(border);
}

Test(learned_address, at_another_port_the_phone_that_names_the_one_it_had_is_natted)
{
	struct registration request = learned;

	learn_where_only_a_contact_shows_it();
	request.cseq = 3;
	border_register(border, MOVED, request);
	cr_expect_eq(border->outcome.verdict, VERDICT_REWRITE);
	border_answer(border, MOVED, 200, request);
	border_expect(border, "rewrite " MOVED " in\n"
			      "reason-end " PHONE " registration sip:alice@example.com moved\n"
			      "endpoint-remove " PHONE " ended\n"
			      "endpoint-add " MOVED " contact-private\n"
			      "reason-add " MOVED " registration sip:alice@example.com 60\n");
}

Test(learned_address, so_it_is_when_it_has_not_been_there_for_a_while)
{
	struct registration request = learned;

	learn_where_only_a_contact_shows_it();
	border_wait(border, 61 + 299);
	request.cseq = 3;
	border_forget(border);
	border_bind(border, MOVED, request);
	border_expect(border, "rewrite " MOVED " in\n"
			      "endpoint-add " MOVED " contact-private\n"
			      "reason-add " MOVED " registration sip:alice@example.com 60\n");
}

Test(learned_address, what_another_address_has_says_nothing_of_who_names_it)
{
	struct registration request = learned;

	learn_where_only_a_contact_shows_it();
	request.aor = "sip:bob@example.com";
	request.call_id = "other";
	border_bind(border, "203.0.113.2:6000", request);
	border_expect(border, "");
}

Test(learned_address, a_phone_that_is_natted_at_one_proxy_is_at_another)
{
	register_alice("3600");
	border_wait(border, 600);
	border_forget(border);
	border_take_proxy(border, "198.51.100.2:5060");
	register_learned("other-account");
	border_expect(border,
		"endpoint-add " PHONE " at 198.51.100.2:5060 via-source,contact-private\n"
		"reason-add " PHONE
		" at 198.51.100.2:5060 registration sip:alice@example.com 60\n");
}

Test(learned_address, what_nobody_accepted_says_nothing_of_another_phone)
{
	border_register(border, PHONE, (struct registration){.call_id = "forged", .expires = "60"});
	register_learned(NULL);
	border_expect(border, "");
}

Test(learned_address, what_nobody_accepted_takes_nothing_from_what_is_known_of_all)
{
	register_alice("60");
	border_wait(border, 61);
	border_register(border, PHONE, (struct registration){.call_id = "forged", .expires = "60"});
	border_forget(border);
	register_learned(NULL);
	border_expect(border, RETURNED);
}

Test(learned_address, what_is_known_of_one_address_and_port_says_nothing_of_another)
{
	static const char *const others[] = {"203.0.113.1:5062", "203.0.113.2:5061"};

	register_alice("60");
	border_wait(border, 61);
	border_forget(border);
	for (unsigned i = 0; i < 2; i++) {
		char contact[64];

		snprintf(contact, sizeof(contact), "<sip:bob@%s>", others[i]);
		border_bind(border, others[i],
			(struct registration){.aor = "sip:bob@example.com",
				.call_id = "bob",
				.via = others[i],
				.contact = contact,
				.expires = "60"});
	}
	border_expect(border, "");
}

Test(learned_address, who_was_natted_more_than_five_minutes_ago_is_judged_anew)
{
	register_alice("60");
	border_wait(border, 60 + 301);
	border_forget(border);
	register_learned(NULL);
	border_expect(border, "");
}
