/* Phones of one address of record, each with two Contacts in one REGISTER, whose NATs give them new
 * ports whenever they like; some learn their public address and put it in both. After each REGISTER
 * a registrar that compares bytes has every phone's two, where it is, and nothing else; so has one
 * that compares as RFC 3261 19.1.4 says. */
#include "generate.h"
#include "registrar.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 60, STEPS = 60, PHONES = 3, PLACE_MAX = 32, URI_MAX = 128 };

struct phone {
	char place[PLACE_MAX], learnt[PLACE_MAX], bound_at[PLACE_MAX];
	bool learns, is_bound, has_other_port, has_one_user;
	unsigned cseq, number;
};

static struct world {
	struct generator chance;
	struct phone phones[PHONES];
	unsigned port, seed;
} world;

TestSuite(ghosts_of_several_at_random, .init = registrar_open, .fini = registrar_close);

/* Nobody gets what another one had: who is meant would be open. */
static void move(struct phone *phone)
{
	snprintf(phone->place, sizeof(phone->place), "203.0.113.%u:%u",
		phone->learns ? phone->number : 1 + generator_below(&world.chance, 3),
		world.port++);
}

static void start(struct phone *phone, unsigned number)
{
	*phone = (struct phone){.number = 4 + number,
		.learns = generator_once_in(&world.chance, 2),
		.has_one_user = generator_once_in(&world.chance, 2)};
	phone->has_other_port = !phone->learns && generator_once_in(&world.chance, 2);
	move(phone);
}

static void write_uri(const struct phone *phone, bool second, char uri[static URI_MAX])
{
	char own[PLACE_MAX];

	snprintf(own, sizeof(own), "192.168.1.%u:%u", phone->number,
		second && phone->has_other_port ? 5070 : 5060);
	snprintf(uri, URI_MAX, "<sip:%s@%s%s>", second && !phone->has_one_user ? "bob" : "alice",
		phone->learns && *phone->learnt ? phone->learnt : own,
		second && phone->has_one_user ? ";user=phone" : "");
}

static void registers(struct phone *phone, const char *expires)
{
	char contacts[2 * URI_MAX + 4], one[URI_MAX], other[URI_MAX], call_id[16], via[PLACE_MAX];

	write_uri(phone, false, one);
	write_uri(phone, true, other);
	snprintf(contacts, sizeof(contacts), "%s, %s", one, other);
	snprintf(call_id, sizeof(call_id), "call-%u", phone->number);
	snprintf(via, sizeof(via), "192.168.1.%u:5060", phone->number);
	exchange(phone->place, (struct registration){.call_id = call_id,
				       .via = via,
				       .cseq = ++phone->cseq,
				       .contact = contacts,
				       .expires = expires});
	phone->is_bound = !expires;
	memcpy(phone->bound_at, phone->place, sizeof(phone->place));
	memcpy(phone->learnt, phone->place, sizeof(phone->place));
}

static unsigned bound_at(const char *place)
{
	unsigned count = 0;

	for (unsigned i = 0; i < registrar.count; i++)
		count += strstr(registrar.list[i].uri, place) != NULL;
	return count;
}

static void check(unsigned step)
{
	unsigned expected = 0;

	for (unsigned i = 0; i < PHONES; i++) {
		const struct phone *phone = &world.phones[i];

		if (!phone->is_bound)
			continue;
		expected += 2;
		cr_assert_eq(bound_at(phone->bound_at), 2,
			"seed %u, step %u: phone %u has %u at %s", world.seed, step, i,
			bound_at(phone->bound_at), phone->bound_at);
	}
	cr_assert_eq(registrar.count, expected, "seed %u, step %u: %u and not %u", world.seed, step,
		registrar.count, expected);
}

static void go_on(unsigned step)
{
	struct phone *phone = &world.phones[generator_below(&world.chance, PHONES)];

	if (generator_once_in(&world.chance, 3))
		move(phone);
	registers(phone, phone->is_bound && generator_once_in(&world.chance, 6) ? "0" : NULL);
	check(step);
}

static void story(void)
{
	for (unsigned step = 0; step < STEPS; step++)
		go_on(step);
	for (unsigned i = 0; i < PHONES; i++)
		registers(&world.phones[i], "0");
	cr_assert_eq(registrar.count, 0);
	cr_assert_eq(engine_counters(phones_border->engine).endpoints, 0);
}

static void begin_and_go_on(void)
{
	phones_border->settings.limits.transactions = 4000; /* room to note what was learnt */
	generator_seed(&world.chance, world.seed);
	world.port = 10000;
	for (unsigned i = 0; i < PHONES; i++)
		start(&world.phones[i], i);
	story();
}

Test(ghosts_of_several_at_random, no_registrar_has_any)
{
	for (world.seed = 0; world.seed < SEEDS; world.seed++)
		for_both(begin_and_go_on);
}
