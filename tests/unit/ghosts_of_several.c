/* What a registrar has bound of a phone that has two Contacts behind one port of its NAT, in one
 * REGISTER or in one for each. */
#include "registrar.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:6000"
#define AGAIN "203.0.113.9:1024"

TestSuite(ghosts_of_several, .init = registrar_open, .fini = registrar_close);

/* Two that a registrar has as two, whether it compares as RFC 3261 says or by bytes. */
static const char *const pairs[][2] = {
	{"sip:alice@192.168.1.10:5060", "sip:alice@192.168.1.10:5060;transport=udp"},
	{"sip:alice@192.168.1.10:5060;transport=UDP", "sip:alice@192.168.1.10:5060"},
	{"sip:alice@192.168.1.10:5060", "sip:alice@192.168.1.10:5060;transport=tcp"},
	{"sip:alice@192.168.1.10:5060", "sip:alice@192.168.1.10:5060;ob;user=phone"},
	{"sip:alice@192.168.1.10:5060;user=ip", "sip:alice@192.168.1.10:5060;user=phone"},
	{"sip:alice@192.168.1.10:5060;line=1", "sip:alice@192.168.1.10:5060;line=2"},
	{"sip:alice@192.168.1.10:5060;line=1;maddr=192.168.1.10",
		"sip:alice@192.168.1.10:5060;line=2;maddr=192.168.1.10"},
	{"sip:alice@192.168.1.10:5060", "sip:bob@192.168.1.10:5060"},
	{"sip:alice@192.168.1.10", "sip:192.168.1.10"},
};

enum { PAIRS = sizeof(pairs) / sizeof(*pairs) };

static const char *place;
static unsigned round_number;

/* In a REGISTER for each: by the same Call-ID, or by one of their own. */
static void registers_each(const char *const *pair, const char *other_call_id, const char *expires)
{
	const bool is_same = !strcmp(other_call_id, "a");

	round_number++;
	for (unsigned i = 0; i < 2; i++) {
		char contact[128];

		snprintf(contact, sizeof(contact), "<%s>", pair[i]);
		exchange(place, (struct registration){.call_id = i ? other_call_id : "a",
					.via = "192.168.1.10",
					.cseq = is_same ? 2 * round_number + i : round_number,
					.contact = contact,
					.expires = expires});
	}
}

static void registers_with_one_call_id(const char *const *pair, const char *expires)
{
	registers_each(pair, "a", expires);
}

static void registers_with_two_call_ids(const char *const *pair, const char *expires)
{
	registers_each(pair, "b", expires);
}

static void registers_both_as(const char *const *pair, struct registration registration)
{
	char contacts[256];

	snprintf(contacts, sizeof(contacts), "<%s>, <%s>", pair[0], pair[1]);
	registration.cseq = ++round_number;
	registration.contact = contacts;
	exchange(place, registration);
}

static void registers_both_at_once(const char *const *pair, const char *expires)
{
	registers_both_as(pair, (struct registration){.expires = expires});
}

static void moves_to(const char *new_place)
{
	place = new_place;
}

static unsigned bound_at(const char *where)
{
	unsigned count = 0;

	for (unsigned i = 0; i < registrar.count; i++)
		count += strstr(registrar.list[i].uri, where) != NULL;
	return count;
}

static void is_bound_twice_where_it_is(const char *const *pair)
{
	cr_expect_eq(registrar.count, 2, "%s, %s: %u", pair[0], pair[1], registrar.count);
	cr_expect_eq(bound_at(place) + bound_at("192.168.1.10:5060;transport=tcp"), 2, "%s, %s",
		pair[0], pair[1]);
}

static void move_about(
	const char *const *pair, void (*registers)(const char *const *pair, const char *expires))
{
	moves_to(PHONE);
	registers(pair, NULL);
	registers(pair, NULL);
	moves_to(MOVED);
	registers(pair, NULL);
	is_bound_twice_where_it_is(pair);
	moves_to(AGAIN);
	registers(pair, NULL);
	registers(pair, NULL);
	is_bound_twice_where_it_is(pair);
	registers(pair, "0");
	cr_expect_eq(registrar.count, 0, "%s, %s", pair[0], pair[1]);
	cr_expect_eq(
		engine_counters(phones_border->engine).endpoints, 0, "%s, %s", pair[0], pair[1]);
}

static void all_move_about(void (*registers)(const char *const *pair, const char *expires))
{
	for (unsigned i = 0; i < PAIRS; i++)
		move_about(pairs[i], registers);
}

