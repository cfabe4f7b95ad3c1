/* Who is who: what tells registrations of one address of record apart, and what a registrar lists
 * says of each (RFC 3261 10.3, RFC 5626 6). */
#include "own_border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PHONE  "203.0.113.1:5061"
#define MOVED  "203.0.113.1:6000"
#define OTHER  "203.0.113.9:1024"
#define PROXY2 "198.51.100.2:5060"

#define HERE      "<sip:alice@192.168.1.10:5060>"
#define INSTANCE  ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\""
#define ALICE     " registration sip:alice@example.com "
#define NATTED(a) "endpoint-add " a " via-source,contact-private\n"
#define ADD(a)    "reason-add " a ALICE "60\n"
#define NEW(a)    NATTED(a) ADD(a)
#define KEPT(a)   "reason-refresh " a ALICE "60\n"
#define END(a)    "reason-end " a ALICE "ended\n"
#define GONE(a)   END(a) "endpoint-remove " a " ended\n"
#define LEFT(a)   "reason-end " a ALICE "moved\nendpoint-remove " a " ended\n"

TestSuite(bindings, .init = own_border_open, .fini = own_border_close);

/* A REGISTER for 60 s unless it says another time, and the registrar's 200 with its list. */
static void exchange(const char *client, struct registration request, const char *listed)
{
	request.expires = request.expires ? request.expires : "60";
	border_register(border, client, request);
	request.contact = listed;
	request.expires = NULL;
	border_answer(border, client, 200, request);
}

Test(bindings, one_call_id_at_two_proxies_is_two_registrations)
{
	exchange(PHONE, (struct registration){0}, HERE);
	border_expect(border, NEW(PHONE));
	border_take_proxy(border, PROXY2);
	exchange(PHONE, (struct registration){.cseq = 2}, HERE);
	border_expect(border, NEW(PHONE " at " PROXY2));
	exchange(PHONE, (struct registration){.cseq = 3, .expires = "0"}, "");
	border_expect(border, GONE(PHONE " at " PROXY2));
}

Test(bindings, an_unregister_at_another_proxy_ends_nothing_at_the_first)
{
	exchange(PHONE, (struct registration){0}, HERE);
	border_expect(border, NEW(PHONE));
	border_take_proxy(border, PROXY2);
	exchange(PHONE, (struct registration){.cseq = 2, .expires = "0"}, "");
	border_expect(border, "");
}

/* Some registrars answer an un-REGISTER with the Contact that it has, and without a time. */
Test(bindings, an_echo_of_what_is_taken_back_is_no_binding)
{
	const char *second = "<sip:alice@192.168.1.11:5060>";
	const char *both = HERE ", <sip:alice@192.168.1.11:5060>";
	struct registration leaves = {.call_id = "b", .contact = second, .expires = "0"};

	exchange(PHONE, (struct registration){.contact = HERE}, HERE ";expires=60");
	exchange(OTHER, (struct registration){.call_id = "b", .contact = second}, both);
	border_expect(border, NEW(PHONE) NEW(OTHER));
	leaves.cseq = 2;
	exchange(OTHER, leaves, HERE ";expires=50, <sip:alice@192.168.1.11:5060>;expires=50");
	border_expect(border, "");
	leaves.cseq = 3;
	exchange(OTHER, leaves, both);
	border_expect(border, GONE(OTHER));
	exchange(PHONE, (struct registration){.cseq = 2, .contact = HERE, .expires = "0"}, HERE);
	border_expect(border, GONE(PHONE));
}

Test(bindings, each_flow_of_an_instance_is_a_registration)
{
	const char *first = HERE INSTANCE ";reg-id=1";
	const char *second = "<sip:alice@192.168.1.10:5062>" INSTANCE ";reg-id=2";
	const char *both = HERE INSTANCE ";reg-id=1, "
					 "<sip:alice@192.168.1.10:5062>" INSTANCE ";reg-id=2";

	exchange(PHONE, (struct registration){.contact = first}, first);
	exchange(OTHER, (struct registration){.cseq = 2, .contact = second}, both);
	border_expect(border, NEW(PHONE) NEW(OTHER));
}

