/* What a registrar has bound after a phone has moved behind its NAT: one that compares Contacts as
 * RFC 3261 19.1.4 says, and one that compares their bytes. */
#include "registrar.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:6000"
#define AGAIN "203.0.113.1:7000"
#define OTHER "203.0.113.9:1024"

#define ELSEWHERE           "<sip:alice@192.168.1.11:5060>"
#define URI_AT(place)       "sip:alice@" place ";natbox=192.168.1.10-5060"
#define OTHER_URI_AT(place) "sip:alice@" place ";natbox=192.168.1.11-5060"

TestSuite(ghosts, .init = registrar_open, .fini = registrar_close);

static bool are_equal(const char *one, const char *other)
{
	struct sip_uri left, right;

	cr_assert_eq(sip_uri_parse(text_from(one), &left), 0);
	cr_assert_eq(sip_uri_parse(text_from(other), &right), 0);
	cr_assert_eq(uris_are_equal(&left, &right), uris_are_equal(&right, &left));
	return uris_are_equal(&left, &right);
}

/* The examples of RFC 3261 19.1.4, and what natbox adds. */
Test(ghosts, the_registrar_compares_as_rfc_3261_has_it)
{
	cr_expect(are_equal(
		"sip:%61lice@example.com;transport=TCP", "sip:alice@EXAMPLE.com;Transport=tcp"));
	cr_expect(are_equal("sip:carol@example.com", "sip:carol@example.com;newparam=5"));
	cr_expect(
		are_equal("sip:carol@example.com;security=on", "sip:carol@example.com;newparam=5"));
	cr_expect_not(are_equal(
		"sip:carol@example.com;security=on", "sip:carol@example.com;security=off"));
	cr_expect_not(are_equal("SIP:ALICE@example.com", "sip:alice@example.com"));
	cr_expect_not(are_equal("sip:bob@example.com", "sip:bob@example.com:5060"));
	cr_expect_not(are_equal("sip:bob@example.com", "sip:bob@example.com;transport=udp"));
	cr_expect_not(are_equal("sip:carol@example.com", "sip:carol@example.com?Subject=next"));
	cr_expect_not(are_equal("sip:example.com", "sip:carol@example.com"));
	cr_expect(are_equal(URI_AT(PHONE), "sip:alice@" PHONE));
	cr_expect_not(are_equal(URI_AT(PHONE), URI_AT(MOVED)));
	cr_expect_not(are_equal(URI_AT(PHONE), OTHER_URI_AT(PHONE)));
}

/* A registrar that compares bytes has two where one that compares URIs has one. */
Test(ghosts, the_two_ways_of_comparing_differ)
{
	for (int bytes = 0; bytes < 2; bytes++) {
		registrar = (struct bindings){.compares_bytes = bytes};
		exchange(PHONE, (struct registration){0});
		exchange(PHONE,
			(struct registration){.call_id = "b", .contact = "<sip:alice@" PHONE ">"});
		cr_expect_eq(registrar.count, bytes ? 2 : 1);
	}
}

/* Which of them stood at the old place nobody knows. */
Test(ghosts, two_contacts_that_are_alike_take_back_nothing)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	message = sends(MOVED, (struct registration){.cseq = 2, .contact = OWN ", " OWN ";q=0.5"});
	cr_expect_eq(contact_count(&message), 2);
}

/* At two places, as the registrar has it: in two homes private addresses are the same. */
Test(ghosts, where_two_may_have_moved_nothing_is_taken_back)
{
	struct sip_message message;

	registrar.keeps_all = registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){0});
	exchange(OTHER, (struct registration){.cseq = 2});
	bound_are(URI_AT(PHONE), URI_AT(OTHER));
	message = sends(MOVED, (struct registration){.cseq = 3});
	cr_expect_eq(contact_count(&message), 1);
}

