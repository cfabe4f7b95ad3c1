/* REGISTER: which registration is which, and whose a Contact is that is listed. */
#include "own_border.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"

TestSuite(whose_registration, .init = own_border_open, .fini = own_border_close);

#define MOBILE "203.0.113.1:6000"

#define ADDED(aor, seconds)                                                                        \
	"endpoint-add " PHONE " via-source,contact-private\n"                                      \
	"reason-add " PHONE " registration " aor " " seconds "\n"

static void register_alice(const char *seconds)
{
	border_bind(border, PHONE, (struct registration){.expires = seconds});
}

/* Registered by one request after the other, in what a careless phone takes for one dialog. */
Test(whose_registration, lines_that_share_a_call_id_stand_for_themselves)
{
	static const char *const aors[] = {"sip:carol@example.com", "xsip:alice@example.com"};

	register_alice("60");
	border_forget(border);
	for (unsigned i = 0; i < 2; i++) {
		border_bind(border, PHONE,
			(struct registration){.aor = aors[i], .cseq = 2 + i, .expires = "60"});
		cr_expect_eq(strncmp(border->log, "reason-add", 10), 0, "%s", border->log);
		border_forget(border);
	}
}

Test(whose_registration, flows_of_one_instance_stand_for_themselves)
{
	static const char *const flows[] = {
		"<sip:alice@192.168.1.10>;+sip.instance=\"<urn:x>\";reg-id=1;expires=60",
		"<sip:alice@192.168.1.11>;+sip.instance=\"<urn:x>\";reg-id=2;expires=60"};

	border_bind(border, PHONE, (struct registration){.contact = flows[0]});
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_register(border, PHONE, (struct registration){.call_id = "2", .contact = flows[1]});
	border_answer(border, PHONE, 200, (struct registration){.call_id = "2"});
	border_expect(border, "reason-add " PHONE " registration sip:alice@example.com 60\n");
}

/* Only of a request's own Contact a 2xx grants it anything. */
Test(whose_registration, a_contact_with_another_user_or_host_is_anothers)
{
	static const char *const asked[] = {"<sip:x@192.168.1.10>", "<sip:alice@one.example.com>"};
	static const char *const listed[] = {
		"<sip:y@192.168.1.10>;expires=60", "<sip:alice@two.example.com>;expires=60"};

	for (unsigned i = 0; i < 2; i++) {
		border_register(
			border, PHONE, (struct registration){.cseq = i + 1, .contact = asked[i]});
		border_answer(border, PHONE, 200,
			(struct registration){.cseq = i + 1, .contact = listed[i]});
	}
	border_expect(border, "");
}

/* Registrars fold the case of a user, or have one of their own. */
Test(whose_registration, what_alone_leads_to_where_the_phone_is_is_its_own)
{
	static const char *const users[] = {"ALICE@", "", "%2B1555@", "1555;phone-context=x@"};
	struct registration request = {.contact = "<sip:Alice@192.168.1.10>", .expires = "60"};

	for (unsigned i = 0; i < sizeof(users) / sizeof(*users); i++) {
		char listed[256];

		snprintf(listed, sizeof(listed),
			"<sip:%s" PHONE ";natbox=192.168.1.10>;expires=60, "
			"<sip:bob@192.168.1.11>;expires=90",
			users[i]);
		request.cseq = i + 1;
		border_register(border, PHONE, request);
		border_answer(border, PHONE, 200,
			(struct registration){.cseq = i + 1, .contact = listed});
		if (i == 0)
			border_expect(border, ADDED("sip:alice@example.com", "60"));
		else
			border_expect(border,
				"reason-refresh " PHONE " registration sip:alice@example.com 60\n");
	}
}

/* Another line of the same phone may stand there, and of two nobody knows which. */
Test(whose_registration, but_not_where_there_is_its_own_or_a_second_one)
{
	struct registration request = {.contact = "<sip:x@192.168.1.10>"};

	border_register(border, PHONE, request);
	request.contact = "<sip:y@" PHONE ">;expires=90, <sip:x@" PHONE ">;expires=60";
	border_answer(border, PHONE, 200, request);
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	request = (struct registration){.call_id = "b", .contact = "<sip:x@192.168.1.12>"};
	border_register(border, MOBILE, request);
	request.contact = "<sip:y@" MOBILE ">;expires=90, <sip:z@" MOBILE ">;expires=60, "
			  "<sip:x@" PHONE ">;expires=60";
	border_answer(border, MOBILE, 200, request);
	border_expect(border, "");
}

/* The other one leads to the same place wherever the phone is. */
Test(whose_registration, of_several_contacts_the_repaired_one_tells_whether_it_has_moved)
{
#define BY_MAIL  "<mailto:alice@example.com>;expires=60"
#define AT(port) ", <sip:alice@203.0.113.1:" port ";natbox=192.168.1.10>;expires=60"
	const struct registration both = {.contact = BY_MAIL ", "
							     "<sip:alice@192.168.1.10>"};
	struct registration answer = {.contact = BY_MAIL AT("5061")};

	border_register(border, PHONE, both);
	border_answer(border, PHONE, 200, answer);
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_register(border, MOBILE, both);
	answer.contact = BY_MAIL AT("5061") AT("6000");
	border_answer(border, MOBILE, 200, answer);
	border_expect(border, "endpoint-add " MOBILE " via-source,contact-private\n"
			      "reason-add " MOBILE " registration sip:alice@example.com 60\n");
}

