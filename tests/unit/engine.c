/* What the engine sends on when there is nothing to repair, or no room for a repair; and what it
 * counts. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { DATAGRAM_MAX = 65507 };

TestSuite(engine, .init = own_border_open, .fini = own_border_close);

/* A natted phone's OPTIONS of that many bytes. */
static void send_options(size_t length)
{
	static char bytes[DATAGRAM_MAX];
	const struct flow flow = {at("203.0.113.1:5061"), border->proxy};
	int head = snprintf(bytes, sizeof(bytes),
		"OPTIONS sip:example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1;rport\r\n"
		"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
		"Call-ID: call\r\nCSeq: 1 OPTIONS\r\n\r\n");

	memset(bytes + head, 'x', sizeof(bytes) - (size_t)head);
	border->repairs = true;
	border_packet(border, &flow, (struct text){bytes, length});
}

Test(engine, a_message_that_would_grow_too_long_goes_on_as_it_came_and_is_counted)
{
	send_options(DATAGRAM_MAX);
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
	cr_assert_eq(engine_counters(border->engine).refused, 1);
	border_expect(border, "refused 203.0.113.1:5061 datagram\n");
	send_options(DATAGRAM_MAX - 100);
	cr_assert_eq(border->outcome.verdict, VERDICT_REWRITE);
}

Test(engine, a_datagram_that_needs_no_repair_goes_on_as_it_came)
{
	border->repairs = true;
	border_in(border, "203.0.113.77:5060", "\r\n\r\n");
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
	border_register(border, "203.0.113.77:5060",
		(struct registration){
			.via = "203.0.113.77:5060", .contact = "<sip:alice@203.0.113.77:5060>"});
	cr_assert_eq(border->outcome.verdict, VERDICT_PASS);
}

/* It listens on 5060 and, unless it says so in its Via, asks for no rport. */
static enum verdict register_from_50933(const char *via)
{
	border_in(border, "203.0.113.77:50933",
		"REGISTER sip:example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;branch=z9hG4bK1\r\n"
		"From: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\n"
		"Call-ID: call\r\nCSeq: 1 REGISTER\r\n"
		"Contact: <sip:a@203.0.113.77:5060;transport=udp>\r\n\r\n",
		via);
	return border->outcome.verdict;
}

Test(engine, a_phone_without_nat_that_sends_from_another_port_is_left_alone)
{
	static const char *const vias[] = {
		"203.0.113.77:5060", "203.0.113.77", "203.0.113.77:5062", "203.0.113.77:0"};

	border->repairs = true;
	for (unsigned i = 0; i < sizeof(vias) / sizeof(*vias); i++)
		cr_expect_eq(register_from_50933(vias[i]), VERDICT_PASS, "%s", vias[i]);
	cr_expect_eq(register_from_50933("203.0.113.77:5060;rport"), VERDICT_REWRITE);
}

/* From received, which a proxy adds unasked (RFC 3261 18.2.1). */
Test(engine, a_phone_that_has_learned_its_public_address_but_no_port_stays_natted)
{
	border->repairs = true;
	cr_expect_eq(register_from_50933("192.168.1.10:5060"), VERDICT_REWRITE);
	cr_expect_eq(register_from_50933("203.0.113.77:5060"), VERDICT_REWRITE);
}

Test(engine, a_phone_that_writes_port_0_is_repaired_and_followed)
{
	struct registration registration = {
		.via = "192.168.1.10:0", .contact = "<sip:alice@192.168.1.10:0>", .expires = "60"};

	border->repairs = true;
	border_register(border, "203.0.113.1:5061", registration);
	cr_expect_eq(border->outcome.verdict, VERDICT_REWRITE);
	registration.contact = "<sip:alice@203.0.113.1:5061;natbox=192.168.1.10-0>";
	border_answer(border, "203.0.113.1:5061", 200, registration);
	cr_expect_eq(border->outcome.verdict, VERDICT_REWRITE);
	border_expect(border, "rewrite 203.0.113.1:5061 in\n"
			      "endpoint-add 203.0.113.1:5061 via-source,contact-private\n"
			      "reason-add 203.0.113.1:5061 registration sip:alice@example.com 60\n"
			      "rewrite 203.0.113.1:5061 out\n");
}

static void answer_call(const char *phone, const char *contact)
{
	border_in(border, phone,
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1\r\n"
		"From: <sip:bob@example.org>;tag=1\r\nTo: <sip:alice@example.com>;tag=2\r\n"
		"Call-ID: talk\r\nCSeq: 1 INVITE\r\nContact: %s\r\n\r\n",
		contact);
}

