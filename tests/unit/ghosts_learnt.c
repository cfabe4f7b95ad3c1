/* What a registrar has bound of a phone that takes its public address from an answer, as Linphone
 * does, and registers the next time with that in its Contact, while its Via stays as it was. */
#include "registrar.h"

#include <criterion/criterion.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:6000"
#define AGAIN "203.0.113.1:7000"
#define OTHER "203.0.113.9:1024"
#define THIRD "203.0.113.17:2048"

#define PRIVATE                "<sip:alice@192.168.1.10:5061;transport=udp>"
#define PUBLIC_URI(place)      "sip:alice@" place ";transport=udp"
#define PUBLIC(place)          "<" PUBLIC_URI(place) ">"
#define REPAIRED(place)        "sip:alice@" place ";natbox=192.168.1.10-5061;transport=udp"
#define NAMED                  ";+sip.instance=\"<urn:uuid:1>\""
#define WITH_PUBLIC(place, at) "sip:alice@" place ";natbox=" at ";transport=udp"

TestSuite(ghosts_learnt, .init = registrar_open, .fini = registrar_close);

static struct registration linphone(unsigned cseq, const char *contact)
{
	return (struct registration){.via = "192.168.1.10:5061", .cseq = cseq, .contact = contact};
}

static struct registration with_call_id(const char *call_id, struct registration request)
{
	request.call_id = call_id;
	return request;
}

static void leaves(const char *client, unsigned cseq, const char *contact)
{
	struct registration request = linphone(cseq, contact);

	request.expires = "0";
	exchange(client, request);
	cr_expect_eq(registrar.count, 0);
}

TestOfBoth(ghosts_learnt, a_phone_that_learns_its_address_is_bound_once)
{
	exchange(PHONE, linphone(1, PRIVATE));
	bound_are(REPAIRED(PHONE));
	exchange(PHONE, linphone(2, PUBLIC(PHONE)));
	bound_are(PUBLIC_URI(PHONE));
	exchange(PHONE, linphone(3, PUBLIC(PHONE)));
	bound_are(PUBLIC_URI(PHONE));
	leaves(PHONE, 4, PUBLIC(PHONE));
}

Test(ghosts_learnt, what_stood_there_is_taken_back_once_and_before_the_new_one)
{
	struct sip_message message;

	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(PHONE, linphone(2, PUBLIC(PHONE)));
	cr_assert_eq(contact_count(&message), 2);
	cr_expect(text_equal(
		message.contacts[0].name_addr.value, TEXT("<" REPAIRED(PHONE) ">;expires=0")));
	cr_expect(text_equal(message.contacts[1].name_addr.value, TEXT(PUBLIC(PHONE))));
	cr_assert(bindings_take(&registrar, &message));
	is_answered(PHONE, linphone(2, PUBLIC(PHONE)));
	message = sends(PHONE, linphone(3, PUBLIC(PHONE)));
	cr_expect_eq(contact_count(&message), 1);
}

/* The pcap of Linphone's that hangs up shows it. */
TestOfBoth(ghosts_learnt, a_phone_that_leaves_with_what_it_has_learnt_is_not_bound_any_more)
{
	exchange(PHONE, linphone(1, PRIVATE));
	leaves(PHONE, 2, PUBLIC(PHONE));
}

TestOfBoth(ghosts_learnt, a_phone_that_goes_back_to_its_private_address_is_bound_once)
{
	exchange(PHONE, linphone(1, PUBLIC(PHONE)));
	bound_are(PUBLIC_URI(PHONE));
	exchange(PHONE, linphone(2, PRIVATE));
	bound_are(REPAIRED(PHONE));
	leaves(PHONE, 3, PRIVATE);
}

TestOfBoth(ghosts_learnt, a_phone_may_change_its_mind_each_time)
{
	for (unsigned cseq = 1; cseq < 8; cseq++) {
		exchange(PHONE, linphone(cseq, cseq % 2 ? PRIVATE : PUBLIC(PHONE)));
		cr_expect_eq(registrar.count, 1);
	}
	leaves(PHONE, 9, PUBLIC(PHONE));
}

