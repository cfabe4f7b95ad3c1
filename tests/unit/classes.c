/* Classes of phones: which class an endpoint is of, and what follows from it. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE  "203.0.113.1:5061"
#define SECOND "192.0.2.1:5061"
#define THIRD  "[2001:db8::7]:5061"

TestSuite(classes, .init = own_border_open, .fini = own_border_close);

/* One more class, of the phones that these say; NULL: it is not asked. */
static struct phone_class *add_class(
	const char *name, const char *network, const char *user_agents, const char *aors)
{
	struct phone_class *class =
		&border->settings.classes.list[border->settings.classes.count++];

	*class = (struct phone_class){0};
	strcpy(class->name, name);
	strcpy(class->user_agents, user_agents ? user_agents : "");
	strcpy(class->aors, aors ? aors : "");
	if (network)
		cr_assert_eq(
			network_parse(text_from(network), &class->networks[class->network_count++]),
			0);
	return class;
}

static void set_interval(struct phone_class *class, unsigned seconds)
{
	class->effects |= CLASS_INTERVAL;
	class->rules.interval_us = seconds * 1000000ull;
}

static void set_method(struct phone_class *class, enum keepalive_method method)
{
	class->effects |= CLASS_METHOD;
	class->rules.method = method;
}

static void set_scope(struct phone_class *class, enum keepalive_scope scope)
{
	class->effects |= CLASS_SCOPE;
	class->rules.scope = scope;
}

static void set_max_lost(struct phone_class *class, unsigned max_lost)
{
	class->effects |= CLASS_MAX_LOST;
	class->rules.max_lost = max_lost;
}

static void register_phone(const char *client, struct registration r)
{
	r.expires = "3600";
	border_bind(border, client, r);
}

/* A phone that says this of itself, for the cseq-th time. */
static void register_as(const char *client, const char *user_agent, unsigned cseq)
{
	char line[128];

	snprintf(line, sizeof(line), "User-Agent: %s\r\n", user_agent);
	register_phone(client, (struct registration){.cseq = cseq, .credentials = line});
}

/* The name of its class; "": it has none; NULL: there is no such endpoint. */
static const char *class_at(const char *client)
{
	const struct endpoints *endpoints = engine_endpoints(border->engine);
	const struct address address = at(client);
	uint32_t endpoint = endpoint_find(endpoints, &address, 0);

	return endpoint ? endpoints->classes.names[endpoint_at(endpoints, endpoint)->class] : NULL;
}

static uint32_t count_of(const char *class)
{
	const struct endpoints *endpoints = engine_endpoints(border->engine);
	const struct engine_counters counters = engine_counters(border->engine);
	const struct text name = text_from(class);

	return counters.endpoints_of_class[classes_find(&endpoints->classes, name)];
}

static void reconfigure(void)
{
	cr_assert_eq(engine_reconfigure(border->engine, &border->settings), 0);
}

static double sent_at(unsigned i)
{
	return (double)border->sent[i].time_us / 1e6 - 1000;
}

static unsigned sent_to(const char *client)
{
	const struct address address = at(client);
	unsigned count = 0;

	for (unsigned i = 0; i < border->sent_count && i < BORDER_SENT_MAX; i++)
		count += address_equal(&border->sent[i].flow.destination, &address);
	return count;
}

Test(classes, first_that_matches_counts)
{
	set_interval(add_class("other", "198.18.0.0/15", NULL, NULL), 5);
	set_interval(add_class("narrow", "203.0.113.1", NULL, NULL), 10);
	set_interval(add_class("wide", "203.0.113.0/24", NULL, NULL), 15);
	register_phone(PHONE, (struct registration){0});
	register_phone("203.0.113.2:5061", (struct registration){.call_id = "two"});
	register_phone(SECOND, (struct registration){.call_id = "three"});
	cr_expect_str_eq(class_at(PHONE), "narrow");
	cr_expect_str_eq(class_at("203.0.113.2:5061"), "wide");
	cr_expect_str_eq(class_at(SECOND), "");
	cr_expect_eq(count_of("narrow"), 1);
	cr_expect_eq(count_of("wide"), 1);
	cr_expect_eq(count_of("other"), 0);
	cr_expect_eq(count_of(""), 1);
}