Test(engine, a_natted_phones_gruu_goes_on_as_it_came)
{
	const char *phone = "203.0.113.1:5061";

	border->repairs = true;
	border_bind(border, phone, (struct registration){.expires = "60"});
	answer_call(phone, "<sip:alice@example.com;gr=urn:uuid:f81d4fae>");
	cr_expect_eq(border->outcome.verdict, VERDICT_PASS);
	answer_call(phone, "<sip:alice@example.com>");
	cr_expect_eq(border->outcome.verdict, VERDICT_PASS);
	answer_call(phone, "<sip:alice@192.168.1.10>");
	cr_expect_eq(border->outcome.verdict, VERDICT_REWRITE);
	answer_call(phone, "<sip:alice@phone.lan>");
	cr_expect_eq(border->outcome.verdict, VERDICT_REWRITE);
}

static uint64_t verdicts(enum direction direction, enum verdict verdict)
{
	return engine_counters(border->engine).verdicts[direction][verdict];
}

Test(engine, packets_are_counted_by_direction_and_verdict)
{
	const struct flow nobodys = {at("203.0.113.1:5061"), at("203.0.113.2:5061")};

	border->repairs = true;
	border_bind(border, "203.0.113.1:5061", (struct registration){.expires = "60"});
	border_in(border, "203.0.113.1:5061", "\r\n\r\n");
	border_packet(border, &nobodys, TEXT("\r\n\r\n"));
	cr_expect_eq(verdicts(DIRECTION_IN, VERDICT_REWRITE), 1);
	cr_expect_eq(verdicts(DIRECTION_OUT, VERDICT_PASS), 1);
	cr_expect_eq(verdicts(DIRECTION_IN, VERDICT_PASS), 1);
	cr_expect_eq(verdicts(DIRECTION_NONE, VERDICT_PASS), 1);
	cr_expect_eq(engine_counters(border->engine).packets, 4);
}

/* An endpoint there would have keepalives sent to a whole network, or to nobody. */
Test(engine, where_no_user_agent_can_be_is_left_alone)
{
	static const char *const places[] = {"0.0.0.0:5060", "0.1.2.3:5060", "224.0.1.75:5060",
		"255.255.255.255:5060", "[::]:5060", "[ff02::1]:5060", "203.0.113.1:1"};

	border->repairs = true;
	for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct address nobody = at(places[i]);
		struct flow in, out;

		nobody.port = i + 1 < sizeof(places) / sizeof(*places) ? nobody.port : 0;
		in = (struct flow){nobody, border->proxy};
		out = (struct flow){border->proxy, nobody};
		border_packet(border, &in, TEXT("\r\n\r\n"));
		border_packet(border, &out, TEXT("\r\n\r\n"));
		cr_expect_eq(verdicts(DIRECTION_NONE, VERDICT_PASS), 2 * (i + 1), "%s", places[i]);
	}
}

Test(engine, rewrites_are_counted_by_field)
{
	struct engine_counters counters;

	border->repairs = true;
	border_register(border, "203.0.113.1:5061", (struct registration){.expires = "60"});
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.rewritten, 1);
	cr_expect_eq(counters.rewritten_fields[0], 1, "contact");
	cr_expect_eq(counters.rewritten_fields[1], 1, "via");
	cr_expect_eq(counters.rewritten_fields[2], 0, "ruri");
	cr_expect_eq(counters.rewritten_fields[3], 0, "other");
}

Test(engine, what_is_malformed_is_counted_by_what_is_wrong)
{
	struct engine_counters counters;

	border_in(border, "203.0.113.1:5061", "INVITE sip:a SIP/2.0\r\nVia\r\n\r\n");
	border_in(border, "203.0.113.1:5061", "SIP/2.0 99 Odd\r\n\r\n");
	border_out(border, "203.0.113.1:5061", "SIP/2.0 99 Odd\r\n\r\n");
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.malformed, 3);
	cr_expect_eq(counters.defects[DEFECT_NO_COLON], 1);
	cr_expect_eq(counters.defects[DEFECT_BAD_STATUS], 2);
}

Test(engine, what_is_refused_is_counted_by_its_limit)
{
	struct engine_counters counters;

	border->settings.limits.endpoints_per_address = 0;
	border_bind(border, "203.0.113.1:5061", (struct registration){.expires = "60"});
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.refused, 1);
	cr_expect_eq(counters.refusals[REFUSED_ENDPOINTS_PER_ADDRESS], 1);
}

static void register_at(const char *client, const char *call_id)
{
	const struct registration registration = {
		.aor = "sip:bob@example.com", .call_id = call_id, .expires = "60"};

	border_bind(border, client, registration);
}

