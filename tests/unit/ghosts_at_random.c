/* Phones of one address of record whose NATs give them new ports whenever they like, also between a
 * REGISTER and its answer, some of which learn their public address, forget it, are challenged, or
 * leave. After each REGISTER that was answered where the phone is, a registrar that compares bytes
 * has it once, and none once it has left; so has one that compares as RFC 3261 19.1.4 says. */
#include "generate.h"
#include "registrar.h"

#include <criterion/criterion.h>
#include <natbox/endpoints.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 150, STEPS = 60, PHONES = 5, PLACE_MAX = 32, CONTACT_MAX = 96 };

/* How often a NAT gives a phone another port while one REGISTER is under way, and after how many
 * more of them the registrar has it once. */
enum { MOVES_MAX = 3, SETTLES_AFTER = 3 };

/* What a phone puts in its Contact: its private address; the public one, as soon as it has learnt
 * that; either, and the other one only where it was answered last. */
enum habit { PRIVATE, LEARNT, EITHER, HABITS };

struct phone {
	enum habit habit;
	const char *via; /* its private address */
	char place[PLACE_MAX], learnt[PLACE_MAX], contact[CONTACT_MAX], call_id[8];
	unsigned cseq, address;
	bool is_bound, has_moved, is_public;
	unsigned doubles; /* that the next REGISTER is to take back */
};

static struct world {
	struct generator chance;
	struct phone phones[PHONES];
	unsigned port, seed;
} world;

TestSuite(ghosts_at_random, .init = registrar_open, .fini = registrar_close);

/* Nobody gets what another one had: who is meant would be open. */
static void move(struct phone *phone)
{
	if (phone->habit == PRIVATE && generator_once_in(&world.chance, 4))
		phone->address = 1 + generator_below(&world.chance, 3);
	snprintf(phone->place, sizeof(phone->place), "203.0.113.%u:%u", phone->address,
		world.port++);
	phone->has_moved = true;
}

static void write_contact(struct phone *phone)
{
	if (phone->habit == LEARNT)
		phone->is_public = phone->learnt[0];
	else if (phone->habit == EITHER && !phone->has_moved)
		phone->is_public = generator_once_in(&world.chance, 2);
	snprintf(phone->contact, sizeof(phone->contact), "<sip:alice@%s;ob>",
		phone->is_public ? phone->learnt : phone->via);
}

static struct registration request_of(const struct phone *phone, const char *expires)
{
	return (struct registration){.call_id = phone->call_id,
		.via = phone->via,
		.contact = phone->contact,
		.cseq = phone->cseq,
		.expires = expires};
}

static void arrives(const struct phone *phone, const char *expires)
{
	struct sip_message message = sends(phone->place, request_of(phone, expires));

	cr_assert(bindings_take(&registrar, &message));
}

static void learn(struct phone *phone)
{
	snprintf(phone->learnt, sizeof(phone->learnt), "%s", phone->place);
}

static void is_challenged(struct phone *phone, const char *expires)
{
	struct registration request = request_of(phone, expires);

	sends(phone->place, request);
	border_answer(phones_border, phone->place, 401, request);
	if (phone->habit != EITHER && generator_once_in(&world.chance, 3))
		move(phone);
	else
		learn(phone);
}

static unsigned expected(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < PHONES; i++)
		count += world.phones[i].is_bound + world.phones[i].doubles;
	return count;
}

/* The answer goes where the phone is no more, before it has sent its REGISTER again or after. The
 * registrar may have it twice then, until it registers the next time. */
static void comes_again(struct phone *phone, const char *expires)
{
	const struct phone before = *phone;
	const bool is_slow = generator_once_in(&world.chance, 2);

	arrives(phone, expires);
	if (!is_slow)
		is_answered(before.place, request_of(&before, expires));
	move(phone);
	arrives(phone, expires);
	if (is_slow)
		is_answered(before.place, request_of(&before, expires));
	phone->doubles = phone->is_bound && registrar.count > expected();
}

