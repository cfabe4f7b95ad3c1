/* Phones of one address of record whose NATs give them new ports whenever they like, also between a
 * REGISTER and its answer, some of which learn their public address, forget it, are challenged, or
 * leave. After each REGISTER that was answered where the phone is, a registrar that compares bytes
 * has it once, and none once it has left; so has one that compares as RFC 3261 19.1.4 says. Those
 * that it has are kept where they are, and nobody else is.
 *
 * Some take back what they have read in an answer of another.
 *
 * In some worlds phones are switched off and on, the registrar or the border is restarted, a phone
 * takes all bindings back, the registrar has room for one alone, answers overtake each other, or
 * all of it is IPv6. */
#include "generate.h"
#include "registrar.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <natbox/endpoints.h>
#include <natbox/nat.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 150, STEPS = 60, PHONES = 5, PLACE_MAX = 32, CONTACT_MAX = 160 };

/* How often a NAT gives a phone another port while one REGISTER is under way, and after how many
 * more of them the registrar has it once. */
enum { MOVES_MAX = 3, SETTLES_AFTER = 3 };

/* What a phone puts in its Contact: its private address; the public one, as soon as it has learnt
 * that; either, and the other one only where it was answered last. */
enum habit { PRIVATE, LEARNT, EITHER, HABITS };

struct phone {
	enum habit habit;
	const char *via; /* its private address */
	char place[PLACE_MAX], learnt[PLACE_MAX], contact[CONTACT_MAX], call_id[16];
	char bound_at[PLACE_MAX];
	unsigned cseq, address, number, power_cycles;
	bool is_bound, has_moved, is_public, has_instance;
	unsigned doubles; /* that the next REGISTER is to take back */
};

static struct world {
	struct generator chance;
	struct phone phones[PHONES];
	unsigned port, seed;
	bool has_power_cycles, has_restarts, loses_bindings, has_stars, keeps_one, is_ipv6,
		has_overtaking;
} world;

TestSuite(ghosts_at_random, .init = registrar_open, .fini = registrar_close);

/* Nobody gets what another one had: who is meant would be open. */
static void move(struct phone *phone)
{
	if (phone->habit == PRIVATE && generator_once_in(&world.chance, 4))
		phone->address = 1 + generator_below(&world.chance, 3);
	snprintf(phone->place, sizeof(phone->place),
		world.is_ipv6 ? "[2001:db8::%u]:%u" : "203.0.113.%u:%u", phone->address,
		world.port++);
	phone->has_moved = true;
}

static void write_contact(struct phone *phone)
{
	int length;

	if (phone->habit == LEARNT)
		phone->is_public = phone->learnt[0];
	else if (phone->habit == EITHER && !phone->has_moved)
		phone->is_public = generator_once_in(&world.chance, 2);
	length = snprintf(phone->contact, sizeof(phone->contact), "<sip:alice@%s;ob>",
		phone->is_public ? phone->learnt : phone->via);
	if (phone->has_instance)
		snprintf(phone->contact + length, sizeof(phone->contact) - (size_t)length,
			";+sip.instance=\"<urn:uuid:%u>\";reg-id=1", phone->number);
}

static void prepare(struct phone *phone)
{
	phone->cseq++;
	write_contact(phone);
}

static struct registration request_of(const struct phone *phone, const char *expires)
{
	return (struct registration){.call_id = phone->call_id,
		.via = phone->via,
		.contact = phone->contact,
		.cseq = phone->cseq,
		.expires = expires};
}

static void lose_bindings(const struct phone *of_all_but)
{
	for (unsigned i = 0; i < PHONES; i++) {
		struct phone *phone = &world.phones[i];

		if (phone == of_all_but)
			continue;
		phone->is_bound = false;
		phone->doubles = 0;
	}
}

/* The one that has just come takes the place of all others. */
static void make_room(const struct phone *phone)
{
	registrar.list[0] = registrar.list[registrar.count - 1];
	registrar.count = 1;
	lose_bindings(phone);
}

static void arrives(const struct phone *phone, const char *expires)
{
	struct sip_message message = sends(phone->place, request_of(phone, expires));

	cr_assert(bindings_take(&registrar, &message));
	if (world.keeps_one && registrar.count > 1)
		make_room(phone);
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
		prepare(phone);
		arrives(phone, expires);
	}
}

/* Where it is now the registrar has answered it. */
static void settle(struct phone *phone)
{
	learn(phone);
	phone->has_moved = false;
	snprintf(phone->bound_at, sizeof(phone->bound_at), "%s", phone->place);
}