/* Switched off and on again, or woken by a push: RFC 5626 6. */
Test(bindings, an_instance_that_comes_back_with_a_new_call_id_is_the_same_registration)
{
	exchange(PHONE, (struct registration){.contact = HERE INSTANCE}, HERE INSTANCE);
	border_expect(border, NEW(PHONE));
	exchange(PHONE, (struct registration){.call_id = "second", .contact = HERE INSTANCE},
		HERE INSTANCE);
	border_expect(border, KEPT(PHONE));
	exchange(MOVED, (struct registration){.call_id = "third", .contact = HERE INSTANCE},
		HERE INSTANCE);
	border_expect(border, LEFT(PHONE) NEW(MOVED));
}

#define THERE  "<sip:alice@192.168.1.11:5060>"
#define BEYOND "<sip:alice@203.0.113.1:6000>"

/* RFC 3261 10.3: a binding is an address of record and a URI, whatever Call-ID orders it. */
Test(bindings, a_phone_switched_off_and_on_goes_on_at_its_place_under_a_new_call_id)
{
	exchange(PHONE, (struct registration){.call_id = "old"}, HERE);
	exchange(PHONE, (struct registration){.call_id = "new", .contact = HERE}, HERE);
	border_expect(border, NEW(PHONE) KEPT(PHONE));
	exchange(PHONE,
		(struct registration){.call_id = "new", .contact = HERE, .cseq = 2, .expires = "0"},
		"");
	border_expect(border, GONE(PHONE));
}

Test(bindings, a_phone_that_comes_from_a_new_port_under_a_new_call_id_has_left_the_old_one)
{
	exchange(PHONE, (struct registration){.call_id = "old"}, HERE);
	exchange(MOVED, (struct registration){.call_id = "new", .contact = HERE}, HERE);
	border_expect(border, NEW(PHONE) LEFT(PHONE) NEW(MOVED));
}

Test(bindings, a_star_from_anywhere_ends_all_of_the_aor_and_nothing_else)
{
	const struct registration bob = {.aor = "sip:bob@example.com", .call_id = "bob"};
	const struct registration star = {.call_id = "star", .contact = "*", .expires = "0"};

	exchange(PHONE, bob, "<sip:alice@192.168.1.10:5060>");
	exchange(PHONE, (struct registration){.contact = HERE}, HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, HERE ", " THERE);
	border_take_proxy(border, PROXY2);
	exchange(PHONE, (struct registration){.contact = HERE}, HERE);
	border->proxy = border->first_proxy;
	border_forget(border);
	exchange(MOVED, star, "");
	border_expect(border, GONE(OTHER) END(PHONE));
}

Test(bindings, an_unregister_from_a_new_port_ends_the_registration_at_the_old_one)
{
	exchange(PHONE, (struct registration){0}, HERE);
	border_forget(border);
	exchange(MOVED, (struct registration){.cseq = 2, .expires = "0"}, "");
	border_expect(border, GONE(PHONE));
}

Test(bindings, an_unregister_ends_none_that_is_still_listed)
{
	exchange(PHONE, (struct registration){.contact = HERE}, HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, HERE ", " THERE);
	border_forget(border);
	exchange(OTHER,
		(struct registration){.call_id = "b", .contact = THERE, .cseq = 2, .expires = "0"},
		HERE);
	border_expect(border, GONE(OTHER));
}

Test(bindings, two_phones_that_share_a_call_id_are_both_kept_while_both_are_listed)
{
	exchange(PHONE, (struct registration){.contact = HERE}, HERE);
	exchange(OTHER, (struct registration){.cseq = 2, .contact = THERE}, THERE ", " HERE);
	border_expect(border, NEW(PHONE) NEW(OTHER));
	exchange(PHONE, (struct registration){.cseq = 3, .contact = HERE}, THERE ", " HERE);
	exchange(OTHER, (struct registration){.cseq = 4, .contact = THERE}, THERE ", " HERE);
	border_expect(border, KEPT(PHONE) KEPT(OTHER));
	exchange(PHONE, (struct registration){.cseq = 5, .contact = HERE, .expires = "0"}, THERE);
	border_expect(border, GONE(PHONE));
	exchange(OTHER, (struct registration){.cseq = 6, .contact = THERE, .expires = "0"}, "");
	border_expect(border, GONE(OTHER));
}

