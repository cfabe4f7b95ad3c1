/* What hostile senders can fill: every table has a limit, and who is not hostile is still
 * served. */
#include "calls.h"
#include "own_border.h"
#include "tries.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INVITES = 1000000 / ONE_TRY_OF, A_SECOND_US = 1000000 };

static unsigned endpoints_added;

static void listen(void *context, const struct event *event)
{
	(void)context;
	endpoints_added += event->type == EVENT_ENDPOINT_ADD;
}

static void setup(void)
{
	own_border_open();
	border->listener = listen;
}

TestSuite(hostile_senders, .init = setup, .fini = own_border_close);

/* In pages. */
static long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	cr_assert_not_null(file);
	cr_assert_eq(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return pages;
}

/* An INVITE of a natted phone, each from another address and with another Call-ID. Straight into
 * the engine: whatever memory this takes is the engine's. */
static void invite(unsigned number)
{
	static char bytes[] = "INVITE sip:to@example.com SIP/2.0\r\n"
			      "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK-1\r\n"
			      "From: <sip:from@example.com>;tag=a\r\n"
			      "To: <sip:to@example.com>\r\n"
			      "Call-ID: 00000000\r\n"
			      "CSeq: 1 INVITE\r\n"
			      "Contact: <sip:from@192.168.1.10>\r\n\r\n";
	const uint8_t ip[4] = {
		20, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
	struct flow flow = {.source = address_ipv4(ip, 5060), .destination = border->proxy};
	char *digit = strstr(bytes, "Call-ID: ") + strlen("Call-ID: 0000000");

	for (unsigned rest = number; *digit != ' '; digit--, rest /= 10)
		*digit = (char)('0' + rest % 10);
	engine_packet(
		border->engine, border->now_us, &flow, (struct text){bytes, sizeof(bytes) - 1});
}

Test(hostile_senders, a_million_invites_nobody_answers_take_no_more_than_their_limit)
{
	const unsigned limit = INVITES / 5;
	long before = 0;

	border->settings.limits.transactions = limit;
	border_wait(border, 0);
	for (unsigned i = 0; i < INVITES; i++) {
		border->now_us += A_SECOND_US / 100000;
		invite(i);
		if (i == limit)
			before = resident();
	}
	cr_assert_eq(engine_counters(border->engine).transactions, limit);
	cr_assert_eq(engine_counters(border->engine).refused, INVITES - limit);
	cr_assert_eq(engine_counters(border->engine).endpoints, 0);
	cr_assert_leq(resident() - before, 64, "%ld pages more", resident() - before);
	border_wait(border, 33);
	cr_assert_eq(engine_counters(border->engine).transactions, 0);
}

/* Every INVITE to a known endpoint is a reason at once. */
Test(hostile_senders, calls_to_one_phone_are_a_bounded_number_of_reasons)
{
	struct registration registration = {.call_id = "registration", .expires = "60"};

	border->settings.limits.transactions = 10000;
	border_bind(border, "203.0.113.1:5061", registration);
	for (unsigned i = 0; i < 2000; i++)
		proxy_asks(border, "203.0.113.1:5061", "INVITE", (struct exchange){.cseq = i + 1});
	cr_assert_eq(engine_counters(border->engine).reasons, REASONS_OF_ONE_MAX);
	border_wait(border, 33);
	cr_assert_eq(engine_counters(border->engine).reasons, 1);
}

Test(hostile_senders, a_phone_registers_in_the_midst_of_it)
{
	struct registration registration = {.expires = "60"};

	border->settings.limits.transactions = 1000;
	border_wait(border, 0);
	for (unsigned i = 0; i < 5000; i++)
		invite(i);
	border_register(border, "203.0.113.1:5061", registration);
	for (unsigned i = 0; i < 900; i++)
		invite(5000 + i);
	border_answer(border, "203.0.113.1:5061", 200, registration);
	cr_assert_eq(endpoints_added, 1);
}

static void ring(unsigned number, const char *client)
{
	char call_id[32];
	struct exchange exchange = {.call_id = call_id, .branch = "z9hG4bK-ring"};

	snprintf(call_id, sizeof(call_id), "ring-%u", number);
	phone_asks(border, client, "INVITE", exchange);
	exchange.to_tag = "b";
	proxy_answers(border, client, 100, "INVITE", exchange);
}

/* 1 150 a second filled the table for 180 s each, and every registration was given up for one. */
Test(hostile_senders, calls_that_ring_push_out_no_registration)
{
	struct registration registration = {.expires = "60"};

	border->settings.limits.transactions = 1000;
	for (unsigned i = 0; i < 1000; i++)
		ring(i, "203.0.113.9:5061");
	border_register(border, "203.0.113.1:5061", registration);
	for (unsigned i = 0; i < 3000; i++)
		ring(1000 + i, "203.0.113.9:5061");
	border_answer(border, "203.0.113.1:5061", 200, registration);
	cr_assert_eq(endpoints_added, 1);
}

/* Not even those that began to ring before all of the others. */
Test(hostile_senders, calls_of_one_source_push_out_few_others)
{
	enum { HONEST = 200 };
	struct exchange call = {0};
	char call_id[32], client[32];

	border->settings.limits.transactions = 1000;
	call.call_id = call_id;
	for (unsigned phase = 0; phase < 3; phase++) {
		for (unsigned i = 0; i < HONEST; i++) {
			snprintf(call_id, sizeof(call_id), "honest-%u", i);
			snprintf(client, sizeof(client), "203.0.113.%u:5061", 20 + i);
			call.to_tag = phase == 2 ? "b" : NULL;
			if (phase == 0)
				phone_asks(border, client, "INVITE", call);
			else
				proxy_answers(
					border, client, phase == 1 ? 100 : 200, "INVITE", call);
		}
		for (unsigned i = 0; phase == 1 && i < 4000; i++)
			ring(i, "203.0.113.9:5061");
	}
	cr_assert_geq(endpoints_added, HONEST - 2, "%u", endpoints_added);
}

/* Of IPv6 everybody has a /64 at least. */
Test(hostile_senders, the_addresses_of_one_64_are_one_to_the_limits)
{
	border->settings.limits.endpoints_per_address = 10;
	border_take_proxy(border, "[2001:db8::1]:5060");
	for (unsigned i = 0; i < 40; i++) {
		char client[64], call_id[32], aor[64];
		struct registration registration = {
			.aor = aor, .call_id = call_id, .expires = "60"};

		snprintf(client, sizeof(client), "[2001:db8:1:%x::%x]:5060", i / 20, i + 1);
		snprintf(aor, sizeof(aor), "sip:phone-%u@example.com", i);
		snprintf(call_id, sizeof(call_id), "call-%u", i);
		border_bind(border, client, registration);
	}
	cr_assert_eq(endpoints_added, 20);
}

/* Forged calls that ring, with honest phones of no digest in the midst of them. */

enum { HONEST_PHONES = 40, FORGED_A_SECOND = 23, STEP_MS = 20 };

struct honest {
	char client[32];
	unsigned keepalives;
	uint64_t last_us, longest_us; /* between two of its keepalives */
};

static struct honest honest[HONEST_PHONES];
static unsigned refused_honest, keepalives_to_victim;

static bool is_honest_port(uint16_t port)
{
	return port >= 5000 && port < 5000 + HONEST_PHONES;
}

static void watch(void *context, const struct event *event)
{
	struct honest *phone = &honest[event->client.port % 1000 % HONEST_PHONES];
	(void)context;

	if (!is_honest_port(event->client.port)) {
		keepalives_to_victim += event->type == EVENT_KEEPALIVE;
		return;
	}
	refused_honest += event->type == EVENT_REFUSED || event->type == EVENT_ENDPOINT_REMOVE;
	if (event->type != EVENT_KEEPALIVE)
		return;
	if (phone->last_us && border->now_us - phone->last_us > phone->longest_us)
		phone->longest_us = border->now_us - phone->last_us;
	phone->last_us = border->now_us;
	phone->keepalives++;
}

static void register_honest(unsigned number)
{
	struct honest *phone = &honest[number];
	char aor[32];
	struct registration registration = {
		.aor = aor, .call_id = phone->client, .expires = "3600"};

	snprintf(phone->client, sizeof(phone->client), "203.0.113.1:%u", 5000 + number);
	snprintf(aor, sizeof(aor), "sip:honest-%u@x", number);
	border_bind(border, phone->client, registration);
}

/* Every honest phone answers every keepalive, a step later. */
static void answer_keepalives(unsigned from)
{
	for (unsigned i = from; i < border->sent_count; i++) {
		const struct border_sent *sent = &border->sent[i % BORDER_SENT_MAX];
		char client[ADDRESS_TEXT_MAX];

		address_format(&sent->flow.destination, client);
		if (is_honest_port(sent->flow.destination.port))
			phone_answers_keepalive(border, client, sent, "SIP/2.0 200 OK");
	}
}

static void forge_call(unsigned number)
{
	char client[32], call_id[32];
	struct exchange call = {.call_id = call_id};

	snprintf(client, sizeof(client), "203.0.113.1:%u", 10000 + number % 50000);
	snprintf(call_id, sizeof(call_id), "forged-%u", number);
	phone_asks(border, client, "INVITE", call);
	call.to_tag = "b";
	proxy_answers(border, client, 180, "INVITE", call);
}

/* They filled the limit of their NAT's address, and phones behind it that came then were refused.
 * Now each that answers is kept, and on time. */
Test(hostile_senders, forged_calls_with_the_address_of_a_nat_cost_the_phones_behind_it_nothing)
{
	const unsigned steps = 300 * 1000 / STEP_MS;
	unsigned forged = 0, sent;

	border->listener = watch;
	border->leaves_unproven = true;
	border->settings.limits.endpoints_per_address = 1000;
	border->settings.limits.unproven_per_address = 64;
	border_wait(border, 0);
	for (unsigned step = 0; step < steps; step++) {
		sent = border->sent_count;
		border_wait(border, STEP_MS / 1000.0);
		answer_keepalives(sent);
		for (; forged < (step + 1) * STEP_MS * FORGED_A_SECOND / 1000; forged++)
			forge_call(forged);
		if (step >= 1000 && step < 1000 + HONEST_PHONES)
			register_honest(step - 1000);
	}
	cr_expect_eq(refused_honest, 0, "%u", refused_honest);
	for (unsigned i = 0; i < HONEST_PHONES; i++) {
		cr_expect_eq(honest[i].keepalives, 12, "%u", honest[i].keepalives);
		cr_expect_leq(honest[i].longest_us, 25000000 + STEP_MS * 1000ull, "%llu",
			(unsigned long long)honest[i].longest_us);
	}
	cr_expect_eq(engine_counters(border->engine).unproven, 64, "%u",
		engine_counters(border->engine).unproven);
	/* One each, of about the size of what the proxy sent there three of. */
	cr_expect_leq(keepalives_to_victim, forged, "%u", keepalives_to_victim);
}

/* 6 666 a second filled the whole table. */
Test(hostile_senders, forged_calls_from_everywhere_leave_room_for_who_is_proven)
{
	char call_id[32];
	struct exchange call = {.call_id = call_id};

	border->settings.limits.endpoints = 1000;
	border->settings.limits.unproven = 200;
	border->settings.limits.transactions = 50000;
	border->leaves_unproven = true;
	for (unsigned i = 0; i < 20000; i++) {
		char client[32];

		snprintf(call_id, sizeof(call_id), "forged-%u", i);
		snprintf(client, sizeof(client), "20.0.%u.%u:5060", i >> 8, i & 255);
		border->now_us += A_SECOND_US / 6666;
		phone_asks(border, client, "INVITE", call);
		call.to_tag = "b";
		proxy_answers(border, client, 180, "INVITE", call);
		call.to_tag = NULL;
	}
	cr_expect_eq(engine_counters(border->engine).endpoints, 200);
	border->leaves_unproven = false;
	for (unsigned i = 0; i < 800; i++) {
		char client[32];
		struct registration registration = {.call_id = client, .aor = client};

		snprintf(client, sizeof(client), "203.0.113.%u:%u", 1 + i % 200, 5000 + i / 200);
		registration.expires = "3600";
		border_bind(border, client, registration);
	}
	/* The first of the 800 pushed one out, and left the unproven when it was proven. */
	cr_expect_eq(engine_counters(border->engine).endpoints, 999, "%u",
		engine_counters(border->engine).endpoints);
	cr_expect_eq(engine_counters(border->engine).refused, 19800 + 1, "%llu",
		(unsigned long long)engine_counters(border->engine).refused);
}
