/* How long a phone is told that it is registered: nat.max-expires and nat.spread-expires. */
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:6000"

/* As the phone writes it, and as the registrar has it. */
#define OWN         "<sip:alice@192.168.1.10:5060>"
#define BOUND       BOUND_AT(PHONE)
#define BOUND_AT(p) "<sip:alice@" p ";natbox=192.168.1.10-5060>"
#define BY_TCP      "<sip:alice@192.168.1.10:5060;transport=tcp>"
#define OTHER       "<sip:alice@192.168.1.77:5060>"
#define END         "Content-Length: 0\r\n\r\n"

enum { CONTACT = 0, OTHER_FIELD = 3 }; /* in rewritten_fields */

static struct registration asked;

static void setup(void)
{
	own_border_open();
	border->repairs = true;
	border->settings.nat.max_expires_us = 600000000;
	asked = (struct registration){.contact = OWN, .expires = "3600", .cseq = 1};
}

TestSuite(expires, .init = setup, .fini = own_border_close);

/* What the phone gets of an answer to its request, from the line after CSeq on; empty where natbox
 * has changed nothing. */
static const char *told(const char *client, struct registration answer)
{
	static char bytes[8192];
	const struct outcome *outcome = &border->outcome;

	answer.cseq = asked.cseq;
	answer.call_id = asked.call_id;
	border_answer(border, client, 200, answer);
	if (outcome->verdict != VERDICT_REWRITE)
		return "";
	cr_assert_lt(outcome->bytes.length, sizeof(bytes));
	memcpy(bytes, outcome->bytes.at, outcome->bytes.length);
	bytes[outcome->bytes.length] = 0;
	return strchr(strstr(bytes, "CSeq: "), '\n') + 1;
}

static void expect_told(struct registration answer, const char *expected)
{
	border_register(border, PHONE, asked);
	border_forget(border);
	cr_expect_str_eq(told(PHONE, answer), expected);
	asked.cseq++;
}

static uint64_t rewritten(unsigned field)
{
	return engine_counters(border->engine).rewritten_fields[field];
}

Test(expires, a_phone_is_told_the_maximum_and_kept_alive_as_long_as_it_is_granted)
{
	border_register(border, PHONE, asked);
	border_forget(border);
	cr_expect_str_eq(told(PHONE, (struct registration){.contact = BOUND ";expires=3600;q=0.5"}),
		"Contact: " OWN ";expires=600;q=0.5\r\n" END);
	border_expect(border,
		"endpoint-add 203.0.113.1:5061 via-source,contact-private\n"
		"reason-add 203.0.113.1:5061 registration sip:alice@example.com 3600\n"
		"rewrite 203.0.113.1:5061 out\n");
	border_wait(border, 3599);
	border_forget(border);
	border_wait(border, 1);
	border_expect(border,
		"reason-end 203.0.113.1:5061 registration sip:alice@example.com expired\n"
		"endpoint-remove 203.0.113.1:5061 expired\n");
}

Test(expires, who_is_granted_less_is_told_that)
{
	expect_told((struct registration){.contact = BOUND ";expires=599"},
		"Contact: " OWN ";expires=599\r\n" END);
	asked.expires = "60";
	expect_told((struct registration){.contact = BOUND}, "Contact: " OWN "\r\n" END);
}

Test(expires, contacts_of_others_stay)
{
	expect_told((struct registration){.contact = OTHER
					  ";expires=3000, " BOUND
					  " ; EXPIRES = 3600 , <sip:bob@x>;expires=3600"},
		"Contact: " OTHER ";expires=3000, " OWN
		" ; EXPIRES = 600 , <sip:bob@x>;expires=3600\r\n" END);
}

/* As it was written, from before it was repaired; and by another transport. */
Test(expires, what_is_like_a_phones_own_but_is_not_repaired_stays)
{
	expect_told((struct registration){.contact = OWN ";expires=3000, " BOUND ";expires=3600"},
		"Contact: " OWN ";expires=3000, " OWN ";expires=600\r\n" END);
	expect_told(
		(struct registration){.contact = BY_TCP ";expires=3000, " BOUND ";expires=3600"},
		"Contact: " BY_TCP ";expires=3000, " OWN ";expires=600\r\n" END);
}