/* Another phone registers meanwhile, and its answer overtakes the one that was written before. */
static void is_overtaken(struct phone *phone, const char *expires)
{
	struct phone *other = &world.phones[(phone->number + 1) % PHONES];
	struct bindings before, after;

	arrives(phone, expires);
	before = registrar;
	prepare(other);
	other->is_bound = true;
	other->doubles = 0;
	arrives(other, "3600");
	is_answered(other->place, request_of(other, "3600"));
	settle(other);
	after = registrar;
	registrar = before;
	is_answered(phone->place, request_of(phone, expires));
	registrar = after;
}

/* The same for a border: it keeps whom the registrar has, where he was when it took him. */
static void keeps_what_is_there(void)
{
	const struct endpoints *endpoints = engine_endpoints(phones_border->engine);

	for (unsigned i = 0; i < PHONES; i++) {
		const struct phone *phone = &world.phones[i];
		struct address place;

		if (!phone->is_bound)
			continue;
		place = at(phone->bound_at);
		cr_assert(endpoint_find(endpoints, &place, 0),
			"seed %u: phone %s is not kept at %s", world.seed, phone->call_id,
			phone->bound_at);
	}
	cr_assert_leq(endpoints->endpoints.count, expected(), "seed %u", world.seed);
}

/* What a phone gets lists the Contact that it has written, and none that was repaired for it. */
static void sees_its_own(const struct phone *phone)
{
	const struct address place = at(phone->place);
	struct sip_contact own;
	struct sip_message message;
	unsigned count = 0;

	if (phones_border->outcome.verdict != VERDICT_REWRITE)
		return;
	cr_assert_eq(sip_contact_parse(text_from(phone->contact), &own), 0);
	message = passed_on();
	for (unsigned i = 0; i < message.contact_count; i++) {
		const struct sip_contact *listed = &message.contacts[i];

		count += text_equal(listed->uri.whole, own.uri.whole);
		cr_assert(!nat_is_repaired(&listed->uri) || !uri_is_at(&listed->uri, &place),
			"seed %u: phone %s", world.seed, phone->call_id);
	}
	cr_assert_geq(count, phone->is_bound, "seed %u: phone %s", world.seed, phone->call_id);
	cr_assert_leq(count, phone->is_bound + phone->doubles, "seed %u: phone %s", world.seed,
		phone->call_id);
}

static void has_what_is_there(const struct phone *phone)
{
	cr_assert_eq(registrar.count, expected(),
		"seed %u: phone %s, CSeq %u, %s from %s: %u of %u", world.seed, phone->call_id,
		phone->cseq, phone->contact, phone->place, registrar.count, expected());
}

static void registers(struct phone *phone, const char *expires)
{
	prepare(phone);
	if (generator_once_in(&world.chance, 4)) {
		is_challenged(phone, expires);
		prepare(phone);
	}
	phone->is_bound = strcmp(expires, "0") != 0;
	phone->doubles = 0;
	if (!world.has_restarts && generator_once_in(&world.chance, 4))
		comes_again(phone, expires);
	else if (!world.has_restarts && generator_once_in(&world.chance, 8))
		comes_often(phone, expires);
	else if (world.has_overtaking && generator_once_in(&world.chance, 4))
		is_overtaken(phone, expires);
	else
		arrives(phone, expires);
	is_answered(phone->place, request_of(phone, expires));
	sees_its_own(phone);
	settle(phone);
	has_what_is_there(phone);
	keeps_what_is_there();
}

static void start_phones(void)
{
	static const char *const vias[][PHONES] = {
		{"192.168.1.10:5060", "192.168.1.10:5060", "192.168.1.11:5062", "10.0.0.5:5060",
			"192.168.1.11:5062"},
		{"[fd00::10]:5060", "[fd00::10]:5060", "[fd00::11]:5062", "[fd00::5]:5060",
			"[fd00::11]:5062"}};

	for (unsigned i = 0; i < PHONES; i++) {
		struct phone *phone = &world.phones[i];

		*phone = (struct phone){.habit = generator_below(&world.chance, HABITS),
			.via = vias[world.is_ipv6][i],
			.number = i,
			.has_instance =
				world.has_power_cycles && generator_once_in(&world.chance, 2),
			.address = 1};
		/* What had been learnt before a restart is not known any more. */
		if (world.has_restarts)
			phone->habit = PRIVATE;
		snprintf(phone->call_id, sizeof(phone->call_id), "p%u", i);
		move(phone);
	}
}

/* It forgets what it has learnt, and its Call-ID; it is known by its instance. */
static void power_cycle(struct phone *phone)
{
	snprintf(phone->call_id, sizeof(phone->call_id), "p%u-%u", phone->number,
		++phone->power_cycles);
	phone->learnt[0] = 0;
	phone->is_public = false;
	phone->has_moved = true;
}

static void take_all_back(struct phone *phone)
{
	struct registration request = request_of(phone, "0");

	request.contact = "*";
	request.cseq = ++phone->cseq;
	border_register(phones_border, phone->place, request);
	registrar.count = 0;
	lose_bindings(NULL);
	is_answered(phone->place, request);
	keeps_what_is_there();
}

