/* What hostile senders can fill: every table has a limit, and who is not hostile is still
 * served. */
#include "border.h"
#include "calls.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INVITES = 1000000, A_SECOND_US = 1000000 };

static struct border *border;
static unsigned endpoints_added;

static void listen(void *context, const struct event *event)
{
	(void)context;
	endpoints_added += event->type == EVENT_ENDPOINT_ADD;
}

static void setup(void)
{
	border = border_new();
	border->listener = listen;
}

static void teardown(void)
{
	border_free(border);
}

TestSuite(hostile_senders, .init = setup, .fini = teardown);

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
	const unsigned limit = 200000;
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
	border_register(border, "203.0.113.1:5061", registration);
	border_answer(border, "203.0.113.1:5061", 200, registration);
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
		border_register(border, client, registration);
		border_answer(border, client, 200, registration);
	}
	cr_assert_eq(endpoints_added, 20);
}