TestOfBoth(ghosts, a_phone_at_a_new_address_leaves_none_at_the_old_one)
{
	exchange(PHONE, (struct registration){0});
	bound_are(URI_AT(PHONE));
	exchange(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(MOVED));
	exchange(MOVED, (struct registration){.cseq = 3});
	exchange(AGAIN, (struct registration){.cseq = 4});
	bound_are(URI_AT(AGAIN));
	exchange(OTHER, (struct registration){.cseq = 5});
	bound_are(URI_AT(OTHER));
	exchange(OTHER, (struct registration){.cseq = 6, .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

#define BY_TCP  "sip:alice@192.168.1.10:5060;transport=tcp"
#define BY_MAIL "mailto:alice@example.com"

TestOfBoth(ghosts, a_phone_with_contacts_that_need_no_repair_leaves_none_of_the_one_that_does)
{
	const char *const lists[] = {"<sip:alice@192.168.1.10:5060>, <" BY_TCP ">",
		"<" BY_TCP ">, <" BY_MAIL ">, <sip:alice@192.168.1.10:5060>"};

	for (unsigned i = 0; i < 2; i++) {
		struct registration request = {
			.call_id = i ? "j" : "i", .contact = lists[i], .cseq = 1};

		exchange(PHONE, request);
		cr_expect_eq(registrar.count, 2 + i);
		request.cseq = 2;
		exchange(MOVED, request);
		cr_expect_eq(registrar.count, 2 + i);
		request.cseq = 3;
		request.expires = "0";
		exchange(AGAIN, request);
		cr_expect_eq(registrar.count, 0);
	}
}

Test(ghosts, the_old_binding_is_taken_back_before_the_new_one_is_made)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	message = sends(MOVED, (struct registration){.cseq = 2});
	cr_assert_eq(message.contact_count, 2);
	cr_expect(text_equal(
		message.contacts[0].name_addr.value, TEXT("<" URI_AT(PHONE) ">;expires=0")));
	cr_expect(text_equal(message.contacts[1].name_addr.value, TEXT("<" URI_AT(MOVED) ">")));
}

TestOfBoth(ghosts, a_phone_may_unregister_from_a_new_port)
{
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2, .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

Test(ghosts, a_star_takes_back_all_by_itself)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	message = sends(MOVED, (struct registration){.cseq = 2, .contact = "*", .expires = "0"});
	cr_expect_eq(contact_count(&message), 1);
}

Test(ghosts, a_request_that_is_challenged_is_sent_again_with_what_it_takes_back)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	message = sends(MOVED, (struct registration){.cseq = 2});
	cr_expect_eq(contact_count(&message), 2);
	border_answer(phones_border, MOVED, 401, (struct registration){.cseq = 2});
	exchange(MOVED, (struct registration){.cseq = 3});
	bound_are(URI_AT(MOVED));
}

Test(ghosts, a_retransmission_takes_back_the_same)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	sends(MOVED, (struct registration){.cseq = 2});
	message = sends(MOVED, (struct registration){.cseq = 2});
	cr_expect_eq(contact_count(&message), 2);
}

Test(ghosts, a_contact_without_brackets_is_taken_back_as_it_was_repaired)
{
	const char *bare = "sip:alice@192.168.1.10:5060";

	registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){.contact = bare});
	exchange(MOVED, (struct registration){.cseq = 2, .contact = bare});
	bound_are("sip:alice@" MOVED ";natbox=-192.168.1.10-5060");
}

/* The registrar goes on listing what it was to take back. */
Test(ghosts, a_phone_does_not_see_what_was_taken_back)
{
	struct sip_message message;

	registrar.keeps_all = registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(PHONE), URI_AT(MOVED));
	message = passed_on();
	cr_assert_eq(contact_count(&message), 1);
	cr_expect(text_equal(message.contacts[0].name_addr.value, TEXT(OWN ";expires=60")));
}

/* The answer to the first has come, and is lost behind natbox. */
Test(ghosts, nor_in_the_answer_to_a_retransmission)
{
	struct sip_message message;

	registrar.keeps_all = registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2});
	border_wait(phones_border, 31);
	sends(MOVED, (struct registration){.cseq = 2});
	is_answered(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(PHONE), URI_AT(MOVED));
	message = passed_on();
	cr_assert_eq(contact_count(&message), 1);
	cr_expect(text_equal(message.contacts[0].name_addr.value, TEXT(OWN ";expires=60")));
}

/* Two that were set up from one copy, each with its own private address. */
Test(ghosts, two_phones_of_one_aor_and_call_id_take_back_nothing_of_each_other)
{
	const struct registration other = {.cseq = 2, .contact = ELSEWHERE};

	exchange(PHONE, (struct registration){0});
	exchange(OTHER, other);
	bound_are(URI_AT(PHONE), OTHER_URI_AT(OTHER));
	exchange(MOVED, (struct registration){.cseq = 3});
	bound_are(OTHER_URI_AT(OTHER), URI_AT(MOVED));
}

