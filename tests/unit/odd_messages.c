/* Messages that are not as the grammar has them and that proxies take none the less: they are
 * relayed and followed. What is clear is repaired; what is not leaves as it came. */
#include "dialogs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TARGET "sip:b@198.51.100.77"

struct oddity {
	const char *uri;   /* with the blanks around it; NULL: a plain one */
	const char *lines; /* beside what every message has */
	const char *flaw;  /* NULL: none, it is clear */
};

static const struct oddity oddities[] = {
	{.uri = " " TARGET ";thinfo=\"VG8+PoIUYHSD/sWAZZw/BCEaSdGA==\" "},
	{.uri = " " TARGET "; lr; x = \"y, <z>\" "},
	{.lines = "l: 0\r\n"},
	{.lines = "Content-Type: application/sdp\r\nc: application/sdp\r\n"},
	{.lines = "Content-Type: application/sdp\r\nc: text/plain\r\n"},
	{.lines = "From: <sip:a@example.com>;tag=a\r\n"},
	{.lines = "i: call\r\nMax-Forwards: 70\r\nMax-Forwards: 5\r\n"},
	{.lines = "Expires: 5\r\nExpires: 6\r\nEvent: a\r\no: b\r\n"},
	{.uri = "  " TARGET " ", .flaw = "bad start line"},
	{.uri = " " TARGET "  ", .flaw = "bad start line"},
	{.uri = " <" TARGET "> ", .flaw = "bad start line"},
	{.uri = " sip:b b@198.51.100.77 ", .flaw = "bad start line"},
	{.lines = "Content-Length: 5\r\n", .flaw = "two Content-Length"},
	{.lines = "From: <sip:x@example.com>;tag=x\r\n", .flaw = "two From"},
	{.lines = "To: <sip:x@example.com>;tag=x\r\n", .flaw = "two To"},
	{.lines = "Call-ID: x\r\n", .flaw = "two Call-ID"},
	{.lines = "CSeq: 77 BYE\r\n", .flaw = "two CSeq"},
	{.lines = "nonsense\r\n", .flaw = "header field without colon"},
	{.lines = "m: "
		  "<sip:1>,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
		  "\r\n",
		.flaw = "too many values"},
};

static void setup(void)
{
	dialog_setup();
	border->repairs = true;
}

TestSuite(odd_messages, .init = setup, .fini = own_border_close);

static void write_fields(char bytes[static 2048], const char *method, unsigned cseq,
	const char *to_tag, const char *lines)
{
	snprintf(bytes, 2048,
		"Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK-%u\r\n"
		"From: <sip:a@example.com>;tag=a\r\n"
		"To: <sip:b@example.com>%s\r\n"
		"Call-ID: call\r\n"
		"CSeq: %u %s\r\n"
		"%s"
		"Content-Length: 0\r\n\r\n",
		cseq, to_tag, cseq, method, lines);
}

static void phone_sends(
	const struct oddity *oddity, const char *method, unsigned cseq, const char *to_tag)
{
	char fields[2048];

	write_fields(fields, method, cseq, to_tag, oddity->lines ? oddity->lines : "");
	border_in(border, PHONE, "%s%sSIP/2.0\r\nContact: <sip:a@192.168.1.10>\r\n%s", method,
		oddity->uri ? oddity->uri : " " TARGET " ", fields);
}

/* The answer has what is odd in the header of the request. */
static void proxy_accepts(
	const struct oddity *oddity, const char *method, unsigned cseq, const char *to_tag)
{
	char fields[2048];

	write_fields(fields, method, cseq, to_tag, oddity->lines ? oddity->lines : "");
	border_out(border, PHONE, "SIP/2.0 200 OK\r\n%s", fields);
}

/* And leaves as it came, where it has a flaw. */
static void expect_verdict(const struct oddity *oddity)
{
	cr_expect_eq(border->outcome.verdict, oddity->flaw ? VERDICT_PASS : VERDICT_REWRITE, "%s%s",
		oddity->uri ? oddity->uri : "", oddity->lines ? oddity->lines : "");
}

/* Only what follows from it, as what was rewritten and what was malformed is told elsewhere. */
static unsigned reasons_held(void)
{
	return engine_counters(border->engine).reasons_of[REASON_DIALOG];
}