/* A registrar that lists nothing, and a phone that was switched off and on. */
Test(whose_registration, what_a_phone_takes_over_after_a_restart_of_its_own_it_can_end)
{
	struct registration again = {.call_id = "again", .expires = "60"};

	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_answer(border, PHONE, 200, (struct registration){.contact = ""});
	border_register(border, PHONE, again);
	border_answer(border, PHONE, 200, (struct registration){.call_id = "again", .contact = ""});
	border_expect(border,
		ADDED("sip:alice@example.com", "60") "reason-refresh " PHONE
						     " registration sip:alice@example.com 60\n");
	again.cseq = 2;
	again.expires = "0";
	border_register(border, PHONE, again);
	again.contact = "";
	border_answer(border, PHONE, 200, again);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(whose_registration, a_phone_that_comes_anew_has_the_place_of_what_is_no_longer_listed)
{
	const struct registration anew = {.call_id = "anew", .expires = "60"};
	struct registration answer = anew;

	border->settings.limits.endpoints = 1;
	register_alice("60");
	border_forget(border);
	border_register(border, "203.0.113.9:1024", anew);
	answer.contact = "<sip:alice@192.168.1.11:5060>";
	border_answer(border, "203.0.113.9:1024", 200, answer);
	border_expect(border,
		"reason-end " PHONE " registration sip:alice@example.com ended\n"
		"endpoint-remove " PHONE " ended\n"
		"endpoint-add 203.0.113.9:1024 via-source,contact-private\n"
		"reason-add 203.0.113.9:1024 registration sip:alice@example.com 60\n");
}

/* Its old place is not free for it, as another registration stands there, too. */
Test(whose_registration, nothing_ends_for_a_move_that_finds_no_room)
{
	struct registration bob = {.aor = "sip:bob@example.com", .call_id = "2", .expires = "60"};

	border->settings.limits.endpoints = 1;
	register_alice("60");
	border_bind(border, PHONE, bob);
	border_forget(border);
	bob.cseq = 2;
	border_bind(border, "203.0.113.1:6000", bob);
	border_expect(border, "refused 203.0.113.1:6000 endpoints\n");
}

static void exchange(unsigned cseq, const char *asked, const char *listed)
{
	border_register(border, PHONE, (struct registration){.cseq = cseq, .contact = asked});
	border_answer(border, PHONE, 200, (struct registration){.cseq = cseq, .contact = listed});
}

#define LASTS(seconds) "reason-refresh " PHONE " registration sip:alice@example.com " #seconds "\n"
#define ENDS                                                                                       \
	"reason-end " PHONE " registration sip:alice@example.com ended\n"                          \
	"endpoint-remove " PHONE " ended\n"

/* Each in a REGISTER of its own, of one Call-ID. */
Test(whose_registration, of_several_contacts_what_is_left_counts)
{
	static const char alice[] = "<sip:alice@" PHONE ";natbox=192.168.1.10>;expires=3600",
			  bob[] = "<sip:bob@" PHONE ";natbox=192.168.1.10>;expires=60";
	char both[sizeof(alice) + sizeof(bob) + 1];

	snprintf(both, sizeof(both), "%s,%s", alice, bob);
	exchange(1, "<sip:alice@192.168.1.10>", alice);
	border_forget(border);
	exchange(2, "<sip:bob@192.168.1.10>", both);
	border_expect(border, LASTS(3600));
	exchange(3, "<sip:bob@192.168.1.10>;expires=0", alice);
	border_expect(border, LASTS(3600));
	exchange(4, "<sip:bob@192.168.1.10>", both);
	exchange(5, "<sip:alice@192.168.1.10>;expires=0", bob);
	border_expect(border, LASTS(3600) LASTS(60));
	exchange(6, "<sip:bob@192.168.1.10>;expires=0", "");
	border_expect(border, ENDS);
}

/* As a registrar has them in sniff mode. */
Test(whose_registration, also_of_several_that_were_not_repaired)
{
	static const char alice[] = "<sip:alice@192.168.1.10>;expires=3600",
			  both[] = "<sip:bob@192.168.1.10>;expires=60,"
				   "<sip:alice@192.168.1.10>;expires=3600";

	exchange(1, both, both);
	border_forget(border);
	exchange(2, "<sip:bob@192.168.1.10>;expires=0", alice);
	border_expect(border, LASTS(3600));
	exchange(3, "<sip:alice@192.168.1.10>;expires=0", "");
	border_expect(border, ENDS);
}

/* Of a registrar that repeats in its answer what was taken back. */
Test(whose_registration, but_nothing_of_an_echo)
{
	exchange(1, "<sip:bob@192.168.1.10>,<sip:alice@192.168.1.10>",
		"<sip:bob@192.168.1.10>;expires=60,<sip:alice@192.168.1.10>;expires=60");
	border_forget(border);
	exchange(2, "<sip:bob@192.168.1.10>;expires=0,<sip:alice@192.168.1.10>;expires=0",
		"<sip:bob@192.168.1.10>,<sip:alice@192.168.1.10>");
	border_expect(border, ENDS);
}