/* A router that is switched off and on deals its ports anew. The places are those of the phones
 * after that, the first of which comes first. */
static void deal_ports(const char *first, const char *second)
{
	const struct registration one = {.call_id = "a"},
				  two = {.call_id = "b", .contact = ELSEWHERE};
	struct registration leaves = {
		.call_id = "b", .cseq = 4, .contact = ELSEWHERE, .expires = "0"};
	struct registration request = two;

	exchange(PHONE, one);
	exchange(MOVED, two);
	request.cseq = 2;
	exchange(first, request);
	request = one;
	request.cseq = 2;
	exchange(second, request);
	cr_expect_eq(registrar.count, 2);
	request.cseq = 3;
	exchange(second, request);
	cr_expect_eq(registrar.count, 2);
	exchange(first, leaves);
	cr_expect_eq(registrar.count, 1);
	request.cseq = 4;
	request.expires = "0";
	exchange(second, request);
	cr_expect_eq(registrar.count, 0);
}

static void ports_are_swapped(void)
{
	deal_ports(PHONE, MOVED);
}

static void a_port_is_given_on(void)
{
	deal_ports(PHONE, AGAIN);
}

Test(ghosts, a_phone_that_is_given_the_port_of_another_leaves_the_other_no_ghost)
{
	for_both(ports_are_swapped);
	for_both(a_port_is_given_on);
}

Test(ghosts, a_phone_sees_the_one_that_has_its_old_place_now)
{
	struct registration other = {.call_id = "b", .contact = ELSEWHERE};
	struct sip_message message;

	exchange(PHONE, (struct registration){.call_id = "a"});
	exchange(MOVED, other);
	other.cseq = 2;
	exchange(PHONE, other);
	exchange(MOVED, (struct registration){.call_id = "a", .cseq = 2});
	message = passed_on();
	cr_expect_eq(contact_count(&message), 2);
}

/* One that is late, or of another phone with a count of its own. */
Test(ghosts, a_cseq_that_is_not_higher_takes_back_nothing)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){.cseq = 7});
	message = sends(MOVED, (struct registration){.cseq = 7, .branch = "z9hG4bK-late"});
	cr_expect_eq(contact_count(&message), 1);
	message = sends(MOVED, (struct registration){.cseq = 6});
	cr_expect_eq(contact_count(&message), 1);
}

/* Such numbers are of no more than 31 bits: what a registrar makes of others is not known. */
Test(ghosts, a_cseq_that_is_too_high_takes_back_nothing)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){.cseq = 0x80000005});
	message = sends(MOVED, (struct registration){.cseq = 0x80000005, .branch = "z9hG4bK-late"});
	cr_expect_eq(contact_count(&message), 1);
	message = sends(MOVED, (struct registration){.cseq = 0x80000006});
	cr_expect_eq(contact_count(&message), 1);
	message = sends(MOVED, (struct registration){.cseq = 6});
	cr_expect_eq(contact_count(&message), 1);
}

#define NAMED OWN ";+sip.instance=\"<urn:uuid:1>\""

TestOfBoth(ghosts, a_phone_that_names_its_instance_may_come_back_with_another_call_id)
{
	exchange(PHONE, (struct registration){.cseq = 5, .contact = NAMED});
	exchange(MOVED, (struct registration){.call_id = "b", .contact = NAMED});
	bound_are(URI_AT(MOVED));
	exchange(AGAIN, (struct registration){.call_id = "c", .contact = NAMED, .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

Test(ghosts, what_it_had_sent_with_a_call_id_of_before_takes_back_nothing)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){.cseq = 5, .contact = NAMED});
	exchange(MOVED, (struct registration){.cseq = 6, .contact = NAMED});
	message = sends(AGAIN, (struct registration){.cseq = 4, .contact = NAMED});
	cr_expect_eq(contact_count(&message), 1);
}

Test(ghosts, who_stands_there_already_takes_back_nothing)
{
	struct sip_message message;

	registrar.keeps_all = registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2});
	message = sends(PHONE, (struct registration){.cseq = 3});
	cr_expect_eq(contact_count(&message), 1);
	message = sends(MOVED, (struct registration){.cseq = 4});
	cr_expect_eq(contact_count(&message), 1);
}