Test(engine, endpoints_are_counted_by_their_proxy_and_their_nat)
{
	struct engine_counters counters;

	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	register_at("203.0.113.1:5061", "natted");
	border_take_proxy(border, "198.51.100.2:5060");
	register_at("192.168.1.12:5060", "not");
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.endpoints, 2);
	cr_expect_eq(counters.of_proxies[0], 1);
	cr_expect_eq(counters.of_proxies[1], 1);
	border_wait(border, 61);
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.of_proxies[0], 0);
	cr_expect_eq(counters.of_proxies[1], 0);
	cr_expect_eq(counters.natted, 0);
}

/* What is found out later counts, too. */
Test(engine, an_endpoint_that_turns_out_to_be_natted_counts_as_such_once)
{
	struct endpoints *endpoints;
	int64_t slots[1];
	struct record record = {
		.key = 1, .binding = 1, .id = TEXT("sip:a@example.com"), .left_us = 60000000};

	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	border_wait(border, 0);
	endpoints = engine_endpoints(border->engine);
	record.client = at("203.0.113.1:5061");
	record.proxy = border->proxy;
	records_restore(endpoints, &record, 1, slots);
	cr_expect_eq(engine_counters(border->engine).natted, 0);
	endpoint_add_nat(endpoints, 1, NAT_VIA_SOURCE);
	endpoint_add_nat(endpoints, 1, NAT_CONTACT_PRIVATE);
	cr_expect_eq(engine_counters(border->engine).natted, 1);
	record.key = 2;
	record.nat = NAT_VIA_SOURCE;
	record.client = at("203.0.113.2:5061");
	records_restore(endpoints, &record, 1, slots);
	cr_expect_eq(engine_counters(border->engine).natted, 2);
	endpoint_remove(endpoints, 1, "ended", "flushed");
	cr_expect_eq(engine_counters(border->engine).natted, 1);
}

Test(engine, all_proxies_beyond_those_that_are_counted_apart_are_counted_together)
{
	char proxy[64];

	for (unsigned i = 0; i < PROXIES_COUNTED + 2; i++) {
		snprintf(proxy, sizeof(proxy), "198.51.100.%u:5060", 2 + i);
		border_take_proxy(border, proxy);
		register_at("203.0.113.1:5061", proxy);
	}
	cr_expect_eq(engine_counters(border->engine).of_proxies[PROXIES_COUNTED], 3);
	cr_expect_eq(engine_counters(border->engine).of_proxies[1], 1);
}

Test(engine, reasons_are_counted_by_kind_while_they_last)
{
	struct engine_counters counters;

	border->settings.keepalive.rules.max_lost = 0;
	border_bind(border, "203.0.113.1:5061", (struct registration){.expires = "60"});
	phone_asks(border, "203.0.113.1:5061", "INVITE", (struct exchange){.call_id = "talk"});
	proxy_answers(border, "203.0.113.1:5061", 180, "INVITE",
		(struct exchange){.call_id = "talk", .to_tag = "b"});
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.reasons_of[REASON_REGISTRATION], 1);
	cr_expect_eq(counters.reasons_of[REASON_SUBSCRIPTION], 0);
	cr_expect_eq(counters.reasons_of[REASON_DIALOG], 1);
	border_wait(border, 61);
	counters = engine_counters(border->engine);
	cr_expect_eq(counters.reasons_of[REASON_REGISTRATION], 0);
	cr_expect_eq(counters.reasons_of[REASON_DIALOG], 1);
}

static bool is_listed(const struct fillings *fillings, const void *table)
{
	for (unsigned i = 0; i < fillings->count; i++) {
		if (fillings->list[i].table == table)
			return true;
	}
	return false;
}

/* How many items are in use of all tables that are listed. */
static uint32_t filled(const struct fillings *fillings)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < fillings->count; i++)
		sum += *fillings->list[i].used;
	return sum;
}

/* Besides those of endpoints the wheel's and that of the transactions, which nobody else sees. */
Test(engine, all_tables_that_fill_up_with_phones_are_listed_to_be_backed)
{
	const struct endpoints *endpoints;
	struct fillings fillings = {0};
	uint32_t before;

	border_in(border, "203.0.113.77:5060", "\r\n\r\n");
	endpoints = engine_endpoints(border->engine);
	engine_list_fillings(border->engine, &fillings);
	cr_expect_eq(fillings.count, 7);
	cr_expect(is_listed(&fillings, endpoints->endpoints.items));
	cr_expect(is_listed(&fillings, endpoints->reasons.items));
	cr_expect(is_listed(&fillings, endpoints->unproven.places.pool.items));
	cr_expect(is_listed(&fillings, endpoints->unproven.addresses.pool.items));
	cr_expect(is_listed(&fillings, endpoints->labels.units));
	before = filled(&fillings);
	border_bind(border, "203.0.113.77:5060", (struct registration){0});
	cr_expect_geq(filled(&fillings), before + 7, "one of them has not noticed the phone");
}