/* Behind many a NAT a phone has the same address. A registrar that tells them apart, by where they
 * came from, lists that one twice. */
Test(bindings, two_phones_with_one_contact_are_both_kept_while_it_is_listed_twice)
{
	exchange(PHONE, (struct registration){.call_id = "a", .contact = HERE}, HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = HERE}, HERE ", " HERE);
	border_expect(border, NEW(PHONE) NEW(OTHER));
	exchange(OTHER, (struct registration){.call_id = "b", .cseq = 2, .contact = HERE}, HERE);
	border_expect(border, LEFT(PHONE) KEPT(OTHER));
}

Test(bindings, who_asks_needs_not_be_behind_nat_himself)
{
	const struct registration open = {.call_id = "open",
		.via = "203.0.113.77:5060",
		.contact = "<sip:alice@203.0.113.77:5060>"};

	exchange(PHONE, (struct registration){0}, HERE);
	border_forget(border);
	exchange("203.0.113.77:5060", open, "<sip:alice@203.0.113.77:5060>");
	border_expect(border, GONE(PHONE));
}

Test(bindings, a_query_is_answered_with_the_truth_too)
{
	exchange(PHONE, (struct registration){.contact = HERE}, HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, THERE ", " HERE);
	border_forget(border);
	exchange(MOVED, (struct registration){.call_id = "q", .contact = ""}, HERE ", " THERE);
	border_expect(border, "");
	exchange(MOVED, (struct registration){.call_id = "q", .cseq = 2, .contact = ""}, THERE);
	border_expect(border, GONE(PHONE));
}

Test(bindings, a_failure_says_nothing_of_any_binding)
{
	exchange(PHONE, (struct registration){0}, HERE);
	border_register(border, MOVED, (struct registration){.call_id = "q", .contact = "*"});
	border_answer(border, MOVED, 403, (struct registration){.call_id = "q", .contact = ""});
	border_answer(border, MOVED, 200, (struct registration){.call_id = "other", .contact = ""});
	border_expect(border, NEW(PHONE));
}

Test(bindings, one_listed_with_no_time_left_is_gone)
{
	exchange(PHONE, (struct registration){.contact = HERE}, HERE);
	border_forget(border);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE},
		HERE ";expires=0, " THERE ";expires=60");
	border_expect(border, GONE(PHONE) NEW(OTHER));
}

/* When in doubt nothing is ended. */
Test(bindings, a_list_that_cannot_be_read_ends_none_but_the_one_it_answers)
{
	exchange(PHONE, (struct registration){.contact = HERE}, HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE},
		THERE ", <sip:alice@192.168.1.10");
	border_expect(border, NEW(PHONE) NEW(OTHER));
	exchange(OTHER, (struct registration){.call_id = "b", .cseq = 2, .expires = "0"},
		"<sip:alice@192.168.1.10");
	border_expect(border, GONE(OTHER));
}