Test(expires, the_header_tells_it_where_the_contact_does_not)
{
	expect_told((struct registration){.contact = BOUND, .expires = "3600"},
		"Contact: " OWN "\r\nExpires: 600\r\n" END);
	cr_expect_eq(rewritten(OTHER_FIELD), 1);
	expect_told((struct registration){.contact = BOUND ";expires=3600", .expires = "1800"},
		"Contact: " OWN ";expires=600\r\nExpires: 1800\r\n" END);
	cr_expect_eq(rewritten(OTHER_FIELD), 1);
}

Test(expires, the_contact_tells_it_where_nothing_does_or_the_header_does_twice)
{
	expect_told(
		(struct registration){.contact = BOUND}, "Contact: " OWN ";expires=600\r\n" END);
	expect_told(
		(struct registration){
			.contact = BOUND, .expires = "3600", .extra = "Expires: 3600\r\n"},
		"Contact: " OWN ";expires=600\r\nExpires: 3600\r\nExpires: 3600\r\n" END);
	expect_told(
		(struct registration){
			.contact = BOUND, .expires = "3600", .extra = "Expires: 7200\r\n"},
		"Contact: " OWN ";expires=600\r\nExpires: 3600\r\nExpires: 7200\r\n" END);
	expect_told((struct registration){.contact = BOUND, .expires = "soon"},
		"Contact: " OWN ";expires=600\r\nExpires: soon\r\n" END);
	cr_expect_eq(rewritten(OTHER_FIELD), 0);
}

Test(expires, a_time_that_cannot_be_read_stays)
{
	expect_told((struct registration){.contact = BOUND ";expires"},
		"Contact: " OWN ";expires\r\n" END);
	expect_told((struct registration){.contact = BOUND ";expires=soon", .expires = "3600"},
		"Contact: " OWN ";expires=soon\r\nExpires: 600\r\n" END);
}

Test(expires, the_header_tells_it_where_the_registrar_does_not_list)
{
	expect_told(
		(struct registration){.contact = "", .expires = "3600"}, "Expires: 600\r\n" END);
	expect_told((struct registration){.contact = ""}, "");
}

Test(expires, a_bare_contact_is_told_of_behind_it)
{
	asked.contact = "sip:alice@192.168.1.10:5060";
	expect_told((struct registration){.contact = "<sip:alice@203.0.113.1:5061;natbox="
						     "-192.168.1.10-5060>"},
		"Contact: sip:alice@192.168.1.10:5060;expires=600\r\n" END);
	expect_told((struct registration){.contact = "sip:alice@203.0.113.1:5061;natbox="
						     "-192.168.1.10-5060"},
		"Contact: sip:alice@192.168.1.10:5060;expires=600\r\n" END);
}

Test(expires, each_contact_of_a_phone_is_told_of)
{
	asked.contact = OWN ", <sip:bob@192.168.1.10:5060>";
	expect_told(
		(struct registration){.contact = BOUND ";expires=3600, <sip:bob@203.0.113.1:5061;"
						       "natbox=192.168.1.10-5060>;expires=300"},
		"Contact: " OWN ";expires=600, <sip:bob@192.168.1.10:5060>;expires=300\r\n" END);
	expect_told((struct registration){.contact = BOUND ", <sip:bob@203.0.113.1:5061;"
							   "natbox=192.168.1.10-5060>",
			    .expires = "3600"},
		"Contact: " OWN ", <sip:bob@192.168.1.10:5060>\r\nExpires: 600\r\n" END);
}

Test(expires, who_leaves_or_asks_is_told_what_the_registrar_says)
{
	expect_told((struct registration){.contact = BOUND ";expires=3600"},
		"Contact: " OWN ";expires=600\r\n" END);
	asked.contact = "";
	asked.expires = NULL;
	expect_told((struct registration){.contact = BOUND ";expires=3600"},
		"Contact: " OWN ";expires=3600\r\n" END);
	asked.contact = OWN;
	asked.expires = "0";
	expect_told((struct registration){.contact = OTHER ";expires=3600", .expires = "3600"}, "");
	expect_told((struct registration){.contact = "", .expires = "3600"}, "");
	expect_told((struct registration){.contact = BOUND ";expires=3600", .expires = "3600"},
		"Contact: " OWN ";expires=3600\r\nExpires: 3600\r\n" END);
}