TestOfBoth(
	ghosts_learnt, what_a_challenge_tells_a_phone_that_has_moved_leaves_none_at_its_old_place)
{
	exchange(PHONE, linphone(1, PRIVATE));
	sends(MOVED, linphone(2, PRIVATE));
	border_answer(phones_border, MOVED, 401, linphone(2, ""));
	exchange(MOVED, linphone(3, PUBLIC(MOVED)));
	bound_are(PUBLIC_URI(MOVED));
	leaves(MOVED, 4, PUBLIC(MOVED));
}

/* Nothing that it sends then names its private address any more. */
static struct registration with_public_via(const char *place, unsigned cseq, const char *contact)
{
	return (struct registration){.via = place, .cseq = cseq, .contact = contact};
}

TestOfBoth(ghosts_learnt, a_phone_that_learns_its_address_for_its_via_too_is_bound_once)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(PHONE, with_public_via(PHONE, 2, PUBLIC(PHONE)));
	bound_are(PUBLIC_URI(PHONE));
	exchange(MOVED, with_public_via(PHONE, 3, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	exchange(MOVED, with_public_via(MOVED, 4, PUBLIC(MOVED)));
	bound_are(PUBLIC_URI(MOVED));
	leaves(MOVED, 5, PUBLIC(MOVED));
}

TestOfBoth(ghosts_learnt, so_is_one_whose_nat_gives_it_another_port_meanwhile)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(MOVED, with_public_via(PHONE, 2, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	exchange(MOVED, with_public_via(MOVED, 3, PUBLIC(MOVED)));
	bound_are(PUBLIC_URI(MOVED));
}

TestOfBoth(ghosts_learnt, so_is_one_that_leaves_with_it)
{
	struct registration request = with_public_via(PHONE, 2, PUBLIC(PHONE));

	exchange(PHONE, linphone(1, PRIVATE));
	request.expires = "0";
	exchange(PHONE, request);
	cr_expect_eq(registrar.count, 0);
}

/* As a line does at night that is given a new address once a day. */
TestOfBoth(ghosts_learnt, a_phone_whose_nat_has_another_address_is_bound_there_at_once)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(OTHER, linphone(2, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(OTHER, "203.0.113.1-5061"));
	exchange(OTHER, linphone(3, PUBLIC(OTHER)));
	bound_are(PUBLIC_URI(OTHER));
	exchange(MOVED, linphone(4, PUBLIC(OTHER)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.9-1024"));
	leaves(MOVED, 5, PUBLIC(MOVED));
}

TestOfBoth(ghosts_learnt, so_is_one_that_writes_it_in_its_via_too)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(OTHER, with_public_via(PHONE, 2, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(OTHER, "203.0.113.1-5061"));
	exchange(OTHER, with_public_via(OTHER, 3, PUBLIC(OTHER)));
	bound_are(PUBLIC_URI(OTHER));
	leaves(OTHER, 4, PUBLIC(OTHER));
}

/* As one does that reads received and rport in no answer, having asked somebody else. */
TestOfBoth(ghosts_learnt, so_is_one_that_never_hears_of_its_new_address)
{
	exchange(PHONE, linphone(1, PRIVATE));
	for (unsigned cseq = 2; cseq < 5; cseq++) {
		exchange(OTHER, linphone(cseq, PUBLIC(PHONE)));
		bound_are(WITH_PUBLIC(OTHER, "203.0.113.1-5061"));
	}
	leaves(OTHER, 5, PUBLIC(PHONE));
}

/* As PJSIP does. */
TestOfBoth(ghosts_learnt, so_is_one_that_takes_the_address_of_before_back_as_it_writes_the_new_one)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(PHONE, linphone(2, PUBLIC(PHONE)));
	exchange(OTHER, linphone(3, PUBLIC(PHONE)));
	exchange(OTHER, linphone(4, PUBLIC(PHONE) ";expires=0, " PUBLIC(OTHER)));
	bound_are(PUBLIC_URI(OTHER));
	leaves(OTHER, 5, PUBLIC(OTHER));
}

/* It has not heard of the one in between. */
TestOfBoth(ghosts_learnt, so_is_one_whose_nat_gets_another_address_twice)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(OTHER, linphone(2, PUBLIC(PHONE)));
	exchange(THIRD, linphone(3, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(THIRD, "203.0.113.1-5061"));
	exchange(THIRD, linphone(4, PUBLIC(THIRD)));
	bound_are(PUBLIC_URI(THIRD));
	leaves(THIRD, 5, PUBLIC(THIRD));
}

TestOfBoth(ghosts_learnt, so_is_one_whose_nat_gets_its_first_address_again)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(OTHER, linphone(2, PUBLIC(PHONE)));
	exchange(MOVED, linphone(3, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	exchange(OTHER, linphone(4, PUBLIC(PHONE)));
	leaves(MOVED, 5, PUBLIC(PHONE));
}

/* A Contact elsewhere is repaired for nobody but who was registered there. */
Test(ghosts_learnt, a_contact_at_another_phones_place_stays)
{
	struct registration other = linphone(1, PUBLIC(PHONE));
	struct sip_message message;

	exchange(PHONE, linphone(1, PRIVATE));
	other.call_id = "other";
	message = sends(OTHER, other);
	cr_assert_eq(contact_count(&message), 1);
	cr_expect(text_equal(message.contacts[0].name_addr.value, TEXT(PUBLIC(PHONE))));
}

Test(ghosts_learnt, another_phone_that_shows_no_private_address_takes_back_nothing)
{
	struct sip_message message;

	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(OTHER, with_public_via("203.0.113.9:5061", 2, PUBLIC("203.0.113.9:5061")));
	cr_expect_eq(contact_count(&message), 1);
}

/* It had learnt its old place before, which nothing that it sends then names. */
TestOfBoth(ghosts_learnt, what_a_challenge_tells_a_phone_anew_leaves_none_at_its_old_place)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(PHONE, linphone(2, PUBLIC(PHONE)));
	sends(MOVED, linphone(3, PUBLIC(PHONE)));
	border_answer(phones_border, MOVED, 401, linphone(3, ""));
	exchange(MOVED, linphone(4, PUBLIC(MOVED)));
	bound_are(PUBLIC_URI(MOVED));
	leaves(MOVED, 5, PUBLIC(MOVED));
}

/* It writes its old place until the answer tells it the new one. */
TestOfBoth(ghosts_learnt, a_phone_that_learns_each_new_port_is_bound_once)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(PHONE, linphone(2, PUBLIC(PHONE)));
	exchange(MOVED, linphone(3, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	exchange(MOVED, linphone(4, PUBLIC(MOVED)));
	bound_are(PUBLIC_URI(MOVED));
	exchange(AGAIN, linphone(5, PUBLIC(MOVED)));
	bound_are(WITH_PUBLIC(AGAIN, "203.0.113.1-6000"));
	exchange(AGAIN, linphone(6, PUBLIC(AGAIN)));
	bound_are(PUBLIC_URI(AGAIN));
	leaves(AGAIN, 7, PUBLIC(AGAIN));
}

/* Its NAT gives it a new port just when it has learnt the old one. */
TestOfBoth(ghosts_learnt, a_phone_that_learns_where_it_was_is_bound_once)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(MOVED, linphone(2, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	exchange(MOVED, linphone(3, PUBLIC(MOVED)));
	bound_are(PUBLIC_URI(MOVED));
	leaves(MOVED, 4, PUBLIC(MOVED));
}

/* It wrote the right place already, but came from another one. */
TestOfBoth(ghosts_learnt, a_phone_that_comes_back_to_where_its_contact_says_is_bound_once)
{
	exchange(MOVED, linphone(1, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	exchange(PHONE, linphone(2, PUBLIC(PHONE)));
	bound_are(PUBLIC_URI(PHONE));
}

/* Who writes the default port in one place and not in the other is not known. */
static void at_the_default_port(const char *via, const char *private)
{
	const struct registration learnt = {
		.via = via, .contact = "<sip:alice@203.0.113.1>", .cseq = 2};

	registrar.compares_bytes = true;
	exchange("203.0.113.1:5060", (struct registration){.via = via, .contact = private});
	exchange("203.0.113.1:5060", learnt);
	bound_are("sip:alice@203.0.113.1");
	exchange("203.0.113.1:5060",
		(struct registration){.via = via, .contact = private, .cseq = 3});
	cr_expect_eq(registrar.count, 1);
}

Test(ghosts_learnt, a_port_that_need_not_be_written_is_taken_back_either_way)
{
	const char *const vias[] = {"192.168.1.10", "192.168.1.10:5060"};

	for (unsigned i = 0; i < 4; i++) {
		registrar.count = 0;
		registrar_close();
		registrar_open();
		at_the_default_port(vias[i % 2],
			i / 2 ? "<sip:alice@192.168.1.10>" : "<sip:alice@192.168.1.10:5060>");
	}
}

TestOfBoth(ghosts_learnt, so_is_a_phone_of_ipv6)
{
	const char *via = "[fd00::10]:5060", *place = "[2001:db8::7]:5061";

	exchange(place, (struct registration){.via = via, .contact = "<sip:alice@[fd00::10]>"});
	exchange(
		place, (struct registration){
			       .via = via, .contact = "<sip:alice@[2001:db8::7]:5061>", .cseq = 2});
	bound_are("sip:alice@[2001:db8::7]:5061");
}

/* By its own hand: what it takes back itself is left to it. */
TestOfBoth(ghosts_learnt, a_phone_that_takes_its_private_contact_back_does_so_alone)
{
	struct sip_message message;

	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(PHONE, linphone(2, PUBLIC(PHONE) ", " PRIVATE ";expires=0"));
	cr_expect_eq(contact_count(&message), 3);
	cr_assert(bindings_take(&registrar, &message));
	bound_are(PUBLIC_URI(PHONE));
}

Test(ghosts_learnt, a_phone_may_have_both_contacts)
{
	struct sip_message message;

	registrar.compares_bytes = true;
	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(PHONE, linphone(2, PRIVATE ", " PUBLIC(PHONE)));
	cr_expect_eq(contact_count(&message), 2);
	cr_assert(bindings_take(&registrar, &message));
	bound_are(REPAIRED(PHONE), PUBLIC_URI(PHONE));
}

Test(ghosts_learnt, another_user_or_transport_is_another_contact)
{
	const char *const others[] = {"<sip:bob@" PHONE ";transport=udp>",
		"<sip:alice@" PHONE ";transport=tcp>", "<sip:alice@" OTHER ";transport=udp>"};

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct sip_message message;

		exchange(PHONE, linphone(2 * i + 1, PRIVATE));
		message = sends(PHONE, linphone(2 * i + 2, others[i]));
		cr_expect_eq(contact_count(&message), 1, "%s", others[i]);
	}
}

/* One phone of two that are set up alike has learnt where it is. */
Test(ghosts_learnt, another_phone_of_the_same_call_id_takes_back_nothing)
{
	struct registration other = {
		.via = "192.168.1.11:5061", .cseq = 2, .contact = PUBLIC(OTHER)};
	struct sip_message message;

	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(OTHER, other);
	cr_expect_eq(contact_count(&message), 1);
}

/* Both have. */
Test(ghosts_learnt, another_phone_that_has_learnt_where_it_is_takes_back_nothing)
{
	struct registration other = {
		.via = "192.168.1.11:5061", .cseq = 2, .contact = PUBLIC(OTHER)};
	struct sip_message message;

	exchange(PHONE, linphone(1, PUBLIC(PHONE)));
	message = sends(OTHER, other);
	cr_expect_eq(contact_count(&message), 1);
}

/* The phone may have been told by a challenge where it is now; nobody else has, on another port or
 * another host. */
Test(ghosts_learnt, who_has_come_from_one_place_has_not_from_another)
{
	static const char *const others[] = {"203.0.113.9:2048", "203.0.113.17:1024"};
	static const char *const contacts[] = {
		PUBLIC("203.0.113.9:2048"), PUBLIC("203.0.113.17:1024")};
	struct registration request = {.via = "192.168.1.11:5061"};
	struct sip_message message;

	exchange(PHONE, linphone(1, PUBLIC(PHONE)));
	sends(OTHER, linphone(2, PUBLIC(PHONE)));
	for (unsigned i = 0; i < 2; i++) {
		request.cseq = 3 + i;
		request.contact = contacts[i];
		message = sends(others[i], request);
		cr_expect_eq(contact_count(&message), 1, "%s", others[i]);
	}
	request.cseq = 5;
	request.contact = PUBLIC(OTHER);
	message = sends(OTHER, request);
	cr_expect_eq(contact_count(&message), 2);
}

/* What it has leads to where it has stood all the time, whatever its count and Call-ID are now. */
static void comes_back(const char *first, const char *next)
{
	struct registration last = with_call_id("c", linphone(2, first));

	exchange(PHONE, linphone(7, first));
	exchange(PHONE, with_call_id("b", linphone(1, next)));
	cr_expect_eq(registrar.count, 1);
	last.expires = "0";
	exchange(PHONE, last);
	cr_expect_eq(registrar.count, 0);
}

TestOfBoth(ghosts_learnt, a_phone_that_was_switched_off_and_on_is_bound_once_at_its_place)
{
	comes_back(PUBLIC(PHONE), PRIVATE);
}

TestOfBoth(ghosts_learnt, so_is_one_that_remembers_its_address)
{
	comes_back(PRIVATE, PUBLIC(PHONE));
}

TestOfBoth(ghosts_learnt, so_is_one_whose_nat_had_given_it_another_port_before)
{
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(MOVED, linphone(2, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	exchange(MOVED, with_call_id("b", linphone(1, PRIVATE)));
	bound_are(REPAIRED(MOVED));
	exchange(AGAIN, with_call_id("b", with_public_via(MOVED, 2, PUBLIC(MOVED))));
	bound_are(WITH_PUBLIC(AGAIN, "203.0.113.1-6000"));
}

TestOfBoth(ghosts_learnt, and_one_of_an_instance_that_counts_anew)
{
	exchange(PHONE, linphone(7, PRIVATE NAMED));
	exchange(PHONE, with_call_id("b", linphone(1, PUBLIC(PHONE) NAMED)));
	bound_are(PUBLIC_URI(PHONE));
}

Test(ghosts_learnt, a_cseq_that_is_not_higher_takes_back_nothing)
{
	struct sip_message message;

	exchange(PHONE, linphone(7, PRIVATE));
	message = sends(PHONE, linphone(6, PUBLIC(PHONE)));
	cr_expect_eq(contact_count(&message), 1);
	message = sends(MOVED, linphone(6, PUBLIC(MOVED)));
	cr_expect_eq(contact_count(&message), 1);
}

Test(ghosts_learnt, nor_does_another_call_id_elsewhere)
{
	struct sip_message message;

	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(MOVED, with_call_id("b", linphone(2, PUBLIC(MOVED))));
	cr_expect_eq(contact_count(&message), 1);
}

/* Its own stands elsewhere. */
Test(ghosts_learnt, what_another_phone_has_where_a_phone_comes_from_is_not_taken_back)
{
	struct registration other = with_call_id("b", linphone(1, "<sip:alice@192.168.1.11>"));
	struct sip_message message;

	exchange(OTHER, other);
	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(OTHER, linphone(2, PUBLIC(OTHER)));
	cr_assert_eq(contact_count(&message), 2);
	cr_expect(text_equal(
		message.contacts[0].name_addr.value, TEXT("<" REPAIRED(PHONE) ">;expires=0")));
}

Test(ghosts_learnt, where_no_contact_is_repaired_none_is_taken_back)
{
	struct sip_message message;

	phones_border->settings.nat.fix_contact = false;
	exchange(PHONE, linphone(1, PRIVATE));
	message = sends(PHONE, linphone(2, PUBLIC(PHONE)));
	cr_expect_eq(contact_count(&message), 1);
}

/* What it gets lists nothing but what it has written itself. */
TestOfBoth(ghosts_learnt, a_phone_does_not_see_what_was_taken_back_elsewhere)
{
	struct sip_message message;

	registrar.keeps_all = true;
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(MOVED, linphone(2, PUBLIC(MOVED)));
	message = passed_on();
	cr_expect_eq(contact_count(&message), 1);
	cr_expect(
		text_equal(message.contacts[0].name_addr.value, TEXT(PUBLIC(MOVED) ";expires=60")));
}

/* The registrar goes on listing what it was to take back: that is the phone's own, too. */
Test(ghosts_learnt, a_phone_sees_what_it_has_written_itself)
{
	struct sip_message message;

	registrar.keeps_all = registrar.compares_bytes = true;
	exchange(PHONE, linphone(1, PRIVATE));
	exchange(PHONE, linphone(2, PUBLIC(PHONE)));
	message = passed_on();
	cr_assert_eq(contact_count(&message), 2);
	cr_expect(text_equal(message.contacts[0].name_addr.value, TEXT(PRIVATE ";expires=60")));
	cr_expect(
		text_equal(message.contacts[1].name_addr.value, TEXT(PUBLIC(PHONE) ";expires=60")));
}

static struct sip_message sent_behind_another(const char *client, struct registration request)
{
	struct sip_message message = sends(client, request);

	cr_assert(bindings_take(&registrar, &message));
	border_answer(phones_border, client, 200, request);
	return message;
}

/* Another natbox, nearer to the registrar, has given its private Contact back. */
TestOfBoth(ghosts_learnt, what_another_natbox_has_given_back_is_taken_back_as_it_was_repaired)
{
	sent_behind_another(PHONE, linphone(1, PRIVATE));
	bound_are(REPAIRED(PHONE));
	sent_behind_another(PHONE, linphone(2, PUBLIC(PHONE)));
	bound_are(PUBLIC_URI(PHONE));
}

/* As pjsip does, the phone writes its public address in Via, too, and its private one nowhere. */
TestOfBoth(ghosts_learnt, so_is_what_the_phone_names_nowhere_any_more)
{
	struct registration learnt = linphone(2, PUBLIC(PHONE)), moved = linphone(4, PUBLIC(MOVED));

	sent_behind_another(PHONE, linphone(1, PRIVATE));
	learnt.via = PHONE;
	sent_behind_another(PHONE, learnt);
	bound_are(PUBLIC_URI(PHONE));
	learnt.cseq = 3;
	sent_behind_another(MOVED, learnt);
	bound_are(WITH_PUBLIC(MOVED, "203.0.113.1-5061"));
	moved.via = MOVED;
	sent_behind_another(MOVED, moved);
	bound_are(PUBLIC_URI(MOVED));
}

/* And a public address of before, where its Via stays as it was. */
TestOfBoth(ghosts_learnt, so_is_an_address_that_it_had_learnt_before)
{
	sent_behind_another(PHONE, linphone(1, PRIVATE));
	sent_behind_another(PHONE, linphone(2, PUBLIC(PHONE)));
	sent_behind_another(OTHER, linphone(3, PUBLIC(PHONE)));
	bound_are(WITH_PUBLIC(OTHER, "203.0.113.1-5061"));
	sent_behind_another(OTHER, linphone(4, PUBLIC(OTHER)));
	bound_are(PUBLIC_URI(OTHER));
}

/* Switched off and on, it comes from elsewhere, under another Call-ID, and has forgotten what it
 * had learnt; but it names its instance. */
TestOfBoth(ghosts_learnt, a_phone_of_an_instance_that_forgets_where_it_was_is_bound_once)
{
	struct registration again = linphone(3, PRIVATE NAMED);

	exchange(PHONE, linphone(1, PRIVATE NAMED));
	exchange(PHONE, linphone(2, PUBLIC(PHONE) NAMED));
	bound_are(PUBLIC_URI(PHONE));
	again.call_id = "again";
	exchange(MOVED, again);
	bound_are(REPAIRED(MOVED));
}

Test(ghosts_learnt, but_not_where_it_is_another_instance)
{
	struct registration other = linphone(3, PRIVATE ";+sip.instance=\"<urn:uuid:2>\"");
	struct sip_message message;

	exchange(PHONE, linphone(2, PUBLIC(PHONE) NAMED));
	message = sends(MOVED, other);
	cr_expect_eq(contact_count(&message), 1);
}

TestOfBoth(ghosts_learnt, what_was_repaired_is_taken_back_where_nothing_else_is_changed)
{
	phones_border->settings.nat.fix_via = FIX_VIA_NO;
	exchange(PHONE, (struct registration){0});
	exchange(PHONE,
		(struct registration){.cseq = 2, .via = PHONE, .contact = "<sip:alice@" PHONE ">"});
	bound_are("sip:alice@" PHONE);
}