/* RFC 3261 19.1.4. */
Test(bindings, a_contact_may_be_listed_in_another_spelling)
{
	static const char *const spellings[][2] = {
		{"<sip:alice@192.168.1.10>", "sip:%61lice@192.168.1.10:5060"},
		{"<sip:%61l%69ce@192.168.1.10:5060>", "<SIP:alice@192.168.1.10>"},
		{"<sip:alice@phone.local;transport=UDP>", "<sip:alice@Phone.LOCAL:5060>"},
		{"<sip:alice@[2001:DB8::1]>", "<sip:alice@[2001:db8:0:0::1]:5060;x=y;ob>"},
		{"<sip:alice@192.168.1.10;user=phone;maddr=A.b>",
			"<sip:alice@192.168.1.10;MADDR=a.B;ob;user=PHONE>"},
		{"<sip:192.168.1.10>", "<sip:192.168.1.10:5060;line=1>"},
		{"<sip:a%6cice%5B@192.168.1.10>", "<sip:al%69ce%5b@192.168.1.10>"},
		{"<sip:a%6Cice@192.168.1.10>", "<sip:alice@192.168.1.10>"},
		{"<sip:alice@phone.local;user=ip;user=phone>", "<sip:alice@phone.local;user=ip>"},
	};

	for (unsigned i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		exchange(PHONE, (struct registration){.cseq = i + 1, .contact = spellings[i][0]},
			spellings[i][0]);
		border_forget(border);
		exchange(MOVED, (struct registration){.call_id = "q", .cseq = i + 1, .contact = ""},
			spellings[i][1]);
		border_expect(border, "");
	}
}

Test(bindings, a_contact_that_is_another_one_is_none)
{
	static const char *const others[] = {
		"<sip:Alice@192.168.1.10:5060>",
		"<sip:192.168.1.10:5060>",
		"<sip:alice@192.168.1.10:5061>",
		"<sip:alice@192.168.1.100:5060>",
		"<sips:alice@192.168.1.10:5060>",
		"<sip:alice@192.168.1.10:5060;transport=tcp>",
		"<sip:alice@192.168.1.10:5060;user=phone>",
		"<sip:alice@192.168.1.10:5060;maddr=10.0.0.1>",
		"<sip:alice@192.168.1.10:5060?Subject=x>",
	};

	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++) {
		exchange(PHONE, (struct registration){.cseq = i + 1}, HERE);
		border_forget(border);
		exchange(MOVED, (struct registration){.call_id = "q", .cseq = i + 1, .contact = ""},
			others[i]);
		border_expect(border, GONE(PHONE));
	}
}

Test(bindings, contacts_that_differ_in_one_thing_are_two)
{
	static const char *const pairs[][2] = {
		{"<sip:alice@phone.local>", "<sip:alice@other.local>"},
		{"<sip:alice@phone.local>", "<sip:alice@phone.localnet>"},
		{"<sip:alice@phone.local:5061>", "<sips:alice@phone.local:5061>"},
		{"<sip:alice%6g@192.168.1.10>", "<sip:alice%6h@192.168.1.10>"},
		{"<sip:alice%6@192.168.1.10>", "<sip:alice%7@192.168.1.10>"},
		{"<sip:alice@192.168.1.10;user=phone>", "<sip:alice@192.168.1.10;user=ip>"},
		{"<sip:alice@192.168.1.10;user=x>", "<sip:alice@192.168.1.10;maddr=x>"},
		{"<sip:alice@192.168.1.10?a=b>", "<sip:alice@192.168.1.10?a=c>"},
		{"<tel:+1555>", "<tel:+1556>"},
	};

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		exchange(PHONE, (struct registration){.cseq = i + 1, .contact = pairs[i][0]},
			pairs[i][0]);
		border_forget(border);
		exchange(MOVED, (struct registration){.call_id = "q", .cseq = i + 1, .contact = ""},
			pairs[i][1]);
		border_expect(border, GONE(PHONE));
	}
}

Test(bindings, an_aor_may_be_written_in_another_way)
{
	exchange(PHONE, (struct registration){.aor = "sip:alice@example.com"}, HERE);
	border_forget(border);
	exchange(PHONE,
		(struct registration){
			.aor = "sip:%61lice@EXAMPLE.com:5060", .cseq = 2, .contact = HERE},
		HERE);
	border_expect(border, KEPT(PHONE));
	exchange(MOVED,
		(struct registration){.aor = "SIP:alice@Example.Com;user=phone",
			.call_id = "star",
			.contact = "*",
			.expires = "0"},
		"");
	border_expect(border, GONE(PHONE));
}