Test(odd_messages, a_call_is_followed_from_invite_to_bye)
{
	for (size_t i = 0; i < sizeof(oddities) / sizeof(*oddities); i++) {
		const struct oddity *oddity = &oddities[i];
		const char *shown = oddity->uri ? oddity->uri : oddity->lines;

		phone_sends(oddity, "INVITE", 1, "");
		expect_verdict(oddity);
		proxy_accepts(oddity, "INVITE", 1, ";tag=b");
		cr_expect_eq(reasons_held(), 1, "INVITE: %s", shown);
		phone_sends(oddity, "BYE", 2, ";tag=b");
		expect_verdict(oddity);
		proxy_accepts(oddity, "BYE", 2, ";tag=b");
		cr_expect_eq(reasons_held(), 0, "BYE: %s", shown);
		border_wait(border, 400);
	}
}

/* RFC 3261 25.1: blanks may stand on both sides of a semicolon, of one side's or of both. */
Test(odd_messages, a_tag_behind_blanks_is_the_same_tag)
{
	static const struct oddity plain;
	static const char *const spelt[] = {" ;tag=b", "\t; tag = b", "\r\n ;tag=b"};

	for (size_t i = 0; i < sizeof(spelt) / sizeof(*spelt); i++) {
		phone_sends(&plain, "INVITE", 1, "");
		proxy_accepts(&plain, "INVITE", 1, spelt[i]);
		cr_expect_eq(reasons_held(), 1, "INVITE: %s", spelt[i]);
		phone_sends(&plain, "BYE", 2, ";tag=b");
		proxy_accepts(&plain, "BYE", 2, spelt[i]);
		cr_expect_eq(reasons_held(), 0, "BYE: %s", spelt[i]);
		border_wait(border, 400);
	}
}

Test(odd_messages, what_is_wrong_is_told_and_counted)
{
	static const struct oddity plain;
	unsigned malformed = 0;

	for (size_t i = 0; i < sizeof(oddities) / sizeof(*oddities); i++) {
		struct engine_counters counters;

		phone_sends(&oddities[i], "BYE", 2, ";tag=b");
		counters = engine_counters(border->engine);
		malformed += oddities[i].flaw != NULL;
		cr_expect_eq(counters.malformed, malformed);
		cr_expect_eq(counters.requests, i + 1 - malformed);
	}
	phone_sends(&plain, "BYE", 2, ";tag=b");
	cr_expect_eq(engine_counters(border->engine).malformed, malformed);
}

/* What a proxy that hides what is behind it gives to the other side, and that side sends back. */
Test(odd_messages, a_repaired_request_uri_with_quotes_comes_back)
{
	char fields[2048];
	static const char start[] = "BYE sip:a@192.168.1.10;x=\"y z\";q=?;lr SIP/2.0\r\n";

	write_fields(fields, "BYE", 2, ";tag=b", "");
	border_out(border, PHONE,
		"BYE sip:a@203.0.113.1:5061;natbox=192.168.1.10;x=\"y z\";q=?;lr SIP/2.0\r\n%s",
		fields);
	cr_assert_eq(border->outcome.verdict, VERDICT_REWRITE);
	cr_expect_eq(memcmp(border->outcome.bytes.at, start, sizeof(start) - 1), 0, "%.*s",
		(int)border->outcome.bytes.length, border->outcome.bytes.at);
}

Test(odd_messages, a_contact_with_quotes_in_its_uri_is_repaired_and_comes_back)
{
	static const char contact[] = "<sip:a@192.168.1.10:5060;x=\"y, z\">;expires=60";
	static const char repaired[] =
		"<sip:a@203.0.113.1:5061;natbox=192.168.1.10-5060;x=\"y, z\">;expires=60";
	struct registration registration = {.contact = contact};

	border_register(border, PHONE, registration);
	cr_assert_eq(border->outcome.verdict, VERDICT_REWRITE);
	cr_expect_not_null(memmem(border->outcome.bytes.at, border->outcome.bytes.length, repaired,
		sizeof(repaired) - 1));
	registration.contact = repaired;
	border_answer(border, PHONE, 200, registration);
	cr_assert_eq(border->outcome.verdict, VERDICT_REWRITE);
	cr_expect_not_null(memmem(border->outcome.bytes.at, border->outcome.bytes.length, contact,
		sizeof(contact) - 1));
	cr_expect_eq(engine_counters(border->engine).reasons_of[REASON_REGISTRATION], 1);
}