/* As many answers as come, one of several at a time, go where the phone is no more. Returns how
 * many are left. */
static unsigned is_answered_late(
	struct phone *before, unsigned count, uint32_t once_in, const char *expires)
{
	while (count && generator_once_in(&world.chance, once_in)) {
		const unsigned which = generator_below(&world.chance, count);

		is_answered(before[which].place, request_of(&before[which], expires));
		before[which] = before[--count];
	}
	return count;
}

static void comes_often(struct phone *phone, const char *expires)
{
	struct phone before[MOVES_MAX];
	const unsigned moves = 1 + generator_below(&world.chance, MOVES_MAX);
	unsigned unanswered = 0;

	arrives(phone, expires);
	for (unsigned i = 0; i < moves; i++) {
		before[unanswered++] = *phone;
		unanswered = is_answered_late(before, unanswered, 2, expires);
		move(phone);
		border_wait(phones_border, generator_below(&world.chance, 5));
		arrives(phone, expires);
	}
	is_answered_late(before, unanswered, 1, expires);
	for (unsigned i = 0; i < SETTLES_AFTER; i++) {
		is_answered(phone->place, request_of(phone, expires));
		learn(phone);
		phone->has_moved = false;
		phone->cseq++;
		write_contact(phone);
		arrives(phone, expires);
	}
}

static void has_what_is_there(const struct phone *phone)
{
	cr_assert_eq(registrar.count, expected(),
		"seed %u: phone %s, CSeq %u, %s from %s: %u of %u", world.seed, phone->call_id,
		phone->cseq, phone->contact, phone->place, registrar.count, expected());
}

static void registers(struct phone *phone, const char *expires)
{
	phone->cseq++;
	write_contact(phone);
	if (generator_once_in(&world.chance, 4)) {
		is_challenged(phone, expires);
		phone->cseq++;
		write_contact(phone);
	}
	phone->is_bound = strcmp(expires, "0") != 0;
	phone->doubles = 0;
	if (generator_once_in(&world.chance, 4))
		comes_again(phone, expires);
	else if (generator_once_in(&world.chance, 8))
		comes_often(phone, expires);
	else
		arrives(phone, expires);
	is_answered(phone->place, request_of(phone, expires));
	learn(phone);
	phone->has_moved = false;
	has_what_is_there(phone);
}

static void start_phones(void)
{
	static const char *const vias[] = {"192.168.1.10:5060", "192.168.1.10:5060",
		"192.168.1.11:5062", "10.0.0.5:5060", "192.168.1.11:5062"};

	for (unsigned i = 0; i < PHONES; i++) {
		struct phone *phone = &world.phones[i];

		*phone = (struct phone){.habit = generator_below(&world.chance, HABITS),
			.via = vias[i],
			.address = 1};
		snprintf(phone->call_id, sizeof(phone->call_id), "p%u", i);
		move(phone);
	}
}

static void step(void)
{
	struct phone *phone = &world.phones[generator_below(&world.chance, PHONES)];

	if (generator_once_in(&world.chance, 3))
		move(phone);
	if (generator_once_in(&world.chance, 10))
		border_wait(phones_border, 40);
	registers(phone, phone->is_bound && generator_once_in(&world.chance, 8) ? "0" : "3600");
}

static void run(unsigned seed)
{
	world = (struct world){.seed = seed, .port = 10000};
	generator_seed(&world.chance, seed);
	start_phones();
	for (unsigned i = 0; i < STEPS; i++)
		step();
	for (unsigned i = 0; i < PHONES; i++)
		registers(&world.phones[i], "0");
	cr_expect_eq(registrar.count, 0, "seed %u", seed);
	cr_expect_eq(engine_endpoints(phones_border->engine)->endpoints.count, 0, "seed %u", seed);
}

Test(ghosts_at_random, each_phone_is_bound_once_wherever_it_is)
{
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		registrar_close();
		registrar_open();
		registrar.compares_bytes = seed % 3 != 0;
		run(seed);
	}
}