/* Another phone has a Contact there that nobody repairs. */
Test(ghosts, what_another_phone_has_bound_too_is_not_taken_back)
{
	struct sip_message message;

	registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){0});
	exchange(OTHER, (struct registration){.call_id = "b", .contact = "<sip:alice@" PHONE ">"});
	bound_are(URI_AT(PHONE), "sip:alice@" PHONE);
	message = sends(MOVED, (struct registration){.cseq = 2});
	cr_expect_eq(contact_count(&message), 1);
}

Test(ghosts, where_no_contact_is_repaired_none_is_taken_back)
{
	struct registration moved = {.cseq = 2, .contact = OWN, .expires = "60"};

	phones_border->settings.nat.fix_contact = false;
	exchange(PHONE, (struct registration){0});
	border_register(phones_border, MOVED, moved);
	cr_expect_null(memmem(phones_border->outcome.bytes.at, phones_border->outcome.bytes.length,
		"expires=0", strlen("expires=0")));
}

/* pjsip's way: the address that it has just learnt, and its private one taken back. */
TestOfBoth(ghosts, a_phone_may_swap_its_private_contact_for_its_public_one)
{
	const char *both = "<sip:alice@" PHONE ">, " OWN ";expires=0";

	exchange(PHONE, (struct registration){0});
	exchange(PHONE, (struct registration){.cseq = 2, .contact = both});
	bound_are("sip:alice@" PHONE);
}

/* The old public one stands there as the phone wrote it. */
TestOfBoth(ghosts, a_phone_may_take_back_the_public_contact_that_it_had)
{
	const char *both = "<sip:alice@" PHONE ">;expires=0, <sip:alice@" MOVED ">";

	exchange(PHONE, (struct registration){.contact = "<sip:alice@" PHONE ">"});
	exchange(MOVED, (struct registration){.cseq = 2, .contact = both});
	bound_are("sip:alice@" MOVED);
}

TestOfBoth(ghosts, so_it_may_behind_the_one_that_it_has_now)
{
	const char *both = "<sip:alice@" MOVED ">, <sip:alice@" PHONE ">;expires=0";

	exchange(PHONE, (struct registration){.contact = "<sip:alice@" PHONE ">"});
	exchange(MOVED, (struct registration){.cseq = 2, .contact = both});
	bound_are("sip:alice@" MOVED);
}

TestOfBoth(ghosts, a_phone_may_swap_its_contact_when_it_has_moved)
{
	const char *both = "<sip:alice@" MOVED ">, " OWN ";expires=0";

	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2, .contact = both});
	bound_are("sip:alice@" MOVED);
}

TestOfBoth(ghosts, a_phone_may_swap_its_public_contact_for_its_private_one)
{
	const char *both = OWN ", <sip:alice@" PHONE ">;expires=0";

	exchange(PHONE, (struct registration){.contact = "<sip:alice@" PHONE ">"});
	exchange(PHONE, (struct registration){.cseq = 2, .contact = both});
	bound_are(URI_AT(PHONE));
}

/* What another natbox, nearer to the phone, has made of a REGISTER. */
TestOfBoth(ghosts, what_another_natbox_has_taken_back_is_left_to_it)
{
	exchange(PHONE, (struct registration){.contact = "<" URI_AT(PHONE) ">"});
	exchange(MOVED, (struct registration){.cseq = 2,
				.contact = "<" URI_AT(PHONE) ">;expires=0, <" URI_AT(MOVED) ">"});
	bound_are(URI_AT(MOVED));
}

/* Of another phone of the same address of record, beside the one of all these stories. */
static const struct registration beside = {
	.call_id = "b", .contact = ELSEWHERE, .via = "192.168.1.11:5060"};

/* A phone behind the same NAT that has read in its answer what is bound. */
TestOfBoth(ghosts, a_phone_may_take_back_what_it_has_read_of_another)
{
	struct registration taken_back = beside;

	exchange(PHONE, (struct registration){0});
	exchange(MOVED, beside);
	bound_are(URI_AT(PHONE), OTHER_URI_AT(MOVED));
	taken_back.cseq = 2;
	taken_back.contact = "<" URI_AT(PHONE) ">;expires=0";
	exchange(MOVED, taken_back);
	bound_are(OTHER_URI_AT(MOVED));
}