/* A phone that wrote its public address itself, too, is not told of that as it was before. */
/* The first one may be lost, and where many come at once some are. */
Test(expires, a_copy_of_the_answer_tells_no_more)
{
	static const char *const expected = "Contact: " OWN ";expires=600\r\n" END;

	border_register(border, PHONE, asked);
	cr_expect_str_eq(
		told(PHONE, (struct registration){.contact = BOUND ";expires=3600"}), expected);
	border_wait(border, 30);
	border_register(border, PHONE, asked);
	border_forget(border);
	cr_expect_str_eq(
		told(PHONE, (struct registration){.contact = BOUND ";expires=3600"}), expected);
	border_expect(border, "rewrite 203.0.113.1:5061 out\n");
	border_wait(border, 32);
	border_register(border, PHONE, asked);
	border_forget(border);
	cr_expect_str_eq(
		told(PHONE, (struct registration){.contact = BOUND ";expires=3600"}), expected);
	border_expect(border, "reason-refresh 203.0.113.1:5061 registration "
			      "sip:alice@example.com 3600\n"
			      "rewrite 203.0.113.1:5061 out\n");
}

/* A REGISTER that was overtaken by the next one's answer. */
Test(expires, a_copy_that_comes_late_does_not_bring_a_phone_back)
{
	border_register(border, PHONE, asked);
	told(PHONE, (struct registration){.contact = BOUND ";expires=3600"});
	asked.cseq++;
	asked.expires = "0";
	border_register(border, PHONE, asked);
	told(PHONE, (struct registration){.contact = ""});
	cr_expect_eq(engine_counters(border->engine).endpoints, 0);
	asked.cseq--;
	told(PHONE, (struct registration){.contact = BOUND ";expires=3600"});
	border->settings.nat.max_expires_us = 0;
	engine_reconfigure(border->engine, &border->settings);
	told(PHONE, (struct registration){.contact = BOUND ";expires=3600"});
	cr_expect_eq(engine_counters(border->engine).endpoints, 0);
}

Test(expires, requests_that_were_answered_make_room_for_others)
{
	border->settings.limits.transactions = 4;
	for (unsigned i = 0; i < 20; i++)
		expect_told((struct registration){.contact = BOUND ";expires=3600"},
			"Contact: " OWN ";expires=600\r\n" END);
	cr_expect_eq(engine_counters(border->engine).transactions, 4);
	cr_expect_eq(engine_counters(border->engine).refused, 0);
}

Test(expires, nobody_is_told_of_a_contact_that_is_taken_back)
{
	border_register(border, PHONE, asked);
	told(PHONE, (struct registration){.contact = BOUND ";expires=3600"});
	asked.cseq++;
	asked.contact = OWN ", <sip:alice@" PHONE ";ob>";
	border_register(border, MOVED, asked);
	cr_expect_str_eq(
		told(MOVED, (struct registration){.contact = BOUND_AT(MOVED) ";expires=3600, " BOUND
									     ";expires=3600"}),
		"Contact: " OWN ";expires=600\r\n" END);
}

Test(expires, an_answer_that_is_broken_is_relayed_as_it_came)
{
	expect_told((struct registration){.contact = BOUND ";expires=3600",
			    .extra = "Content-Length: 7\r\n"},
		"");
}

Test(expires, who_is_not_followed_is_told_what_the_registrar_says)
{
	asked.contact = "<sip:alice@" PHONE ">";
	asked.via = PHONE;
	expect_told((struct registration){.contact = "<sip:alice@" PHONE ">;expires=3600",
			    .via = PHONE},
		"");
	cr_expect_eq(engine_counters(border->engine).endpoints, 0);
}

/* Its REGISTER waits for its answer, which says what becomes of the other one. */
Test(expires, nor_is_who_has_an_address_of_record_with_one_that_is)
{
	expect_told((struct registration){.contact = BOUND ";expires=3600"},
		"Contact: " OWN ";expires=600\r\n" END);
	asked.contact = "<sip:alice@203.0.113.9:5060>";
	asked.via = "203.0.113.9:5060";
	asked.call_id = "other";
	border_register(border, "203.0.113.9:5060", asked);
	cr_expect_eq(engine_counters(border->engine).transactions, 2);
	cr_expect_str_eq(
		told("203.0.113.9:5060",
			(struct registration){.via = asked.via,
				.contact = "<sip:alice@203.0.113.9:5060>;expires=3600, " BOUND
					   ";expires=3600"}),
		"");
}

