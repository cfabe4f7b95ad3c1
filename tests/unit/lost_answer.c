/* relay.lost-answer: a request to a phone that is lost is answered in its place. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"

static void setup(void)
{
	own_border_open();
	border->repairs = true;
	border->settings.relay.lost_answer = LOST_ANSWER_430;
}

TestSuite(lost_answer, .init = setup, .fini = own_border_close);

static void register_phone(void)
{
	const struct registration registration = {.expires = "3600"};

	border_bind(border, PHONE, registration);
}

/* It has left three keepalives unanswered. */
static void lose_phone(void)
{
	register_phone();
	border_wait(border, 80.1);
	border_forget(border);
	border->sent_count = 0;
}

/* The last datagram that natbox has sent on its own, as a message. */
static struct sip_message answer(void)
{
	cr_assert_gt(border->sent_count, 0, "nothing was sent");
	const struct border_sent *sent = &border->sent[border->sent_count - 1];

	return scanned(sent->bytes, sent->length);
}

static void expect_answered(unsigned status)
{
	const struct border_sent *sent;

	cr_assert_eq(border->outcome.verdict, VERDICT_CONSUME);
	cr_assert_eq(border->sent_count, 1);
	sent = &border->sent[0];
	cr_assert(address_equal(&sent->flow.source, &(struct address[]){at(PHONE)}[0]));
	cr_assert(address_equal(&sent->flow.destination, &border->proxy));
	cr_assert_eq(answer().status, status);
	border->sent_count = 0;
}

static void expect_relayed(void)
{
	cr_assert_neq(border->outcome.verdict, VERDICT_CONSUME);
	cr_assert_eq(border->sent_count, 0);
}

static void call(void)
{
	proxy_asks(border, PHONE, "INVITE", (struct exchange){.call_id = "talk"});
}

/* The proxy's ACK to the last answer. */
static void acknowledge(const char *branch, const char *to_tag)
{
	proxy_asks(border, PHONE, "ACK",
		(struct exchange){.call_id = "talk", .branch = branch, .to_tag = to_tag});
}

static const char *tag_of_answer(void)
{
	static char tag[64];
	struct sip_message message = answer();
	struct sip_name_addr to;
	struct text found;

	cr_assert_eq(sip_name_addr_parse(message.to, &to), 0);
	cr_assert(sip_param(to.params, TEXT("tag"), &found));
	cr_assert_lt(found.length, sizeof(tag));
	memcpy(tag, found.at, found.length);
	tag[found.length] = 0;
	return tag;
}

Test(lost_answer, a_call_to_a_lost_phone_fails_at_once_with_what_rfc_3261_asks_for)
{
	const char *expected = "SIP/2.0 430 Flow Failed\r\n"
			       "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK-talk-1\r\n"
			       "Via: SIP/2.0/UDP 10.7.7.7:5060;branch=z9hG4bK-first;rport\r\n"
			       "From: <sip:from@example.com>;tag=a\r\n"
			       "To: <sip:to@example.com>;tag=natbox";
	const char *rest = "\r\nCall-ID: talk\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
	const struct border_sent *sent = &border->sent[0];

	lose_phone();
	call();
	cr_assert_eq(border->sent_count, 1);
	cr_expect_eq(memcmp(sent->bytes, expected, strlen(expected)), 0, "%s", sent->bytes);
	cr_expect_eq(sent->length, strlen(expected) + 16 + strlen(rest));
	cr_expect_eq(memcmp(sent->bytes + sent->length - strlen(rest), rest, strlen(rest)), 0);
	expect_answered(430);
	border_expect(border, "");
	cr_expect_eq(engine_counters(border->engine).lost_answers, 1);
}

Test(lost_answer, the_status_is_the_one_that_is_set)
{
	border->settings.relay.lost_answer = LOST_ANSWER_480;
	lose_phone();
	call();
	cr_expect(text_equal(answer().reason, TEXT("Temporarily Unavailable")));
	expect_answered(480);
}

Test(lost_answer, off_relays_it_as_ever)
{
	border->settings.relay.lost_answer = LOST_ANSWER_OFF;
	lose_phone();
	call();
	expect_relayed();
	border_expect(border, "reason-add " PHONE " dialog talk 32\n");
}