/* In relay mode the registrar has Contacts as they were repaired. */
Test(bindings, what_a_contact_was_before_its_repair_does_not_count)
{
	const char *listed = "<sip:alice@" PHONE ";natbox=192.168.1.10-5060>";

	exchange(PHONE, (struct registration){.contact = HERE}, listed);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = HERE},
		"<sip:alice@" OTHER ";natbox=192.168.1.10-5060>, <sip:alice@" PHONE ">");
	border_expect(border, NEW(PHONE) NEW(OTHER));
	exchange(OTHER, (struct registration){.call_id = "b", .cseq = 2, .contact = HERE},
		"<sip:alice@" OTHER ";natbox=192.168.1.10-5060>");
	border_expect(border, GONE(PHONE) KEPT(OTHER));
}

/* The registrar has two bindings then, and may call at both. */
Test(bindings, a_phone_that_moves_is_kept_at_the_old_place_while_that_is_listed)
{
	const char *old = "<sip:alice@" PHONE ";natbox=192.168.1.10-5060>";
	const char *new = "<sip:alice@" MOVED ";natbox=192.168.1.10-5060>";
	char both[256];

	snprintf(both, sizeof(both), "%s, %s", old, new);
	exchange(PHONE, (struct registration){.contact = HERE}, old);
	exchange(MOVED, (struct registration){.cseq = 2, .contact = HERE}, both);
	border_expect(border, NEW(PHONE) NEW(MOVED));
	exchange(MOVED, (struct registration){.cseq = 3, .contact = HERE}, new);
	border_expect(border, LEFT(PHONE) KEPT(MOVED));
}

Test(bindings, a_registrar_that_lists_nothing_is_taken_at_the_requests_word)
{
	exchange(PHONE, (struct registration){.contact = HERE}, "");
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, "");
	exchange(PHONE, (struct registration){.cseq = 2, .contact = HERE}, "");
	border_expect(border, NEW(PHONE) NEW(OTHER) KEPT(PHONE));
	exchange(MOVED, (struct registration){.cseq = 3, .contact = HERE}, "");
	border_expect(border, LEFT(PHONE) NEW(MOVED));
}

/* Nor does it list who is still there when somebody leaves. */
Test(bindings, an_empty_list_of_a_registrar_that_never_lists_ends_who_asked_alone)
{
	exchange(PHONE, (struct registration){.contact = HERE}, "");
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, "");
	border_expect(border, NEW(PHONE) NEW(OTHER));
	exchange(OTHER,
		(struct registration){.call_id = "b", .cseq = 2, .contact = THERE, .expires = "0"},
		"");
	border_expect(border, GONE(OTHER));
	exchange(MOVED, (struct registration){.call_id = "s", .contact = "*", .expires = "0"}, "");
	border_expect(border, GONE(PHONE));
}

/* A registrar that tells them apart by Call-ID. In whatever order they have come. */
Test(bindings, of_two_phones_with_one_contact_the_one_that_moves_takes_nothing_from_the_other)
{
	const char *const first[] = {PHONE, OTHER}, *const ids[] = {"a", "b"};

	for (unsigned i = 0; i < 2; i++) {
		exchange(first[i], (struct registration){.call_id = ids[i], .contact = HERE}, HERE);
		exchange(first[!i], (struct registration){.call_id = ids[!i], .contact = HERE},
			HERE ", " HERE);
		border_forget(border);
		exchange(MOVED, (struct registration){.call_id = "a", .cseq = 2, .contact = HERE},
			HERE ", " HERE);
		border_expect(border, LEFT(PHONE) NEW(MOVED));
		exchange("203.0.113.2:5061",
			(struct registration){.call_id = "s", .contact = "*", .expires = "0"}, "");
		border_forget(border);
		border_wait(border, 40);
	}
}

/* As a registrar's processes may have it: what was written before the second phone was bound comes
 * behind the answer to that. The next answer tells again. */
Test(bindings, an_answer_that_others_have_overtaken_ends_nothing_that_is_newer)
{
	struct registration first = {.call_id = "a", .contact = HERE, .expires = "60"};

	border_register(border, PHONE, first);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, HERE ", " THERE);
	border_answer(border, PHONE, 200, first);
	border_expect(border, NEW(OTHER) NEW(PHONE));
	first.cseq = 2;
	exchange(PHONE, first, HERE);
	border_expect(border, GONE(OTHER) KEPT(PHONE));
}