Test(classes, network_may_be_one_of_ipv6)
{
	set_interval(add_class("six", "2001:db8::/32", NULL, NULL), 10);
	border_take_proxy(border, "[2001:db8:5::1]:5060");
	register_phone(THIRD, (struct registration){0});
	cr_expect_eq(count_of("six"), 1);
	register_phone("[2001:db9::1]:5061", (struct registration){.call_id = "two"});
	cr_expect_eq(count_of("six"), 1);
}

Test(classes, all_that_it_names_have_to_match)
{
	set_interval(add_class("all", "203.0.113.0/24", "Acme*", "bob@*"), 10);
	register_phone(PHONE, (struct registration){.aor = "sip:bob@example.com",
				      .credentials = "User-Agent: acme 300\r\n"});
	cr_expect_str_eq(class_at(PHONE), "all");
	register_phone(PHONE, (struct registration){.aor = "sip:bob@example.com",
				      .cseq = 2,
				      .credentials = "User-Agent: Other\r\n"});
	cr_expect_str_eq(class_at(PHONE), "");
	register_phone(PHONE, (struct registration){.call_id = "two",
				      .aor = "sip:carol@example.com",
				      .credentials = "User-Agent: acme 300\r\n"});
	cr_expect_str_eq(class_at(PHONE), "");
	register_phone(SECOND, (struct registration){.call_id = "three",
				       .aor = "sip:bob@example.com",
				       .credentials = "User-Agent: acme 300\r\n"});
	cr_expect_str_eq(class_at(SECOND), "");
}

Test(classes, user_agent_may_be_folded_and_missing)
{
	set_interval(add_class("folded", NULL, "Acme?*300", NULL), 10);
	register_phone(
		PHONE, (struct registration){.credentials = "user-agent :\r\n Acme\r\n\t300\r\n"});
	cr_expect_str_eq(class_at(PHONE), "folded");
	register_phone(PHONE, (struct registration){.cseq = 2});
	cr_expect_str_eq(class_at(PHONE), "");
}

Test(classes, user_agent_is_found_behind_empty_lines_and_not_in_the_body)
{
	set_interval(add_class("acme", NULL, "Acme*", NULL), 10);
	for (unsigned in_body = 0; in_body < 2; in_body++) {
		border_in(border, PHONE,
			"\r\n\nREGISTER sip:example.com SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK-call-%u;rport\r\n"
			"From: <sip:alice@example.com>;tag=1\r\n"
			"To: <sip:alice@example.com>\r\n"
			"Call-ID: call\r\n"
			"CSeq: %u REGISTER\r\n"
			"Contact: <sip:alice@192.168.1.10:5060>\r\n"
			"%sUser-Agent: Acme 300\r\n\r\n",
			in_body + 1, in_body + 1, in_body ? "\r\n" : "");
		border_answer(border, PHONE, 200,
			(struct registration){.cseq = in_body + 1, .expires = "3600"});
		cr_expect_str_eq(class_at(PHONE), in_body ? "" : "acme");
	}
}

Test(classes, interval_is_that_of_the_class)
{
	set_interval(add_class("often", "203.0.113.0/24", NULL, NULL), 15);
	register_phone(PHONE, (struct registration){0});
	border_wait(border, 60.5);
	cr_assert_eq(border->sent_count, 4);
	for (unsigned i = 0; i < 4; i++)
		cr_expect_float_eq(sent_at(i), 15.0 * (i + 1), 0.011);
	register_phone(SECOND, (struct registration){.call_id = "two"});
	border_wait(border, 26);
	cr_expect_eq(sent_to(SECOND), 1);
}

Test(classes, method_is_that_of_the_class)
{
	set_method(add_class("asked", "203.0.113.0/24", NULL, NULL), KEEPALIVE_OPTIONS);
	set_method(add_class("poked", "192.0.2.0/24", NULL, NULL), KEEPALIVE_ZERO);
	register_phone(PHONE, (struct registration){0});
	border_wait(border, 25.1);
	cr_assert_eq(border->sent_count, 1);
	cr_expect_eq(strncmp(border->sent[0].bytes, "OPTIONS sip:", 12), 0);
	register_phone(SECOND, (struct registration){.call_id = "two"});
	border_wait(border, 300);
	cr_expect_eq(keepalive_to(border, SECOND)->length, 4);
	cr_expect(strstr(border->log, "lost " PHONE));
	cr_expect_not(strstr(border->log, "lost " SECOND)); /* nobody answers zero bytes */
}