TestOfBoth(ghosts, a_phone_that_takes_another_back_may_have_learnt_its_address)
{
	struct registration both = beside;

	exchange(PHONE, (struct registration){0});
	exchange(MOVED, beside);
	both.cseq = 2;
	both.contact = "<" URI_AT(PHONE) ">;expires=0, <sip:alice@" MOVED ">";
	exchange(MOVED, both);
	bound_are("sip:alice@" MOVED);
}

/* Another natbox, nearer to the registrar, gives the phone's own Contact back before this does. */
static void exchange_through_another_that_lists(
	const char *client, struct registration request, const char *list)
{
	struct sip_message message = sends(client, request);

	cr_assert(bindings_take(&registrar, &message));
	request.contact = list;
	border_answer(phones_border, client, 200, request);
}

static void exchange_through_another(const char *client, struct registration request)
{
	exchange_through_another_that_lists(
		client, request, request.contact ? request.contact : OWN);
}

TestOfBoth(ghosts, what_another_natbox_has_given_back_is_taken_back_as_it_was_repaired)
{
	exchange_through_another(PHONE, (struct registration){0});
	exchange_through_another(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(MOVED));
	exchange_through_another(AGAIN, (struct registration){.cseq = 3});
	bound_are(URI_AT(AGAIN));
	exchange_through_another(OTHER, (struct registration){.cseq = 4, .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

/* To each phone its own, and that of the other stands there as it was repaired. */
TestOfBoth(ghosts, what_another_natbox_gives_back_to_one_phone_alone_is_still_bound_for_each)
{
	exchange_through_another(PHONE, (struct registration){0});
	border_forget(phones_border);
	exchange_through_another_that_lists(OTHER, beside, "<" URI_AT(PHONE) ">, " ELSEWHERE);
	cr_expect_null(strstr(phones_border->log, "reason-end"), "%s", phones_border->log);
	exchange_through_another_that_lists(
		MOVED, (struct registration){.cseq = 2}, OWN ", <" OTHER_URI_AT(OTHER) ">");
	bound_are(OTHER_URI_AT(OTHER), URI_AT(MOVED));
}

/* Of two homes with the same private addresses. */
TestOfBoth(ghosts, what_was_given_back_to_two_phones_is_taken_back_of_the_one_that_moves)
{
	const char *both = OWN ", " OWN;

	exchange_through_another(PHONE, (struct registration){0});
	bindings_take(&registrar,
		&(struct sip_message[]){sends(OTHER, (struct registration){.call_id = "b"})}[0]);
	border_answer(
		phones_border, OTHER, 200, (struct registration){.call_id = "b", .contact = both});
	bound_are(URI_AT(PHONE), URI_AT(OTHER));
	exchange_through_another(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(OTHER), URI_AT(MOVED));
}

/* Who has got the old mapping may be bound as what would be taken back. */
Test(ghosts, what_was_given_back_is_not_taken_back_where_another_phone_stands_now)
{
	const struct registration other = {.call_id = "b", .contact = ELSEWHERE ", " OWN};
	struct sip_message message;

	exchange_through_another(PHONE, (struct registration){0});
	sends(PHONE, (struct registration){.call_id = "b", .contact = ELSEWHERE});
	border_answer(phones_border, PHONE, 200, other);
	message = sends(MOVED, (struct registration){.cseq = 2});
	cr_expect_eq(contact_count(&message), 1);
}

/* The old binding has run out at the registrar, which knows nothing to take back. */
TestOfBoth(ghosts, a_binding_that_is_gone_already_is_taken_back_in_vain)
{
	exchange(PHONE, (struct registration){0});
	registrar.count = 0;
	exchange(MOVED, (struct registration){.cseq = 2});
	bound_are(URI_AT(MOVED));
}

/* It wrote its public address itself, and goes on doing so. */
TestOfBoth(ghosts, a_public_contact_that_is_no_longer_right_is_taken_back)
{
	const char *public = "<sip:alice@" PHONE ">";

	exchange(PHONE, (struct registration){.contact = public});
	bound_are("sip:alice@" PHONE);
	exchange(MOVED, (struct registration){.cseq = 2, .contact = public});
	bound_are("sip:alice@" MOVED ";natbox=203.0.113.1-5061");
}