TestOfBoth(ghosts_of_several, a_phone_that_registers_both_at_once_leaves_none_of_either)
{
	all_move_about(registers_both_at_once);
}

TestOfBoth(ghosts_of_several, also_of_other_ports_and_hosts)
{
	static const char *const others[][2] = {
		{"sip:alice@192.168.1.10:5060", "sip:bob@192.168.1.10:5062"},
		{"sip:alice@192.168.1.10:5062;line=1", "sip:bob@192.168.1.10"},
		{"sip:alice@192.168.1.10", "sip:alice@10.8.0.2:5060;user=phone"},
	};

	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		move_about(others[i], registers_both_at_once);
}

TestOfBoth(ghosts_of_several, whatever_its_users_are_called)
{
	enum { USERS = 600 };

	for (unsigned i = 0; i < USERS; i++) {
		char uri[64];
		const char *const pair[] = {"sip:alice@192.168.1.10:5060", uri};

		snprintf(uri, sizeof(uri), "sip:%u@192.168.1.10:5060", i);
		moves_to(PHONE);
		registers_both_at_once(pair, NULL);
		moves_to(MOVED);
		registers_both_at_once(pair, NULL);
		is_bound_twice_where_it_is(pair);
		registers_both_at_once(pair, "0");
	}
}

TestOfBoth(ghosts_of_several, nor_does_one_that_registers_one_after_the_other)
{
	all_move_about(registers_with_one_call_id);
}

TestOfBoth(ghosts_of_several, nor_do_two_lines_of_a_phone)
{
	all_move_about(registers_with_two_call_ids);
}

TestOfBoth(ghosts_of_several, nor_does_one_that_leaves_from_its_new_port)
{
	moves_to(PHONE);
	registers_both_at_once(pairs[0], NULL);
	moves_to(MOVED);
	registers_both_at_once(pairs[0], "0");
	cr_expect_eq(registrar.count, 0);
}

/* Whichever it takes back first. */
TestOfBoth(ghosts_of_several, a_phone_is_kept_until_it_has_taken_both_back)
{
	for (unsigned first = 0; first < 2; first++) {
		moves_to(PHONE);
		registers_both_at_once(pairs[7], NULL);
		for (unsigned i = 0; i < 2; i++) {
			char contact[64];

			snprintf(contact, sizeof(contact), "<%s>", pairs[7][i ^ first]);
			exchange(PHONE, (struct registration){.cseq = ++round_number,
						.contact = contact,
						.expires = "0"});
			cr_expect_eq(registrar.count, 1 - i);
			cr_expect_eq(engine_counters(phones_border->engine).endpoints, 1 - i);
		}
	}
}

/* It takes the old user back by itself, but where it is now. */
TestOfBoth(ghosts_of_several, nor_does_one_that_changes_its_user_as_it_moves)
{
	exchange(PHONE, (struct registration){0});
	exchange(MOVED, (struct registration){.cseq = 2,
				.contact = "<sip:bob@192.168.1.10:5060>, " OWN ";expires=0"});
	bound_are("sip:bob@" MOVED ";natbox=192.168.1.10-5060");
}

TestOfBoth(ghosts_of_several, a_contact_with_maddr_is_taken_back_as_it_was_repaired)
{
	const char *contact = "<sip:alice@192.168.1.10:5060;maddr=192.168.1.10>";

	exchange(PHONE, (struct registration){.contact = contact});
	exchange(MOVED, (struct registration){.cseq = 2, .contact = contact});
	bound_are("sip:alice@" MOVED ";natbox=192.168.1.10-5060*192.168.1.10");
}

/* It may have had addresses of its own that are in no private network. */
TestOfBoth(ghosts_of_several, each_is_taken_back_as_it_was_written)
{
	static const char *const squatted[] = {"sip:alice@30.0.0.5:5060", "sip:bob@30.0.0.5:5062"};
	const struct registration seen = {.via = "30.0.0.5"};

	moves_to(PHONE);
	registers_both_as(squatted, seen);
	moves_to(MOVED);
	registers_both_as(squatted, seen);
	is_bound_twice_where_it_is(squatted);
}