/* An address that is no NAT's. */
static struct registration open_phone(const char *client, const char *call_id)
{
	static char contact[64], aor[64];

	snprintf(contact, sizeof(contact), "<sip:alice@%s>", client);
	snprintf(aor, sizeof(aor), "sip:%s@example.com", call_id);
	return (struct registration){
		.via = client, .contact = contact, .call_id = call_id, .aor = aor};
}

Test(classes, scope_all_keeps_also_who_is_behind_no_nat)
{
	set_scope(add_class("always", "203.0.113.0/24", NULL, NULL), KEEPALIVE_ALL);
	register_phone(PHONE, open_phone(PHONE, "one"));
	register_phone(SECOND, open_phone(SECOND, "two"));
	cr_expect_str_eq(class_at(PHONE), "always");
	cr_expect_null(class_at(SECOND));
	border_wait(border, 60);
	cr_expect_eq(sent_to(PHONE), 2);
}

Test(classes, scope_off_follows_and_sends_nothing)
{
	set_scope(add_class("never", "203.0.113.0/24", NULL, NULL), KEEPALIVE_OFF);
	register_phone(PHONE, (struct registration){0});
	register_phone(SECOND, (struct registration){.call_id = "two"});
	border_wait(border, 200);
	cr_expect_str_eq(class_at(PHONE), "never");
	cr_expect_eq(sent_to(PHONE), 0);
	cr_expect_eq(sent_to(SECOND), 8);
	cr_expect_not(strstr(border->log, "lost " PHONE));
}

Test(classes, scope_natted_goes_over_one_of_all)
{
	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	set_scope(add_class("natted", "203.0.113.0/24", NULL, NULL), KEEPALIVE_NATTED);
	register_phone(PHONE, open_phone(PHONE, "one"));
	register_phone(SECOND, open_phone(SECOND, "two"));
	cr_expect_null(class_at(PHONE));
	cr_expect_str_eq(class_at(SECOND), "");
}

Test(classes, exempt_networks_stay_exempt)
{
	border_exempt(&border->settings, "203.0.113.0/24");
	set_scope(add_class("always", "203.0.113.0/24", NULL, NULL), KEEPALIVE_ALL);
	register_phone(PHONE, (struct registration){0});
	cr_expect_null(class_at(PHONE));
}

Test(classes, max_lost_and_drop_lost_are_those_of_the_class)
{
	struct phone_class *class = add_class("short", "203.0.113.0/24", NULL, NULL);

	set_max_lost(class, 1);
	class->effects |= CLASS_DROP_LOST;
	class->rules.drop_lost = true;
	register_phone(PHONE, (struct registration){0});
	register_phone(SECOND, (struct registration){.call_id = "two"});
	border_forget(border);
	border_wait(border, 31);
	border_expect(border, "lost " PHONE " 1\n"
			      "reason-end " PHONE " registration sip:alice@example.com failed\n"
			      "endpoint-remove " PHONE " lost\n");
	cr_expect_eq(count_of("short"), 0);
	border_wait(border, 69);
	border_expect(border, "lost " SECOND " 3\n");
}

/* Where nobody answers what is sent, the first is an OPTIONS, and so is the last. */
Test(classes, unproven_phone_is_asked_as_its_class_says)
{
	struct phone_class *class = add_class("poked", NULL, "Acme*", NULL);

	set_method(class, KEEPALIVE_CRLF);
	set_max_lost(class, 2);
	border->leaves_unproven = true;
	register_as(PHONE, "Acme 300", 1);
	border_wait(border, 1.1);
	cr_assert_eq(border->sent_count, 1);
	cr_expect_eq(strncmp(border->sent[0].bytes, "OPTIONS ", 8), 0);
	border_wait(border, 300);
	cr_assert_eq(border->sent_count, 3);
	cr_expect_eq(border->sent[1].length, 4);
	cr_expect_eq(strncmp(border->sent[2].bytes, "OPTIONS ", 8), 0);
}