/* Whose binding leads there; NULL: nobody's. */
static struct phone *find_bound(const char *uri)
{
	struct sip_uri parsed;

	cr_assert_eq(sip_uri_parse(text_from(uri), &parsed), 0);
	for (unsigned i = 0; i < PHONES; i++) {
		struct phone *phone = &world.phones[i];
		struct address place;

		if (!phone->is_bound)
			continue;
		place = at(phone->bound_at);
		if (uri_is_at(&parsed, &place))
			return phone;
	}
	return NULL;
}

/* A Contact of another phone that was repaired, and that one; NULL: this time there is none. */
static struct phone *read_another(const struct phone *phone, char uri[static BINDING_URI_MAX])
{
	struct phone *other;

	if (!registrar.count)
		return NULL;
	memcpy(uri, registrar.list[generator_below(&world.chance, registrar.count)].uri,
		BINDING_URI_MAX);
	other = find_bound(uri);
	return other && other != phone && !other->doubles && strstr(uri, ";natbox=") ? other : NULL;
}

/* In front of its own Contact, behind it, or alone. */
static void takes_another_back(struct phone *phone)
{
	static const char *const forms[] = {
		"<%s>;expires=0, %s", "%2$s, <%1$s>;expires=0", "<%s>;expires=0"};
	char uri[BINDING_URI_MAX], contacts[CONTACT_MAX + BINDING_URI_MAX + 32];
	struct phone *other = phone->is_bound ? read_another(phone, uri) : NULL;
	const unsigned form = generator_below(&world.chance, 3);
	struct registration request;

	if (!other)
		return;
	if (form < 2)
		prepare(phone);
	else
		phone->cseq++;
	snprintf(contacts, sizeof(contacts), forms[form], uri, phone->contact);
	request = request_of(phone, "3600");
	request.contact = contacts;
	exchange(phone->place, request);
	other->is_bound = false;
	if (form < 2) {
		phone->doubles = 0;
		settle(phone);
	}
	has_what_is_there(phone);
	keeps_what_is_there();
}

static void disturb(struct phone *phone)
{
	if (world.has_restarts && generator_once_in(&world.chance, 8))
		border_restart(phones_border);
	if (world.loses_bindings && generator_once_in(&world.chance, 15)) {
		registrar.count = 0;
		lose_bindings(NULL);
	}
	if (world.has_stars && generator_once_in(&world.chance, 15))
		take_all_back(phone);
	if (phone->has_instance && generator_once_in(&world.chance, 8))
		power_cycle(phone);
}

static void step(void)
{
	struct phone *phone = &world.phones[generator_below(&world.chance, PHONES)];

	disturb(phone);
	if (generator_once_in(&world.chance, 3))
		move(phone);
	if (generator_once_in(&world.chance, 8))
		takes_another_back(phone);
	if (generator_once_in(&world.chance, 10))
		border_wait(phones_border, 40);
	registers(phone, phone->is_bound && generator_once_in(&world.chance, 8) ? "0" : "3600");
}

static void choose_world(void)
{
	if (generator_once_in(&world.chance, 3))
		return;
	world.has_power_cycles = generator_once_in(&world.chance, 3);
	world.has_restarts = generator_once_in(&world.chance, 4);
	world.loses_bindings = generator_once_in(&world.chance, 3);
	world.has_stars = generator_once_in(&world.chance, 3);
	world.keeps_one = generator_once_in(&world.chance, 5);
	world.has_overtaking =
		!world.keeps_one && !world.loses_bindings && generator_once_in(&world.chance, 2);
	world.is_ipv6 = generator_once_in(&world.chance, 4);
	if (world.is_ipv6)
		phones_border->proxy = at("[2001:db8:ff::1]:5060");
}

static void run(unsigned seed)
{
	world = (struct world){.seed = seed, .port = 10000};
	generator_seed(&world.chance, seed);
	/* What is over stays known as long as messages of it may come. */
	phones_border->settings.limits.transactions = 20000;
	choose_world();
	start_phones();
	for (unsigned i = 0; i < STEPS; i++)
		step();
	world.has_overtaking = false;
	for (unsigned i = 0; i < PHONES; i++)
		registers(&world.phones[i], "0");
	cr_expect_eq(registrar.count, 0, "seed %u", seed);
	cr_expect_eq(engine_endpoints(phones_border->engine)->endpoints.count, 0, "seed %u", seed);
}

static void live_through(unsigned seed)
{
	registrar_close();
	registrar_open();
	registrar.compares_bytes = seed % 3 != 0;
	run(seed);
}

Test(ghosts_at_random, each_phone_is_bound_once_wherever_it_is)
{
	for (unsigned seed = 0; seed < SEEDS; seed++)
		live_through(seed);
}