Test(lost_answer, sniffing_answers_nothing)
{
	border->repairs = false;
	lose_phone();
	call();
	expect_relayed();
}

Test(lost_answer, any_request_outside_a_dialog_is_answered)
{
	static const char *const methods[] = {
		"INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "REFER", "NOTIFY", "PUBLISH"};

	lose_phone();
	for (unsigned i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		proxy_asks(border, PHONE, methods[i], (struct exchange){.cseq = i + 1});
		expect_answered(430);
	}
}

Test(lost_answer, what_belongs_to_a_dialog_or_to_another_request_goes_on)
{
	static const char *const methods[] = {"ACK", "BYE", "CANCEL", "INFO", "PRACK", "UPDATE"};

	lose_phone();
	for (unsigned i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		proxy_asks(border, PHONE, methods[i], (struct exchange){.cseq = i + 1});
		expect_relayed();
	}
	proxy_asks(border, PHONE, "INVITE", (struct exchange){.cseq = 20, .to_tag = "b"});
	expect_relayed();
	proxy_asks(border, PHONE, "INVITE", (struct exchange){.cseq = 21, .to_tag = ""});
	expect_relayed();
}

Test(lost_answer, responses_go_on)
{
	lose_phone();
	proxy_answers(border, PHONE, 200, "OPTIONS", (struct exchange){.call_id = "asked"});
	expect_relayed();
}

Test(lost_answer, one_miss_less_is_not_lost)
{
	register_phone();
	border_wait(border, 79.9);
	border->sent_count = 0;
	call();
	expect_relayed();
}

Test(lost_answer, max_lost_0_loses_nobody)
{
	border->settings.keepalive.rules.max_lost = 0;
	lose_phone();
	call();
	expect_relayed();
}

Test(lost_answer, a_phone_that_answers_again_rings)
{
	lose_phone();
	border_wait(border, 20);
	phone_answers_keepalive(border, PHONE, keepalive_to(border, PHONE), "SIP/2.0 200 OK");
	border->sent_count = 0;
	border_forget(border);
	call();
	expect_relayed();
	border_expect(border, "reason-add " PHONE " dialog talk 32\n");
}

/* There it would stay lost for ever. */
Test(lost_answer, where_nobody_is_asked_any_more_nobody_is_lost)
{
	lose_phone();
	border->settings.keepalive.rules.scope = KEEPALIVE_OFF;
	engine_reconfigure(border->engine, &border->settings);
	call();
	expect_relayed();
	border->settings.keepalive.rules.scope = KEEPALIVE_NATTED;
	border->settings.keepalive.rules.method = KEEPALIVE_CRLF;
	engine_reconfigure(border->engine, &border->settings);
	call();
	expect_relayed();
}

Test(lost_answer, a_reload_switches_it)
{
	lose_phone();
	border->settings.relay.lost_answer = LOST_ANSWER_OFF;
	engine_reconfigure(border->engine, &border->settings);
	call();
	expect_relayed();
}

static void set_max_lost(unsigned max_lost)
{
	border->settings.keepalive.rules.max_lost = max_lost;
	engine_reconfigure(border->engine, &border->settings);
}

Test(lost_answer, after_a_reload_goes_by_what_was_told_and_not_by_what_would_be)
{
	lose_phone();
	set_max_lost(10);
	call();
	expect_answered(430);
}

Test(lost_answer, after_a_reload_a_phone_is_not_lost_before_that_is_told)
{
	register_phone();
	border_wait(border, 76);
	border->sent_count = 0;
	set_max_lost(2);
	call();
	expect_relayed();
	border_wait(border, 4.1);
	border->sent_count = 0;
	call();
	expect_answered(430);
}

Test(lost_answer, is_that_of_the_proxy_that_the_phone_is_lost_at)
{
	lose_phone();
	border_take_proxy(border, "198.51.100.2:5060");
	call();
	expect_relayed();
}

Test(lost_answer, a_retransmission_is_answered_alike_and_another_request_otherwise)
{
	char first[64];

	lose_phone();
	call();
	strcpy(first, tag_of_answer());
	expect_answered(430);
	border_wait(border, 0.5);
	call();
	cr_expect_str_eq(tag_of_answer(), first);
	expect_answered(430);
	proxy_asks(border, PHONE, "INVITE", (struct exchange){.call_id = "talk", .cseq = 2});
	cr_expect_str_neq(tag_of_answer(), first);
	expect_answered(430);
}

Test(lost_answer, its_ack_ends_here_and_no_other)
{
	char tag[64];

	lose_phone();
	call();
	strcpy(tag, tag_of_answer());
	border->sent_count = 0;
	acknowledge("z9hG4bK-talk-1", tag);
	cr_expect_eq(border->outcome.verdict, VERDICT_CONSUME);
	cr_expect_eq(border->sent_count, 0);
	acknowledge("z9hG4bK-talk-2", tag);
	expect_relayed();
	tag[10] = tag[10] == '0' ? '1' : '0';
	acknowledge("z9hG4bK-talk-1", tag);
	expect_relayed();
}

/* Of RFC 2543, which has the ACK of its INVITE's CSeq. */
Test(lost_answer, without_a_branch_its_ack_is_known_too)
{
	struct exchange exchange = {.call_id = "talk", .branch = ""};

	lose_phone();
	proxy_asks(border, PHONE, "INVITE", exchange);
	exchange.to_tag = tag_of_answer();
	expect_answered(430);
	proxy_asks(border, PHONE, "ACK", exchange);
	cr_expect_eq(border->outcome.verdict, VERDICT_CONSUME);
	exchange.cseq = 2;
	proxy_asks(border, PHONE, "ACK", exchange);
	expect_relayed();
}

Test(lost_answer, its_ack_ends_here_also_once_the_phone_is_back)
{
	char tag[64];

	lose_phone();
	call();
	strcpy(tag, tag_of_answer());
	border_wait(border, 20);
	phone_answers_keepalive(border, PHONE, keepalive_to(border, PHONE), "SIP/2.0 200 OK");
	acknowledge("z9hG4bK-talk-1", tag);
	cr_expect_eq(border->outcome.verdict, VERDICT_CONSUME);
}

Test(lost_answer, leaves_no_leg_and_no_transaction)
{
	lose_phone();
	border_wait(border, 60);
	border_forget(border);
	border->sent_count = 0;
	const uint32_t transactions = engine_counters(border->engine).transactions;

	call();
	expect_answered(430);
	cr_expect_eq(engine_counters(border->engine).transactions, transactions);
	border_expect(border, "");
}

/* Its first copy went out while that was still open. */
Test(lost_answer, of_a_call_that_was_relayed_before_ends_its_leg)
{
	register_phone();
	border_wait(border, 79.9);
	border_forget(border);
	call();
	border_wait(border, 0.5);
	border_expect(border, "reason-add " PHONE " dialog talk 32\nlost " PHONE " 3\n");
	border->sent_count = 0;
	call();
	expect_answered(430);
	border_expect(border, "reason-end " PHONE " dialog talk failed\n");
}

/* What a phone in its place would write there (RFC 3581 4, RFC 3261 18.2.1). */
static void expect_via(const char *given, const char *expected)
{
	struct sip_cursor cursor = {0};
	struct sip_message message;
	struct text via;

	border_out(border, PHONE,
		"OPTIONS sip:user@" PHONE " SIP/2.0\r\nVia: %s\r\n"
		"From: <sip:from@example.com>;tag=a\r\nTo: <sip:to@example.com>\r\n"
		"Call-ID: call\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		given);
	message = answer();
	cr_assert(sip_next_value(&message, SIP_VIA, &cursor, &via));
	cr_expect(text_equal(via, text_from(expected)), "%.*s", (int)via.length, via.at);
	expect_answered(430);
}

Test(lost_answer, says_where_the_request_came_from_as_the_via_asks)
{
	lose_phone();
	expect_via("SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1",
		"SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1");
	expect_via("SIP/2.0/UDP 198.51.100.1;rport;branch=z9hG4bK1",
		"SIP/2.0/UDP 198.51.100.1;rport=5060;branch=z9hG4bK1;received=198.51.100.1");
	expect_via("SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1;rport=",
		"SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1;rport=5060;received=198.51.100.1");
	expect_via("SIP/2.0/UDP proxy.example.com;branch=z9hG4bK1;i=7",
		"SIP/2.0/UDP proxy.example.com;branch=z9hG4bK1;i=7;received=198.51.100.1");
	expect_via("SIP/2.0/UDP proxy.example.com;received=192.0.2.1;branch=z9hG4bK1",
		"SIP/2.0/UDP proxy.example.com;received=192.0.2.1;branch=z9hG4bK1");
}

Test(lost_answer, over_ipv6_received_has_no_brackets)
{
	const char *phone = "[2001:db8:9::1]:5061";
	const struct registration registration = {.expires = "3600"};
	struct sip_message message;

	border_take_proxy(border, "[2001:db8::1]:5060");
	border_bind(border, phone, registration);
	border_wait(border, 80.1);
	proxy_asks(border, phone, "MESSAGE", (struct exchange){0});
	message = answer();
	cr_expect_eq(message.status, 430);
	cr_expect_null(message.top_via.received.whole.at);
	border_out(border, phone,
		"OPTIONS sip:user@phone SIP/2.0\r\n"
		"Via: SIP/2.0/UDP [2001:db8::1];rport;branch=z9hG4bK1\r\n"
		"From: <sip:from@example.com>;tag=a\r\nTo: <sip:to@example.com>\r\n"
		"Call-ID: call\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	message = answer();
	cr_expect(text_equal(message.top_via.received.value, TEXT("2001:db8::1")));
	cr_expect(text_equal(message.top_via.rport.value, TEXT("5060")));
}

/* What it asks for may be something else than is read. */
Test(lost_answer, a_message_with_a_flaw_goes_on)
{
	static const char *const tos[] = {"<sip:to@example.com>\r\nTo: <sip:you@example.com>",
		"<sip:to@example.com", "", "*"};

	lose_phone();
	for (unsigned i = 0; i < sizeof(tos) / sizeof(*tos); i++) {
		border_out(border, PHONE,
			"OPTIONS sip:user@" PHONE " SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1\r\n"
			"From: <sip:from@example.com>;tag=a\r\nTo: %s\r\n"
			"Call-ID: call\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			tos[i]);
		expect_relayed();
	}
}

/* Of nothing but Vias, in compact form: as an answer it is longer. */
Test(lost_answer, a_request_whose_answer_would_be_too_long_goes_on)
{
	static char bytes[65507];
	const struct flow flow = {border->proxy, at(PHONE)};
	size_t length = (size_t)sprintf(bytes,
		"OPTIONS sip:a SIP/2.0\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\n"
		"v:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:");

	lose_phone();
	memset(bytes + length, 'x', sizeof(bytes) - length);
	memcpy(bytes + sizeof(bytes) - 5, ">\r\n\r\n", 5);
	border_packet(border, &flow, (struct text){bytes, sizeof(bytes)});
	expect_relayed();
}

/* Many proxies take an INVITE from anybody, and some phones ignore keepalives. */
Test(lost_answer, a_strangers_invite_does_not_stop_calls_to_where_he_claims_to_be)
{
	border->leaves_unproven = true;
	phone_asks(border, PHONE, "INVITE", (struct exchange){.call_id = "forged"});
	proxy_answers(border, PHONE, 183, "INVITE",
		(struct exchange){.call_id = "forged", .to_tag = "b"});
	border_forget(border);
	border_wait(border, 100);
	border_expect(border, "lost " PHONE " 3\n");
	border->sent_count = 0;
	call();
	expect_relayed();
}

Test(lost_answer, a_registered_phone_that_was_never_proven_is_answered_for_once_it_is_lost)
{
	border->leaves_unproven = true;
	register_phone();
	border_wait(border, 50);
	border->sent_count = 0;
	call();
	expect_relayed();
	border_wait(border, 50);
	border->sent_count = 0;
	call();
	expect_answered(430);
}

/* As where a firewall has taken the mark off it, by which else it never comes this way. */
Test(lost_answer, natboxs_own_keepalive_that_passes_by_is_not_answered)
{
	struct border_sent keepalive;

	lose_phone();
	border_wait(border, 25);
	cr_assert_eq(border->sent_count, 1);
	keepalive = border->sent[0];
	border->sent_count = 0;
	border_packet(border, &keepalive.flow, (struct text){keepalive.bytes, keepalive.length});
	expect_relayed();
}