/* So it is with one that moves, and the one that stays is refreshed. */
Test(bindings, nor_does_it_end_one_at_its_new_place)
{
	struct registration first = {.call_id = "a", .contact = HERE, .expires = "60"};

	exchange(PHONE, first, HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, HERE ", " THERE);
	border_forget(border);
	first.cseq = 2;
	border_register(border, PHONE, first);
	exchange(MOVED, (struct registration){.call_id = "b", .contact = BEYOND, .cseq = 2},
		HERE ", " BEYOND);
	border_expect(border, LEFT(OTHER) "endpoint-add " MOVED " via-source\n" ADD(MOVED));
	first.contact = HERE ", " THERE;
	border_answer(border, PHONE, 200, first);
	border_expect(border, KEPT(PHONE));
}

/* Or with another Contact than it had. */
Test(bindings, nor_one_that_has_another_contact_now)
{
	struct registration first = {.call_id = "a", .contact = HERE, .expires = "60"};

	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, THERE);
	border_register(border, PHONE, first);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = BEYOND, .cseq = 2},
		HERE ", " BEYOND);
	border_forget(border);
	first.contact = HERE ", " THERE;
	border_answer(border, PHONE, 200, first);
	border_expect(border, NEW(PHONE));
}

/* The registrar has the new one by then, and its answer to that is still to come. */
Test(bindings, nor_does_any_answer_end_one_whose_phone_asks_for_another_contact)
{
	struct registration phone = {.call_id = "a", .contact = HERE, .expires = "60"};
	const struct registration other = {.call_id = "b", .contact = THERE, .cseq = 3};

	exchange(PHONE, phone, HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, HERE ", " THERE);
	border_forget(border);
	phone.contact = BEYOND;
	phone.cseq = 2;
	border_register(border, PHONE, phone);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE, .cseq = 2},
		BEYOND ", " THERE);
	phone.contact = BEYOND ", " THERE;
	border_answer(border, PHONE, 200, phone);
	border_expect(border, KEPT(OTHER) KEPT(PHONE));
	phone.contact = HERE;
	phone.cseq = 3;
	border_register(border, PHONE, phone);
	border_answer(border, PHONE, 403, phone);
	exchange(OTHER, other, THERE);
	border_expect(border, GONE(PHONE) KEPT(OTHER));
}

Test(bindings, a_phone_with_several_contacts_is_kept_while_anything_is_listed)
{
	const char *two = HERE ", <sip:alice@192.168.1.10:5070>";

	exchange(PHONE, (struct registration){.contact = two}, two);
	border_expect(border, NEW(PHONE));
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE},
		THERE ", <sip:alice@192.168.1.10:5070>");
	border_expect(border, NEW(OTHER));
	exchange(MOVED, (struct registration){.call_id = "s", .contact = "*", .expires = "0"}, "");
	border_expect(border, GONE(OTHER) GONE(PHONE));
}

Test(bindings, one_aor_has_no_more_registrations_than_a_registrar_can_list)
{
	border->settings.limits.endpoints_per_address = 1000;
	for (unsigned i = 0; i < 300; i++) {
		char client[32], call_id[32];

		snprintf(client, sizeof(client), "203.0.113.1:%u", 10000 + i);
		snprintf(call_id, sizeof(call_id), "call-%u", i);
		exchange(client, (struct registration){.call_id = call_id, .contact = HERE}, "");
	}
	cr_assert_eq(engine_counters(border->engine).reasons, 256);
	exchange("203.0.113.1:10044",
		(struct registration){.call_id = "call-44", .contact = HERE, .cseq = 2}, "");
	border_forget(border);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = HERE}, "");
	border_expect(border, "reason-end 203.0.113.1:10045" ALICE "replaced\n"
			      "endpoint-remove 203.0.113.1:10045 ended\n" NEW(OTHER));
}