Test(classes, latest_register_decides)
{
	set_interval(add_class("slow", NULL, "Acme*", NULL), 60);
	set_interval(add_class("quick", NULL, "Other*", NULL), 10);
	register_as(PHONE, "Acme 300", 1);
	cr_expect_str_eq(class_at(PHONE), "slow");
	border_wait(border, 20);
	register_as(PHONE, "Other", 2);
	cr_expect_str_eq(class_at(PHONE), "quick");
	cr_expect_eq(count_of("slow"), 0);
	border_wait(border, 0.5); /* it was quiet for 20 s */
	cr_expect_eq(border->sent_count, 1);
	border_wait(border, 10);
	cr_expect_eq(border->sent_count, 2);
	border_register(border, PHONE,
		(struct registration){.cseq = 3, .credentials = "User-Agent: Acme\r\n"});
	border_answer(border, PHONE, 403, (struct registration){.cseq = 3});
	cr_expect_str_eq(class_at(PHONE), "quick");
}

/* The first keepalive of one that is unproven is not put off for an interval. */
Test(classes, another_class_lets_an_unproven_phone_be_asked_soon)
{
	set_interval(add_class("slow", NULL, "Acme*", NULL), 600);
	border->leaves_unproven = true;
	register_phone(PHONE, (struct registration){0});
	register_as(PHONE, "Acme 300", 2);
	cr_expect_str_eq(class_at(PHONE), "slow");
	border_wait(border, 1.1);
	cr_expect_eq(border->sent_count, 1);
}

Test(classes, other_requests_decide_where_they_bring_an_endpoint)
{
	const struct exchange acme = {.lines = "User-Agent: Acme\r\nEvent: presence\r\n"
					       "Expires: 600\r\n"};

	set_interval(add_class("acme", NULL, "Acme*", "*@example.com"), 10);
	phone_asks(border, PHONE, "SUBSCRIBE", acme);
	proxy_answers(border, PHONE, 200, "SUBSCRIBE",
		(struct exchange){.to_tag = "b", .lines = acme.lines});
	cr_expect_str_eq(class_at(PHONE), "acme");

	register_as(SECOND, "Other", 1);
	phone_asks(border, SECOND, "SUBSCRIBE", acme);
	proxy_answers(border, SECOND, 200, "SUBSCRIBE",
		(struct exchange){.to_tag = "b", .lines = acme.lines});
	cr_expect_str_eq(class_at(SECOND), "");
	register_as(PHONE, "Other", 2);
	cr_expect_str_eq(class_at(PHONE), "");
}

Test(classes, answer_of_a_callee_decides_where_it_brings_an_endpoint)
{
	set_scope(add_class("gateways", NULL, "Gateway*", NULL), KEEPALIVE_ALL);
	proxy_asks(border, PHONE, "INVITE", (struct exchange){.lines = "User-Agent: Gateway\r\n"});
	phone_answers(border, PHONE, 180, "INVITE",
		(struct exchange){.to_tag = "b", .phone = PHONE, .lines = "User-Agent: x\r\n"});
	cr_expect_null(class_at(PHONE));
	phone_answers(border, PHONE, 200, "INVITE",
		(struct exchange){.to_tag = "b", .phone = PHONE, .lines = "Server: Gateway 2\r\n"});
	cr_expect_str_eq(class_at(PHONE), "gateways");
}

Test(classes, server_is_looked_at_in_answers_that_have_no_user_agent)
{
	set_scope(add_class("gateways", NULL, "Gateway*", NULL), KEEPALIVE_ALL);
	register_phone(SECOND, (struct registration){.credentials = "Server: Gateway 2\r\n"});
	cr_expect_str_eq(class_at(SECOND), "");
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE",
		(struct exchange){.to_tag = "b",
			.phone = PHONE,
			.lines = "Server: Gateway 2\r\nUser-Agent: x\r\n"});
	cr_expect_null(class_at(PHONE));
}