/* Each is a reason of its own, until it leaves. */
Test(ghosts_of_several, two_lines_of_a_phone_are_two_registrations)
{
	moves_to(PHONE);
	for (unsigned i = 0; i < PAIRS; i++) {
		registers_with_two_call_ids(pairs[i], NULL);
		registers_with_two_call_ids(pairs[i], NULL);
		cr_expect_eq(engine_counters(phones_border->engine).reasons, 2, "%s, %s",
			pairs[i][0], pairs[i][1]);
		registers_with_two_call_ids(pairs[i], "0");
	}
}

/* Both are listed, and who stands at the old place has another one. */
Test(ghosts_of_several, a_phone_at_the_old_place_with_other_parameters_is_not_taken_back)
{
	const struct registration other = {.call_id = "b", .contact = "<sip:alice@" PHONE ";ob>"};

	registrar.compares_bytes = true;
	exchange(PHONE, (struct registration){0});
	exchange(AGAIN, other);
	bound_are("sip:alice@" PHONE ";natbox=192.168.1.10-5060", "sip:alice@" PHONE ";ob");
	exchange(MOVED, (struct registration){.cseq = 2});
	cr_expect_eq(bound_at(PHONE), 2);
}

static const struct registration newcomer = {.call_id = "b",
	.via = "192.168.1.20",
	.contact = "<sip:alice@192.168.1.20;line=1>, <sip:carol@192.168.1.20>"};

/* That has another Call-ID, as if it were the same one, switched off and on. */
TestOfBoth(ghosts_of_several, nor_does_one_whose_old_place_another_phone_gets)
{
	const char *const pair[] = {"sip:alice@192.168.1.10", "sip:bob@192.168.1.10"};

	moves_to(PHONE);
	registers_both_at_once(pair, NULL);
	exchange(PHONE, newcomer);
	cr_expect_eq(bound_at(PHONE), 4);
	moves_to(MOVED);
	registers_both_at_once(pair, NULL);
	cr_expect_eq(bound_at(PHONE), 2);
	cr_expect_eq(bound_at(MOVED), 2);
}

/* Of the newcomer's the registrar has one, and there is another one of that user. */
TestOfBoth(ghosts_of_several, nor_one_that_is_listed_as_if_it_were_of_that_phone)
{
	struct registration alike = newcomer;

	alike.contact = "<sip:alice@192.168.1.20;line=1>, <sip:alice@192.168.1.20;ob>";
	exchange(PHONE, (struct registration){.contact = "<sip:alice@192.168.1.10;user=phone>"});
	exchange(PHONE, alike);
	cr_expect_eq(bound_at(PHONE), registrar.compares_bytes ? 3 : 2);
	exchange(MOVED,
		(struct registration){.cseq = 2, .contact = "<sip:alice@192.168.1.10;user=phone>"});
	cr_expect_eq(bound_at(PHONE), registrar.compares_bytes ? 2 : 1);
}

TestOfBoth(ghosts_of_several, a_phone_sees_each_that_another_has_at_its_old_place)
{
	struct sip_message message;

	exchange(PHONE, (struct registration){0});
	exchange(PHONE, newcomer);
	exchange(MOVED, (struct registration){.cseq = 2});
	cr_expect_eq(bound_at(PHONE), 2);
	message = passed_on();
	cr_expect_eq(contact_count(&message), 3);
}

/* So many users of one phone, or the one that it has now and those that it takes back. */
static const char *many(unsigned count, const char *expires)
{
	static char contacts[1024];
	size_t length = 0;

	for (unsigned i = 0; i < count; i++)
		length += (size_t)snprintf(contacts + length, sizeof(contacts) - length,
			"%s<sip:%u@192.168.1.10:5060>%s", i ? ", " : "", i, i ? expires : "");
	return contacts;
}

TestOfBoth(ghosts_of_several, as_many_as_sixteen_are_taken_back)
{
	exchange(PHONE, (struct registration){.contact = many(16, "")});
	exchange(MOVED, (struct registration){.cseq = 2, .contact = many(16, "")});
	cr_expect_eq(registrar.count, 16);
	exchange(AGAIN, (struct registration){.cseq = 3, .contact = many(16, ""), .expires = "0"});
	cr_expect_eq(registrar.count, 0);
}

TestOfBoth(ghosts_of_several, a_phone_that_has_moved_may_take_back_many_others)
{
	exchange(PHONE, (struct registration){.contact = many(1, "")});
	exchange(MOVED, (struct registration){.cseq = 2, .contact = many(12, ";expires=0")});
	bound_are("sip:0@" MOVED ";natbox=192.168.1.10-5060");
}