/* It has come twice, from two ports, before the first answer was there. */
Test(bindings, a_repaired_contact_that_is_here_is_its_own_rather_than_the_one_that_it_writes)
{
	const char *written = "<sip:alice@" PHONE ">";
	const char *both = "<sip:alice@" PHONE ">, <sip:alice@" MOVED ";natbox=203.0.113.1-5061>";

	exchange(PHONE, (struct registration){.via = "192.168.1.10", .contact = written}, written);
	border_forget(border);
	exchange(MOVED, (struct registration){.via = "192.168.1.10", .contact = written}, both);
	border_expect(border, "endpoint-add " MOVED " via-source\n" ADD(MOVED));
}

/* It is there by TCP as well, which natbox has never seen. */
Test(bindings, the_same_place_by_another_transport_is_another_binding)
{
	const char *by_tcp = "<sip:alice@192.168.1.10:5060;transport=tcp>;expires=3000, ";
	char listed[256];

	snprintf(listed, sizeof(listed), "%s%s", by_tcp, HERE ";expires=60");
	exchange(PHONE, (struct registration){.contact = HERE}, listed);
	border_expect(border, NEW(PHONE));
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, HERE ", " THERE);
	border_expect(border, NEW(OTHER));
	snprintf(listed, sizeof(listed), "%s%s", by_tcp, THERE);
	exchange(OTHER, (struct registration){.call_id = "b", .cseq = 2, .contact = THERE}, listed);
	border_expect(border, GONE(PHONE) KEPT(OTHER));
}

Test(bindings, of_two_transports_each_is_found_whatever_comes_first)
{
	const char *by_tcp = "<sip:alice@192.168.1.10:5060;transport=tcp>";
	const char *asked = HERE ", <sip:alice@192.168.1.10:5060;transport=tcp>";
	const char *listed = "<sip:alice@192.168.1.10:5060;transport=tcp>, "
			     "<sip:alice@" PHONE ";natbox=192.168.1.10-5060>";

	exchange(PHONE, (struct registration){.contact = asked}, listed);
	border_expect(border, NEW(PHONE));
	exchange(OTHER, (struct registration){.call_id = "b", .contact = THERE}, THERE);
	border_expect(border, GONE(PHONE) NEW(OTHER));
	exchange(PHONE, (struct registration){.cseq = 2, .contact = asked}, listed);
	border_expect(border, GONE(OTHER) NEW(PHONE));
	exchange(OTHER, (struct registration){.call_id = "c", .contact = THERE}, by_tcp);
	border_expect(border, GONE(PHONE));
}

/* A registrar may leave a parameter out. */
Test(bindings, one_that_is_listed_with_other_parameters_is_its_own_where_no_better_one_is)
{
	exchange(PHONE,
		(struct registration){.contact = "<sip:alice@192.168.1.10:5060;user=phone>"}, HERE);
	border_expect(border, NEW(PHONE));
}

/* What it was before a restart made natbox forget what it had written. */
Test(bindings, a_place_that_is_listed_repaired_and_not_lasts_as_long_as_either)
{
	const char *written = "<sip:alice@" PHONE ">";
	const char *repaired = "<sip:alice@" PHONE ";natbox=192.168.1.10-5060>";
	char listed[256];

	snprintf(listed, sizeof(listed), "%s;expires=20, %s;expires=60", repaired, written);
	exchange(PHONE, (struct registration){.via = "192.168.1.10", .contact = written}, listed);
	border_expect(border, "endpoint-add " PHONE " via-source\n" ADD(PHONE));
	snprintf(listed, sizeof(listed), "%s;expires=60, %s;expires=20", written, repaired);
	exchange(PHONE, (struct registration){.cseq = 2, .via = "192.168.1.10", .contact = written},
		listed);
	border_expect(border, KEPT(PHONE));
	snprintf(listed, sizeof(listed), "%s;expires=20, %s;expires=60", written, repaired);
	exchange(PHONE, (struct registration){.cseq = 3, .via = "192.168.1.10", .contact = written},
		listed);
	border_expect(border, KEPT(PHONE));
}