Test(classes, reload_decides_anew_what_it_can)
{
	set_interval(add_class("acme", NULL, "Acme*", NULL), 10);
	register_as(PHONE, "Acme 300", 1);
	register_phone(SECOND, (struct registration){.call_id = "two"});
	border_wait(border, 1);
	set_interval(add_class("net", "192.0.2.0/24", NULL, NULL), 5);
	reconfigure();
	cr_expect_str_eq(class_at(PHONE), "acme");
	cr_expect_str_eq(class_at(SECOND), "net");
	border_wait(border, 4.1);
	cr_expect_eq(sent_to(SECOND), 1);

	/* In another order, and of one that is new and asks for what is not known. */
	border->settings.classes.count = 0;
	set_interval(add_class("new", "203.0.113.0/24", "Acme*", NULL), 30);
	set_interval(add_class("net", "192.0.2.0/24", NULL, NULL), 5);
	set_interval(add_class("acme", NULL, "Acme*", NULL), 10);
	reconfigure();
	cr_expect_str_eq(class_at(PHONE), "acme");
	cr_expect_str_eq(class_at(SECOND), "net");
	register_as(PHONE, "Acme 300", 2);
	cr_expect_str_eq(class_at(PHONE), "new");

	border->settings.classes.count = 0;
	reconfigure();
	cr_expect_str_eq(class_at(PHONE), "");
	cr_expect_eq(count_of(""), 2);
	border->sent_count = 0;
	border_wait(border, 60);
	cr_expect_eq(sent_to(PHONE), 2);
}

Test(classes, reload_ends_who_is_wanted_no_more)
{
	set_scope(add_class("always", "203.0.113.0/24", NULL, NULL), KEEPALIVE_ALL);
	register_phone(PHONE, open_phone(PHONE, "one"));
	border_forget(border);
	border->settings.classes.list[0].network_count = 0;
	strcpy(border->settings.classes.list[0].aors, "bob@*");
	reconfigure();
	border_expect(border, "reason-end " PHONE " registration sip:one@example.com ended\n"
			      "endpoint-remove " PHONE " flushed\n");
}

Test(classes, aor_is_that_of_the_registration_at_a_reload)
{
	register_phone(PHONE, (struct registration){.aor = "sip:bob@example.com"});
	set_interval(add_class("bob", NULL, NULL, "bob@*"), 10);
	reconfigure();
	cr_expect_str_eq(class_at(PHONE), "bob");
}

/* What a store keeps of one border comes back in another, with its classes as they are by then. */
Test(classes, restart_brings_them_back)
{
	struct border *before = border, *after = border_new();
	struct record records[2];
	struct endpoints *to;
	int64_t slots[2];

	set_interval(add_class("acme", NULL, "Acme*", NULL), 10);
	register_as(PHONE, "Acme 300", 1);
	set_scope(add_class("always", "192.0.2.0/24", NULL, NULL), KEEPALIVE_ALL);
	reconfigure();
	register_phone(SECOND, open_phone(SECOND, "two"));
	border_wait(border, 1);
	for (uint32_t slot = 1; slot <= 2; slot++)
		cr_assert(record_read(engine_endpoints(before->engine), slot, &records[slot - 1]));
	cr_expect(text_equal(records[0].class, TEXT("acme")));

	border = after;
	border->now_us = before->now_us;
	set_scope(add_class("renamed", "192.0.2.0/24", NULL, NULL), KEEPALIVE_ALL);
	set_interval(add_class("acme", NULL, "Acme*", NULL), 15);
	border_wait(border, 0);
	to = engine_endpoints(border->engine);
	records_restore(to, records, 2, slots);
	records_resume(to);
	cr_expect(slots[0] > 0 && slots[1] > 0);
	cr_expect_str_eq(class_at(PHONE), "acme");
	cr_expect_str_eq(class_at(SECOND), "renamed");
	cr_expect_eq(count_of("acme"), 1);
	border_wait(border, 15);
	cr_expect_eq(sent_to(PHONE), 1);
	border = before;
	border_free(after);
}

Test(classes, numbers_of_classes_that_are_gone_are_given_to_others_late)
{
	char name[32];

	border_wait(border, 0);
	register_as(PHONE, "Acme", 1);
	for (unsigned i = 0; i < 1000; i++) {
		border->settings.classes.count = 0;
		snprintf(name, sizeof(name), "class-%u", i);
		set_interval(add_class(name, "203.0.113.0/24", NULL, NULL), 10 + i % 7);
		set_interval(add_class("fixed", "192.0.2.0/24", NULL, NULL), 10);
		reconfigure();
		cr_assert_str_eq(class_at(PHONE), name);
		cr_assert_eq(count_of(name), 1);
	}
}