Test(expires, with_scope_all_everybody_is_followed)
{
	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	asked.contact = "<sip:alice@" PHONE ">";
	asked.via = PHONE;
	expect_told((struct registration){.contact = "<sip:alice@" PHONE ">;expires=3600",
			    .via = PHONE},
		"Contact: <sip:alice@" PHONE ">;expires=600\r\n" END);
	cr_expect_eq(rewritten(CONTACT), 1);
}

Test(expires, where_registrations_do_not_count_nobody_is_followed)
{
	border->settings.keepalive.registrations = false;
	expect_told((struct registration){.contact = BOUND ";expires=3600"},
		"Contact: " OWN ";expires=3600\r\n" END);
}

Test(expires, nothing_is_told_by_who_does_not_restore)
{
	border->settings.nat.restore = false;
	expect_told((struct registration){.contact = BOUND ";expires=3600"}, "");
}

Test(expires, nothing_is_told_in_sniff_mode)
{
	border->repairs = false;
	expect_told((struct registration){.contact = BOUND ";expires=3600"}, "");
}

/* The seconds in the answer of the moment. */
static unsigned told_seconds(void)
{
	const struct text sent = border->outcome.bytes;
	struct sip_message message = scanned(sent.at, sent.length);
	uint32_t seconds;

	cr_assert_eq(message.contact_count, 1);
	cr_assert(text_number(message.contacts[0].name_addr.expires, &seconds));
	return seconds;
}

struct range {
	unsigned least, most;
};

/* What phone after phone is told of so many seconds. */
static struct range range_of(unsigned granted)
{
	char contact[128];
	struct range range = {UINT32_MAX, 0};

	snprintf(contact, sizeof(contact), BOUND ";expires=%u", granted);
	for (unsigned i = 0; i < 2000; i++) {
		unsigned seconds;

		border_register(border, PHONE, asked);
		told(PHONE, (struct registration){.contact = contact});
		asked.cseq++;
		seconds = told_seconds();
		range.least = seconds < range.least ? seconds : range.least;
		range.most = seconds > range.most ? seconds : range.most;
	}
	border_forget(border);
	return range;
}

Test(expires, the_share_is_of_what_would_be_told_without_it)
{
	border->settings.nat.spread_expires = 20;
	border->settings.nat.max_expires_us = 0;
	struct range range = range_of(3600);

	cr_expect(range.least == 2880 && range.most == 3600, "%u to %u", range.least, range.most);
	border->settings.nat.max_expires_us = 1000000000;
	engine_reconfigure(border->engine, &border->settings);
	range = range_of(3600);
	cr_expect(range.least == 800 && range.most == 1000, "%u to %u", range.least, range.most);
	range = range_of(500);
	cr_expect(range.least == 400 && range.most == 500, "%u to %u", range.least, range.most);
	range = range_of(UINT32_MAX);
	cr_expect(range.least == 800 && range.most == 1000, "%u to %u", range.least, range.most);
}

Test(expires, nobody_is_told_less_than_a_minute_who_is_not_granted_less)
{
	border->settings.nat.spread_expires = 90;
	struct range range = range_of(100);

	cr_expect(range.least == 60 && range.most == 100, "%u to %u", range.least, range.most);
	range = range_of(60);
	cr_expect(range.least == 60 && range.most == 60, "%u to %u", range.least, range.most);
	range = range_of(59);
	cr_expect(range.least == 59 && range.most == 59, "%u to %u", range.least, range.most);
	range = range_of(1);
	cr_expect(range.least == 1 && range.most == 1, "%u to %u", range.least, range.most);
}

/* Writes an answer to the request of the moment, with some bytes changed into others that matter to
 * a parser. Its length. */
static size_t damaged_answer(uint32_t seed, char *bytes, size_t size)
{
	static const char strange[] = "\r\n\t ;:,<>\"\\=@0aE3*";
	static const char *const times[] = {";expires=3600\r\n", "\r\nExpires: 3600\r\n",
		";q=1;expires=3600;x=\"y\"\r\nExpires: 3600\r\n", "\r\n"};
	const int length = snprintf(bytes, size,
		"SIP/2.0 200 OK\r\n"
		"Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK-call-%u;rport=5061\r\n"
		"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>;tag=2\r\n"
		"Call-ID: call\r\nCSeq: %u REGISTER\r\nContact: " OTHER ", " BOUND
		"%sContent-Length: 0\r\n\r\n",
		asked.cseq, asked.cseq, times[seed % 4]);
	const size_t fields = (size_t)(strstr(bytes, "Contact") - bytes);

	for (unsigned i = seed % 5; i > 0; i--) {
		seed = seed * 1664525 + 1013904223;
		bytes[fields + (seed >> 8) % ((size_t)length - fields)] =
			strange[(seed >> 20) % (sizeof(strange) - 1)];
	}
	return (size_t)length;
}

