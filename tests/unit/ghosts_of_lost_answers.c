/* What a registrar has bound of a phone whose NAT gives it a new port before the answer is there:
 * that goes to the old one, and the phone sends its REGISTER again from the new one. */
#include "registrar.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <natbox/endpoints.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:6000"
#define AGAIN "203.0.113.1:7000"
#define OTHER "203.0.113.1:8000"

#define URI_AT(place) "sip:alice@" place ";natbox=192.168.1.10-5060"

TestSuite(ghosts_of_lost_answers, .init = registrar_open, .fini = registrar_close);

/* The registrar has it; its answer is still to come. */
static void arrives(const char *client, struct registration request)
{
	struct sip_message message = sends(client, request);

	cr_assert(bindings_take(&registrar, &message));
}

static void is_kept_at(const char *client)
{
	struct endpoints *endpoints = engine_endpoints(phones_border->engine);

	cr_expect_eq(endpoints->endpoints.count, 1);
	cr_expect(endpoint_find(endpoints, &(struct address[]){at(client)}[0], 0));
}

/* A registrar takes nothing back for a CSeq that it has seen (RFC 3261 10.3): the next one does. */
TestOfBoth(ghosts_of_lost_answers, a_register_that_was_answered_comes_again_from_a_new_port)
{
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){0});
	bound_are(URI_AT(PHONE), URI_AT(MOVED));
	exchange(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(MOVED));
	is_kept_at(MOVED);
	exchange(AGAIN, (struct registration){.cseq = 2});
	exchange(AGAIN, (struct registration){.cseq = 3, .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

TestOfBoth(ghosts_of_lost_answers, so_does_one_that_has_moved_the_phone_already)
{
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2});
	exchange(AGAIN, (struct registration){.cseq = 2});
	bound_are(URI_AT(MOVED), URI_AT(AGAIN));
	exchange(OTHER, (struct registration){.cseq = 3});
	bound_are(URI_AT(OTHER));
	is_kept_at(OTHER);
}

TestOfBoth(ghosts_of_lost_answers, so_does_one_that_is_not_answered_yet)
{
	arrives(PHONE, (struct registration){0});
	arrives(MOVED, (struct registration){0});
	is_answered(PHONE, (struct registration){0});
	is_answered(MOVED, (struct registration){0});
	bound_are(URI_AT(PHONE), URI_AT(MOVED));
	exchange(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(MOVED));
	is_kept_at(MOVED);
}

/* With the next CSeq. The answers come in either order. */
TestOfBoth(ghosts_of_lost_answers, so_does_the_next_one_while_that_is_not_answered_yet)
{
	arrives(PHONE, (struct registration){0});
	arrives(MOVED, (struct registration){.cseq = 2});
	is_answered(PHONE, (struct registration){0});
	is_answered(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(PHONE), URI_AT(MOVED));
	exchange(MOVED, (struct registration){.cseq = 3});
	bound_are(URI_AT(MOVED));
	is_kept_at(MOVED);
}

TestOfBoth(ghosts_of_lost_answers, or_whose_answer_comes_last)
{
	arrives(PHONE, (struct registration){0});
	arrives(MOVED, (struct registration){.cseq = 2});
	is_answered(MOVED, (struct registration){.cseq = 2});
	is_answered(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 3});
	bound_are(URI_AT(MOVED));
	is_kept_at(MOVED);
}

/* Both times it sees one Contact, its own. */
TestOfBoth(ghosts_of_lost_answers, that_comes_twice_and_is_answered_alike)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	for (unsigned i = 0; i < 2; i++) {
		exchange(MOVED, (struct registration){0});
		message = passed_on();
		cr_expect_eq(contact_count(&message), 1);
		cr_expect(text_equal(message.contacts[0].name_addr.value, TEXT(OWN ";expires=60")));
	}
}

/* A REGISTER takes two back, the next one what is left. */
TestOfBoth(ghosts_of_lost_answers, one_that_comes_from_four_places_leaves_one)
{
	const char *const places[] = {PHONE, MOVED, AGAIN, OTHER};

	for (unsigned i = 0; i < 4; i++)
		arrives(places[i], (struct registration){0});
	for (unsigned i = 0; i < 4; i++)
		is_answered(places[i], (struct registration){0});
	bound_are(URI_AT(PHONE), URI_AT(MOVED), URI_AT(AGAIN), URI_AT(OTHER));
	exchange(OTHER, (struct registration){.cseq = 2});
	cr_expect_eq(registrar.count, 2);
	exchange(OTHER, (struct registration){.cseq = 3});
	bound_are(URI_AT(OTHER));
	is_kept_at(OTHER);
}

TestOfBoth(ghosts_of_lost_answers, nor_does_one_with_several_contacts_leave_any)
{
	struct registration both = {.contact = OWN ", <sip:bob@192.168.1.10:5060>"};

	exchange(PHONE, both);
	exchange(MOVED, both);
	cr_expect_eq(registrar.count, 4);
	both.cseq = 2;
	exchange(MOVED, both);
	bound_are(URI_AT(MOVED), "sip:bob@" MOVED ";natbox=192.168.1.10-5060");
	is_kept_at(MOVED);
}

Test(ghosts_of_lost_answers, what_was_bound_twice_is_taken_back_once)
{
	struct sip_message message;

	registrar.keeps_all = registrar.compares_bytes = true;
	arrives(PHONE, (struct registration){0});
	arrives(MOVED, (struct registration){0});
	is_answered(PHONE, (struct registration){0});
	is_answered(MOVED, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2});
	message = sends(MOVED, (struct registration){.cseq = 3});
	cr_expect_eq(contact_count(&message), 1);
}

