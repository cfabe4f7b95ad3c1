/* What a registrar has bound of a phone that has two Contacts in one REGISTER, and puts the public
 * address that it has learnt in both. */
#include "registrar.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:6000"
#define OTHER "203.0.113.9:1024"

TestSuite(ghosts_of_several_learnt, .init = registrar_open, .fini = registrar_close);

/* Users and parameters of two that a registrar has as two, whether it compares as RFC 3261 says or
 * by bytes. */
static const char *const pairs[][4] = {
	{"alice", "", "bob", ""},
	{"alice", "", "alice", ";user=phone"},
	{"alice", ";ob", "bob", ";line=2"},
};
enum { PAIRS = sizeof(pairs) / sizeof(*pairs) };
static const char *const *pair;

static unsigned cseq;

/* With these hosts in its Contacts. */
static void registers(const char *place, const char *one, const char *other)
{
	char contacts[256];

	snprintf(contacts, sizeof(contacts), "<sip:%s@%s%s>, <sip:%s@%s%s>", pair[0], one, pair[1],
		pair[2], other, pair[3]);
	exchange(place,
		(struct registration){.via = "192.168.1.10", .cseq = ++cseq, .contact = contacts});
}

static void is_bound_twice_at(const char *place, int line)
{
	unsigned count = 0;

	for (unsigned i = 0; i < registrar.count; i++)
		count += strstr(registrar.list[i].uri, place) != NULL;
	cr_expect(registrar.count == 2 && count == 2, "line %d: %s%s, %s%s: %u, and %u there", line,
		pair[0], pair[1], pair[2], pair[3], registrar.count, count);
}

static void leaves(const char *place, const char *host)
{
	char contacts[256];

	snprintf(contacts, sizeof(contacts), "<sip:%s@%s%s>, <sip:%s@%s%s>", pair[0], host, pair[1],
		pair[2], host, pair[3]);
	exchange(place, (struct registration){.via = "192.168.1.10",
				.cseq = ++cseq,
				.contact = contacts,
				.expires = "0"});
	cr_expect_eq(registrar.count, 0, "%s%s, %s%s", pair[0], pair[1], pair[2], pair[3]);
}

static void with_each(void (*story)(void))
{
	for (unsigned i = 0; i < PAIRS; i++) {
		pair = pairs[i];
		story();
	}
}

#define PRIVATE "192.168.1.10:5060"
#define both(place, host)                                                                          \
	do {                                                                                       \
		registers(place, host, host);                                                      \
		is_bound_twice_at(place, __LINE__);                                                \
	} while (0)

static void learns(void)
{
	both(PHONE, PRIVATE);
	both(PHONE, PHONE);
	both(PHONE, PHONE);
	leaves(PHONE, PHONE);
}

TestOfBoth(ghosts_of_several_learnt, a_phone_that_learns_its_address_leaves_none)
{
	with_each(learns);
}

static void moves(void)
{
	both(PHONE, PRIVATE);
	both(PHONE, PHONE);
	both(MOVED, PHONE);
	both(MOVED, MOVED);
	both(OTHER, MOVED);
	both(OTHER, OTHER);
	leaves(OTHER, OTHER);
}

TestOfBoth(ghosts_of_several_learnt, nor_does_one_that_then_moves)
{
	with_each(moves);
}

static void learns_as_it_moves(void)
{
	both(PHONE, PRIVATE);
	both(MOVED, PHONE);
	both(MOVED, MOVED);
	both(MOVED, PRIVATE);
	leaves(MOVED, PRIVATE);
}

TestOfBoth(ghosts_of_several_learnt, nor_does_one_that_learns_it_late)
{
	with_each(learns_as_it_moves);
}

static void leaves_with_what_it_has_learnt(void)
{
	both(PHONE, PRIVATE);
	leaves(PHONE, PHONE);
}

TestOfBoth(ghosts_of_several_learnt, nor_does_one_that_leaves_with_it)
{
	with_each(leaves_with_what_it_has_learnt);
}