/* The answer with and without the keys: between what both begin and end with there is a time. */
static void expect_one_time(struct text with, struct text without)
{
	size_t start = 0, end = 0;

	while (start < with.length && start < without.length && with.at[start] == without.at[start])
		start++;
	while (end < with.length - start && end < without.length - start &&
		text_end(with)[-1 - (long)end] == text_end(without)[-1 - (long)end])
		end++;
	for (size_t i = start; i < with.length - end; i++)
		cr_assert(strchr(";expires=0123456789", with.at[i]), "%.*s", (int)with.length,
			with.at);
	for (size_t i = start; i < without.length - end; i++)
		cr_assert(strchr("0123456789", without.at[i]), "%.*s", (int)with.length, with.at);
}

static struct text sent_on(struct border *of, const char *bytes, size_t length)
{
	const struct flow flow = {.source = of->proxy, .destination = at(PHONE)};

	border_forget(of);
	border_register(of, PHONE, asked);
	border_packet(of, &flow, (struct text){bytes, length});
	return of->outcome.verdict == VERDICT_REWRITE ? of->outcome.bytes
						      : (struct text){bytes, length};
}

Test(expires, whatever_an_answer_is_like_one_time_in_it_changes)
{
	struct border *other = border_new();
	char bytes[2048];
	unsigned changed = 0;

	other->repairs = true;
	for (uint32_t i = 0; i < 20000; i++) {
		size_t length = damaged_answer(i * 2654435761u, bytes, sizeof(bytes));
		struct text with = sent_on(border, bytes, length);
		struct text without = sent_on(other, bytes, length);

		expect_one_time(with, without);
		changed += !text_equal(with, without);
		asked.cseq++;
	}
	cr_expect_gt(changed, 5000);
	border_free(other);
}

static void forget(void *context, const struct event *event)
{
	(void)context;
	(void)event;
}

enum { PHONES = 100000, BACK_SECONDS = 4000 };

/* How many phones come back in each second: when what they were told is over, or half of it. */
static unsigned back[BACK_SECONDS], back_at_half[BACK_SECONDS];

/* Each from an address of its own. */
static void register_phone(unsigned number)
{
	char client[32], bound[128];
	uint64_t after_us, told_us;

	snprintf(client, sizeof(client), "203.%u.%u.%u:5061", number / 10000, number / 100 % 100,
		number % 100 + 1);
	snprintf(bound, sizeof(bound), "<sip:alice@%s;natbox=192.168.1.10-5060>;expires=3600",
		client);
	border_register(border, client, asked);
	told(client, (struct registration){.contact = bound});
	after_us = border->now_us - 1000000000;
	told_us = told_seconds() * UINT64_C(1000000);
	back[(after_us + told_us) / 1000000]++;
	back_at_half[(after_us + told_us / 2) / 1000000]++;
}

/* span: how many seconds there are from the first that may come back to the last. */
static void expect_spread(const unsigned *seconds, unsigned span)
{
	unsigned busiest = 0;

	for (unsigned i = 0; i < BACK_SECONDS; i++)
		busiest = seconds[i] > busiest ? seconds[i] : busiest;
	cr_log_info("%u of %u in the busiest second of %u", busiest, PHONES, span);
	cr_expect_leq((double)busiest, 1.3 * PHONES / span, "%u in the busiest second", busiest);
}

Test(expires, a_hundred_thousand_phones_come_back_spread)
{
	border->settings.nat.max_expires_us = 0;
	border->settings.nat.spread_expires = 20;
	border->settings.limits.endpoints = border->settings.limits.transactions = 200000;
	border->settings.limits.unproven = 200000;
	border->settings.keepalive.rules.scope = KEEPALIVE_OFF;
	border->listener = forget;
	for (unsigned i = 0; i < PHONES; i++) {
		register_phone(i);
		border->now_us += 100;
	}
	expect_spread(back, 3600 / 5 + 10);
	expect_spread(back_at_half, 3600 / 5 / 2 + 10);
}