Test(ghosts_of_lost_answers, a_phone_does_not_see_where_it_was_bound_before)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){0});
	bound_are(URI_AT(PHONE), URI_AT(MOVED));
	message = passed_on();
	cr_assert_eq(contact_count(&message), 1);
	cr_expect(text_equal(message.contacts[0].name_addr.value, TEXT(OWN ";expires=60")));
}

/* Where that may be another phone's, it sees both. */
TestOfBoth(ghosts_of_lost_answers, a_phone_sees_what_another_has_where_it_was_bound_before)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){.call_id = "b",
				.via = "192.168.1.20",
				.contact = "<sip:alice@192.168.1.20>"});
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){0});
	cr_expect_eq(registrar.count, 3);
	message = passed_on();
	cr_expect_eq(contact_count(&message), 3);
}

/* Nobody has repaired it where the phone stood first. */
Test(ghosts_of_lost_answers, a_phone_sees_what_it_has_written_itself)
{
	const struct registration public = {.contact = "<sip:alice@" PHONE ">"};
	struct sip_message message;

	exchange(PHONE, public);
	exchange(MOVED, public);
	bound_are("sip:alice@" PHONE, "sip:alice@" MOVED ";natbox=203.0.113.1-5061");
	message = passed_on();
	cr_expect_eq(contact_count(&message), 2);
}

/* By a phone that does not know how to number its requests otherwise. */
Test(ghosts_of_lost_answers, a_branch_that_is_used_again_is_another_request)
{
	const char *branch = "z9hG4bK-one";
	struct sip_message message;

	registrar.keeps_all = registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){.branch = branch});
	exchange(MOVED, (struct registration){.cseq = 2, .branch = branch});
	message = sends(MOVED, (struct registration){.cseq = 3});
	cr_expect_eq(contact_count(&message), 1);
}

TestOfBoth(ghosts_of_lost_answers, so_does_one_of_a_phone_that_moves_twice_meanwhile)
{
	exchange(PHONE, (struct registration){0});
	arrives(MOVED, (struct registration){.cseq = 2});
	arrives(AGAIN, (struct registration){.cseq = 2});
	is_answered(MOVED, (struct registration){.cseq = 2});
	is_answered(AGAIN, (struct registration){.cseq = 2});
	exchange(AGAIN, (struct registration){.cseq = 3});
	bound_are(URI_AT(AGAIN));
	is_kept_at(AGAIN);
	exchange(AGAIN, (struct registration){.cseq = 4, .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

TestOfBoth(ghosts_of_lost_answers, a_phone_that_was_bound_twice_may_unregister)
{
	arrives(PHONE, (struct registration){0});
	arrives(MOVED, (struct registration){0});
	is_answered(PHONE, (struct registration){0});
	is_answered(MOVED, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2, .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

/* The challenge goes to the old port, and the phone sends its credentials from the new one, maybe
 * after it has got another challenge there. */
TestOfBoth(ghosts_of_lost_answers, a_challenge_that_goes_to_the_old_port_leaves_nothing_there)
{
	const struct registration again = {.cseq = 2, .branch = "z9hG4bK-again"};

	exchange(PHONE, (struct registration){0});
	sends(MOVED, again);
	border_answer(phones_border, MOVED, 401, again);
	sends(AGAIN, again);
	border_answer(phones_border, AGAIN, 401, again);
	exchange(AGAIN, (struct registration){.cseq = 3});
	bound_are(URI_AT(AGAIN));
	is_kept_at(AGAIN);
}

TestOfBoth(ghosts_of_lost_answers, a_phone_that_gives_up_and_registers_anew_leaves_nothing)
{
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2, .branch = "z9hG4bK-new"});
	bound_are(URI_AT(MOVED));
	is_kept_at(MOVED);
}

TestOfBoth(ghosts_of_lost_answers, an_unregister_comes_again_from_a_new_port)
{
	const struct registration leave = {.cseq = 2, .expires = "0"};

	exchange(PHONE, (struct registration){0});
	exchange(PHONE, leave);
	exchange(MOVED, leave);
	cr_expect_eq(registrar.count, 0);
	cr_expect_eq(engine_endpoints(phones_border->engine)->endpoints.count, 0);
}

/* Two that are set up alike, with one Call-ID, and count alike: their branches are their own. */
Test(ghosts_of_lost_answers, two_phones_that_count_alike_take_back_nothing_of_each_other)
{
	const struct registration other = {.branch = "z9hG4bK-other", .cseq = 1};

	registrar.compares_bytes = true;
	arrives(PHONE, (struct registration){0});
	arrives(MOVED, other);
	is_answered(PHONE, (struct registration){0});
	is_answered(MOVED, other);
	bound_are(URI_AT(PHONE), URI_AT(MOVED));
	exchange(PHONE, (struct registration){.cseq = 2});
	exchange(MOVED, (struct registration){.branch = "z9hG4bK-other2", .cseq = 2});
	cr_expect_eq(registrar.count, 2);
}

/* As long as answers may come, and no longer. */
Test(ghosts_of_lost_answers, what_comes_again_too_late_is_not_known_any_more)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	border_wait(phones_border, 33);
	exchange(MOVED, (struct registration){0});
	message = sends(MOVED, (struct registration){.cseq = 2});
	cr_expect_eq(contact_count(&message), 1);
}

Test(ghosts_of_lost_answers, what_comes_again_takes_back_nothing_itself)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	message = sends(MOVED, (struct registration){0});
	cr_expect_eq(contact_count(&message), 1);
}