Test(odd_messages, a_register_with_two_addresses_of_record_is_nobodys)
{
	for (unsigned in_answer = 0; in_answer < 2; in_answer++) {
		char fields[2048];
		const char *lines = "To: <sip:victim@example.com>\r\nExpires: 60\r\n";

		write_fields(fields, "REGISTER", 1 + in_answer, "", lines);
		border_in(border, PHONE,
			"REGISTER sip:example.com SIP/2.0\r\nm: <sip:a@192.168.1.10>\r\n%s",
			fields);
		cr_expect_eq(border->outcome.verdict, VERDICT_PASS);
		write_fields(fields, "REGISTER", 1 + in_answer, "",
			in_answer ? lines : "Expires: 60\r\n");
		border_out(
			border, PHONE, "SIP/2.0 200 OK\r\nm: <sip:a@192.168.1.10>\r\n%s", fields);
		cr_expect_eq(engine_counters(border->engine).endpoints, 0);
	}
}

/* A phone's REGISTER with this To, and its 200. */
static void registers_as(const char *to, unsigned cseq, const char *expires)
{
	const char *fields = "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK-%u\r\n"
			     "From: <sip:a@example.com>;tag=a\r\nTo: %s%s\r\nCall-ID: call\r\n"
			     "CSeq: %u REGISTER\r\nExpires: %s\r\n%s\r\n";
	const char *contact = "Contact: <sip:a@192.168.1.10:5060>\r\n";
	char request[2048], response[2048];

	snprintf(request, sizeof(request), fields, cseq, to, "", cseq, expires, contact);
	snprintf(response, sizeof(response), fields, cseq, to, ";tag=r", cseq, expires,
		*expires == '0' ? "" : contact);
	border_in(border, PHONE, "REGISTER sip:example.com SIP/2.0\r\n%s", request);
	border_out(border, PHONE, "SIP/2.0 200 OK\r\n%s", response);
}

Test(odd_messages, an_address_of_record_may_have_a_careless_name_or_no_end)
{
	static const char *const names[] = {"\"\"a\"\" <sip:a@example.com>", "<sip:a@example.com",
		"\"a <sip:a@example.com>", "\"a\"b <sip:a@example.com;x=y",
		"a, b <sip:a@example.com>"};

	border->repairs = false;
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		registers_as(names[i], 10 * i + 1, "60");
		border_expect(
			border, CALLER "reason-add " PHONE " registration sip:a@example.com 60\n");
		registers_as("<sip:a@example.com>", 10 * i + 2, "0");
		border_expect(border,
			"reason-end " PHONE
			" registration sip:a@example.com ended\n" GONE(PHONE, "ended"));
	}
	registers_as("<sip:a@example.com><sip:b@example.com>", 100, "60");
	registers_as("\"a\"", 101, "60");
	registers_as("<", 102, "60");
	border_expect(border, "");
}

/* 200 of an address of record that has more bindings than are looked at: it may be one of those. */
Test(odd_messages, a_binding_that_may_be_left_out_is_not_taken_for_gone)
{
	char many[1200] = "<sip:x@10.0.0.9>";
	struct registration registration = {.expires = "60"};

	border_bind(border, PHONE, registration);
	memset(many + strlen(many), ',', sizeof(many) - 1 - strlen(many));
	registration.cseq = 2;
	border_register(border, PHONE, registration);
	registration.contact = many;
	border_answer(border, PHONE, 200, registration);
	cr_expect_eq(engine_counters(border->engine).reasons_of[REASON_REGISTRATION], 1);
	snprintf(many, sizeof(many), "%s", "<sip:x@10.0.0.9>");
	registration.cseq = 3;
	border_register(border, PHONE, (struct registration){.cseq = 3, .expires = "60"});
	border_answer(border, PHONE, 200, registration);
	cr_expect_eq(engine_counters(border->engine).reasons_of[REASON_REGISTRATION], 0);
}
