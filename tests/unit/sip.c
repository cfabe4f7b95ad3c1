/* What a message says that is scanned, and what is no SIP or malformed. */
#include "scan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

Test(sip, takes_a_request_apart)
{
	cr_assert_eq(scan("REGISTER sip:example.com SIP/2.0\r\n" VIA FROM TO CALL_ID
			  "CSeq: 7 REGISTER\r\nExpires: 600\r\nEvent: reg\r\n"
			  "Contact: <sip:alice@10.0.0.2>\r\nRoute: <sip:a;lr>\r\n"
			  "Record-Route: <sip:b;lr>\r\nSubscription-State: active\r\n"
			  "Session-Expires: 1800\r\nContent-Type: text/plain\r\n"
			  "Content-Length: 4\r\n" END "body"),
		0);
	cr_expect(message.is_request);
	cr_expect_eq(message.method, SIP_REGISTER);
	expect_text(message.method_name, "REGISTER");
	expect_text(message.request_uri, "sip:example.com");
	expect_text(message.from, "<sip:alice@example.com>;tag=1");
	expect_text(message.to, "<sip:bob@example.com>");
	expect_text(message.call_id, "abc@192.0.2.1");
	expect_text(message.cseq, "7 REGISTER");
	cr_expect_eq(message.cseq_number, 7);
	expect_text(message.expires, "600");
	expect_text(message.event, "reg");
	expect_text(message.subscription_state, "active");
	expect_text(message.session_expires, "1800");
	expect_text(message.content_type, "text/plain");
	expect_text(message.content_length, "4");
	expect_text(message.body, "body");
	cr_expect_str_eq(values(SIP_CONTACT), "<sip:alice@10.0.0.2>|");
	cr_expect_str_eq(values(SIP_ROUTE), "<sip:a;lr>|");
	cr_expect_str_eq(values(SIP_RECORD_ROUTE), "<sip:b;lr>|");
}

Test(sip, takes_a_response_apart)
{
	cr_assert_eq(scan("SIP/2.0 481 Call Leg/Transaction Does Not Exist\r\n" MANDATORY END), 0);
	cr_expect_not(message.is_request);
	cr_expect_eq(message.status, 481);
	expect_text(message.reason, "Call Leg/Transaction Does Not Exist");
	expect_text(message.method_name, "OPTIONS");
	cr_expect_eq(message.method, SIP_OPTIONS);
	cr_expect_null(message.request_uri.at);
}

Test(sip, knows_every_method_by_its_exact_name)
{
	static const struct {
		const char *name;
		enum sip_method method;
	} methods[] = {{"ACK", SIP_ACK}, {"BYE", SIP_BYE}, {"CANCEL", SIP_CANCEL},
		{"INVITE", SIP_INVITE}, {"NOTIFY", SIP_NOTIFY}, {"OPTIONS", SIP_OPTIONS},
		{"PRACK", SIP_PRACK}, {"REFER", SIP_REFER}, {"REGISTER", SIP_REGISTER},
		{"SUBSCRIBE", SIP_SUBSCRIBE}, {"UPDATE", SIP_UPDATE}, {"PUBLISH", SIP_OTHER},
		{"Invite", SIP_OTHER}, {"INVITES", SIP_OTHER}, {"!odd.Me'th-od", SIP_OTHER}};
	char text[512];

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		snprintf(text, sizeof(text),
			"%s sip:b SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 %s\r\n" END,
			methods[i].name, methods[i].name);
		cr_expect_eq(scan(text), 0, "%s", methods[i].name);
		cr_expect_eq(message.method, methods[i].method, "%s", methods[i].name);
		expect_text(message.method_name, methods[i].name);
	}
}

Test(sip, missing_header_fields_have_no_text)
{
	cr_assert_eq(scan(REQUEST MANDATORY END), 0);
	cr_expect_null(message.expires.at);
	cr_expect_null(message.event.at);
	cr_expect_null(message.subscription_state.at);
	cr_expect_null(message.session_expires.at);
	cr_expect_null(message.content_type.at);
	cr_expect_null(message.content_length.at);
	cr_expect_eq(sip_count_values(&message, SIP_CONTACT), 0);
}

Test(sip, an_empty_header_field_is_there_and_empty)
{
	cr_assert_eq(scan(REQUEST MANDATORY "Event:\r\nExpires: \r\n" END), 0);
	expect_text(message.event, "");
	expect_text(message.expires, "");
}

Test(sip, header_fields_may_come_in_any_order)
{
	cr_assert_eq(scan(REQUEST CSEQ "Contact: <sip:c>\r\n" TO FROM CALL_ID VIA END), 0);
	expect_text(message.cseq, "7 OPTIONS");
	cr_expect_str_eq(values(SIP_CONTACT), "<sip:c>|");
}

Test(sip, understands_compact_forms_in_either_case)
{
	cr_assert_eq(
		scan(REQUEST "v: SIP/2.0/UDP a\r\nF: <sip:f>\r\nt: <sip:t>\r\nI: id\r\n" CSEQ
			     "m: <sip:m>\r\no: presence\r\nX: 90\r\nc: text/plain\r\nl: 1\r\n" END
			     "b"),
		0);
	cr_expect_str_eq(values(SIP_VIA), "SIP/2.0/UDP a|");
	expect_text(message.from, "<sip:f>");
	expect_text(message.to, "<sip:t>");
	expect_text(message.call_id, "id");
	cr_expect_str_eq(values(SIP_CONTACT), "<sip:m>|");
	expect_text(message.event, "presence");
	expect_text(message.session_expires, "90");
	expect_text(message.content_type, "text/plain");
	expect_text(message.body, "b");
}

Test(sip, other_compact_forms_are_nobodys)
{
	cr_assert_eq(scan(REQUEST MANDATORY
			     "k: 100rel\r\ns: subject\r\nr: <sip:r>\r\ne: gzip\r\nu: presence\r\n"
			     "a: *\r\nb: <sip:b>\r\nd: x\r\nj: x\r\ny: x\r\nn: x\r\n[: x\r\n" END),
		0);
	cr_expect_eq(message.value_count, 1);
	cr_expect_null(message.event.at);
}

Test(sip, header_names_compare_without_case)
{
	cr_assert_eq(scan(REQUEST "VIA: SIP/2.0/UDP a\r\nfrom: <sip:f>\r\ntO: <sip:t>\r\n"
				  "call-id: id\r\ncseq: 7 OPTIONS\r\nRECORD-ROUTE: <sip:r>\r\n"
				  "subscription-STATE: active\r\n" END),
		0);
	cr_expect_str_eq(values(SIP_RECORD_ROUTE), "<sip:r>|");
	expect_text(message.subscription_state, "active");
}

Test(sip, a_longer_or_similar_name_is_another_header)
{
	cr_assert_eq(scan(REQUEST MANDATORY
			     "Vias: SIP/2.0/UDP b\r\nToo: <sip:t>\r\nFrommage: x\r\nCall_ID: x\r\n"
			     "P-Contact: <sip:c>\r\nX-A-Name-That-Is-Longer-Than-Any-Of-Ours: x\r\n"
			     ": no name\r\n" END),
		0);
	cr_expect_eq(message.value_count, 1);
}

Test(sip, white_space_before_the_colon_is_no_part_of_the_name)
{
	cr_assert_eq(scan(REQUEST "Via : SIP/2.0/UDP a\r\nFrom\t :<sip:f>\r\nTo   : <sip:t>\r\n"
				  "i : id\r\n" CSEQ END),
		0);
	expect_text(message.from, "<sip:f>");
	expect_text(message.call_id, "id");
}

Test(sip, folded_lines_belong_to_their_header_field)
{
	cr_assert_eq(scan(REQUEST "Via:\r\n SIP/2.0/UDP\r\n\ta\r\n" FROM TO "Call-ID:\r\n  id\r\n"
				  "CSeq: 7\r\n OPTIONS\r\nSubject: x\r\n Expires: 5\r\n" END),
		0);
	cr_expect_str_eq(values(SIP_VIA), "SIP/2.0/UDP\r\n\ta|");
	expect_text(message.call_id, "id");
	cr_expect_eq(message.cseq_number, 7);
	cr_expect_null(message.expires.at, "the folded part of Subject");
}

Test(sip, a_line_of_blanks_does_not_end_the_header)
{
	cr_assert_eq(scan(REQUEST VIA " \r\n" FROM TO CALL_ID CSEQ END "body"), 0);
	expect_text(message.body, "body");
}

Test(sip, takes_bare_line_feeds)
{
	cr_assert_eq(scan("OPTIONS sip:b SIP/2.0\nv: SIP/2.0/UDP a\nf: <sip:f>\nt: <sip:t>\ni: id\n"
			  "CSeq: 7\n OPTIONS\nl: 4\n\nbody"),
		0);
	expect_text(message.to, "<sip:t>");
	expect_text(message.body, "body");
}

Test(sip, a_carriage_return_alone_is_neither_line_end_nor_blank)
{
	expect_malformed(
		REQUEST "Via: SIP/2.0/UDP a\rX: y\r\n" FROM TO CALL_ID CSEQ END, "bad Via");
	expect_malformed(REQUEST VIA FROM TO "Call-ID: a\rVia: b\r\n" CSEQ END, "bad Call-ID");
	expect_malformed(REQUEST VIA FROM TO CALL_ID "CSeq: 7\rOPTIONS\r\n" END, "bad CSeq");
}

Test(sip, line_ends_before_the_start_line_do_not_count)
{
	cr_expect_eq(scan("\r\n\r\n\n" REQUEST MANDATORY END), 0);
	cr_expect_eq(message.whole.length, strlen("\r\n\r\n\n" REQUEST MANDATORY END));
}

Test(sip, the_empty_line_may_be_missing_where_nothing_follows)
{
	cr_expect_eq(scan(REQUEST MANDATORY), 0);
	expect_text(message.body, "");
}

Test(sip, walks_values_over_header_fields_and_commas_in_order)
{
	cr_assert_eq(scan(REQUEST MANDATORY
			     "Contact: <sip:1>, <sip:2>;q=1 ,\r\n <sip:3>\r\nRoute: <sip:x>\r\n"
			     "m: <sip:4>\r\nv: SIP/2.0/UDP b,SIP/2.0/UDP c\r\nContact: <sip:5>,"
			     "<sip:6>\r\n" END),
		0);
	cr_expect_str_eq(
		values(SIP_CONTACT), "<sip:1>|<sip:2>;q=1|<sip:3>|<sip:4>|<sip:5>|<sip:6>|");
	cr_expect_str_eq(values(SIP_VIA),
		"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1|SIP/2.0/UDP b|SIP/2.0/UDP c|");
	cr_expect_eq(sip_count_values(&message, SIP_CONTACT), 6);
	cr_expect_eq(sip_count_values(&message, SIP_ROUTE), 1);
}

Test(sip, commas_in_quotes_and_brackets_part_no_values)
{
	cr_assert_eq(scan(REQUEST MANDATORY
			     "Contact: \"a, \\\"b, <c\" <sip:x,y@z>;n=\"d, e\", <sip:(f@g,\"h>,"
			     "\"\\\\\" <sip:i>\r\n" END),
		0);
	cr_expect_str_eq(values(SIP_CONTACT),
		"\"a, \\\"b, <c\" <sip:x,y@z>;n=\"d, e\"|<sip:(f@g,\"h>|\"\\\\\" <sip:i>|");
}

Test(sip, commas_in_a_comment_part_no_vias)
{
	cr_assert_eq(scan(REQUEST "v: SIP/2.0/UDP a (x, (y, z), \\), w), SIP/2.0/UDP b\r\n" FROM TO
				     CALL_ID CSEQ END),
		0);
	cr_expect_str_eq(values(SIP_VIA), "SIP/2.0/UDP a (x, (y, z), \\), w)|SIP/2.0/UDP b|");
}

Test(sip, parentheses_are_a_comment_in_a_via_alone)
{
	cr_assert_eq(scan(REQUEST MANDATORY "Contact: sip:(a@b, sip:c@d\r\n" END), 0);
	cr_expect_str_eq(values(SIP_CONTACT), "sip:(a@b|sip:c@d|");
}

Test(sip, the_first_via_and_the_number_of_all_are_kept)
{
	cr_assert_eq(scan(REQUEST MANDATORY "v: SIP/2.0/UDP b, SIP/2.0/UDP c\r\n" END), 0);
	expect_text(message.top_via.host, "192.0.2.1");
	expect_text(message.top_via.branch, "z9hG4bK1");
	cr_expect_eq(message.via_count, 3);
}

/* The hosts of the Contacts, each followed by a bar. */
static const char *contact_hosts(void)
{
	static char all[256];
	size_t used = 0;

	all[0] = 0;
	for (unsigned i = 0; i < message.contact_count; i++) {
		const struct text host = message.contacts[i].uri.host;

		used += (size_t)snprintf(all + used, sizeof(all) - used, "%.*s|", (int)host.length,
			host.length ? host.at : "");
	}
	return all;
}

Test(sip, walks_contacts_taken_apart_without_the_ill_formed)
{
	cr_assert_eq(scan(REQUEST MANDATORY "Contact: ,sip:?,<sip:a>,<sip:b\r\n"
					    "m: <sip:x@@>, \"c\" <sip:c:5>;q=1\r\n" END),
		0);
	cr_expect_str_eq(contact_hosts(), "a|c|");
	cr_assert_eq(scan(REQUEST MANDATORY "Contact: *\r\nm: <sip:a>\r\n" END), 0);
	cr_expect_str_eq(contact_hosts(), "|a|");
	cr_assert_eq(scan(REQUEST MANDATORY END), 0);
	cr_expect_str_eq(contact_hosts(), "");
}

Test(sip, an_empty_value_is_given_out_for_its_parser_to_refuse)
{
	cr_assert_eq(scan(REQUEST MANDATORY "Contact: <sip:a>,,<sip:b>,\r\n" END), 0);
	cr_expect_str_eq(values(SIP_CONTACT), "<sip:a>||<sip:b>||");
}

Test(sip, quotes_and_brackets_that_do_not_end_take_all_the_rest)
{
	cr_assert_eq(scan(REQUEST MANDATORY "Contact: <sip:a>, \"b, <sip:c>, d\r\n"
					    "Route: <sip:a>, <sip:b, <sip:c\r\n" END),
		0);
	cr_expect_str_eq(values(SIP_CONTACT), "<sip:a>|\"b, <sip:c>, d|");
	cr_expect_str_eq(values(SIP_ROUTE), "<sip:a>|<sip:b, <sip:c|");
}

Test(sip, the_body_is_cut_to_content_length)
{
	cr_assert_eq(
		scan(REQUEST MANDATORY "Content-Length: 4\r\n" END "bodyINVITE sip:x SIP/2.0"), 0);
	expect_text(message.body, "body");
	cr_assert_eq(scan(REQUEST MANDATORY END "all\r\nof it\r\n"), 0);
	expect_text(message.body, "all\r\nof it\r\n");
}

Test(sip, lines_of_the_body_are_no_header_fields)
{
	cr_assert_eq(scan(REQUEST MANDATORY "l: 19\r\n" END " x\r\nExpires: 700\r\n\r\n"), 0);
	cr_expect_null(message.expires.at);
	cr_expect_eq(message.body.length, 19);
}

Test(sip, a_body_shorter_than_content_length_is_a_flaw)
{
	expect_flaw(REQUEST MANDATORY "Content-Length: 5\r\n" END "body",
		"body shorter than Content-Length");
	expect_text(message.body, "body");
	expect_flaw(REQUEST MANDATORY "Content-Length: 1\r\n", "body shorter than Content-Length");
	expect_flaw(REQUEST MANDATORY "Content-Length: -1\r\n" END, "bad Content-Length");
	expect_flaw(REQUEST MANDATORY "Content-Length: 0x1\r\n" END "b", "bad Content-Length");
	expect_flaw(REQUEST MANDATORY "Content-Length: 4294967296\r\n" END, "bad Content-Length");
	expect_flaw(REQUEST MANDATORY "Content-Length:\r\n" END, "bad Content-Length");
}

Test(sip, what_is_missing_is_named)
{
	expect_malformed(REQUEST FROM TO CALL_ID CSEQ END, "no Via");
	expect_malformed(REQUEST VIA TO CALL_ID CSEQ END, "no From");
	expect_malformed(REQUEST VIA FROM CALL_ID CSEQ END, "no To");
	expect_malformed(REQUEST VIA FROM TO CSEQ END, "no Call-ID");
	expect_malformed(REQUEST VIA FROM TO "Call-ID:\r\n" CSEQ END, "no Call-ID");
	expect_malformed(REQUEST VIA FROM TO CALL_ID END, "no CSeq");
	expect_malformed("SIP/2.0 200 OK\r\n", "no From");
	expect_malformed("SIP/2.0 200 OK", "no From");
}

Test(sip, what_stands_twice_and_says_the_same_counts)
{
	static const char *const fields[] = {FROM, "f: <sip:alice@example.com>;tag=1\r\n", TO,
		"t:<sip:bob@example.com> \r\n", CALL_ID, "i:\tabc@192.0.2.1\r\n", CSEQ,
		"cseq :7 OPTIONS\r\n", "Content-Length: 0\r\nl: 00\r\n",
		"Expires: 60\r\nExpires: 060\r\nExpires: 60\r\n", "Event: reg\r\no: reg\r\n",
		"Session-Expires: 90\r\nx: 90\r\n", "Content-Type: a/b\r\nc: a/b\r\n",
		"Subscription-State: active\r\nSubscription-State: active\r\n", "Event:\r\no:\r\n"};
	char text[512];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		snprintf(text, sizeof(text), REQUEST MANDATORY "%s" END, fields[i]);
		expect_flaw(text, NULL);
		expect_text(message.from, "<sip:alice@example.com>;tag=1");
		expect_text(message.to, "<sip:bob@example.com>");
		expect_text(message.call_id, "abc@192.0.2.1");
		cr_expect_eq(message.cseq_number, 7);
		cr_expect_eq(message.contradicted, 0, "%s", fields[i]);
	}
	cr_assert_eq(scan(REQUEST MANDATORY "Expires: 60\r\nExpires: 060\r\n" END), 0);
	expect_text(message.expires, "60");
	cr_assert_eq(scan(REQUEST MANDATORY "l: 1\r\nl: 1\r\n" END "body"), 0);
	expect_text(message.body, "b");
}

Test(sip, of_two_that_identify_and_contradict_each_other_the_first_counts)
{
	expect_flaw(REQUEST MANDATORY "From: <sip:other>\r\n" END, "two From");
	expect_text(message.from, "<sip:alice@example.com>;tag=1");
	expect_flaw(REQUEST MANDATORY "t: <sip:other>\r\n" TO END, "two To");
	expect_text(message.to, "<sip:bob@example.com>");
	expect_flaw(REQUEST MANDATORY "i: other\r\ni: third\r\n" END, "two Call-ID");
	expect_text(message.call_id, "abc@192.0.2.1");
	expect_flaw(REQUEST VIA FROM TO "i: 1\r\ni: 01\r\n" CSEQ END, "two Call-ID");
	expect_text(message.call_id, "1");
	expect_flaw(REQUEST MANDATORY "CSeq: 8 OPTIONS\r\n" END, "two CSeq");
	cr_expect_eq(message.cseq_number, 7);
	expect_flaw(
		REQUEST MANDATORY "l: 1\r\nContent-Length: 2\r\n" END "body", "two Content-Length");
	expect_text(message.body, "body");
	expect_malformed(REQUEST VIA FROM TO CALL_ID "CSeq: 7 INVITE\r\nCSeq: 7 OPTIONS\r\n" END,
		"two CSeq");
}

Test(sip, others_that_contradict_each_other_count_as_missing)
{
	expect_flaw(REQUEST MANDATORY "Expires: 1\r\nExpires:\r\nExpires: 1\r\n" END, NULL);
	cr_expect_null(message.expires.at);
	expect_flaw(REQUEST MANDATORY "Event:\r\no: x\r\nEvent: y\r\n" END, NULL);
	cr_expect_null(message.event.at);
	expect_flaw(REQUEST MANDATORY "x: 90\r\nx: 91\r\n" END, NULL);
	cr_expect_null(message.session_expires.at);
	expect_flaw(REQUEST MANDATORY "Content-Type: a/b\r\nc: a/c\r\n" END, NULL);
	cr_expect_null(message.content_type.at);
	expect_flaw(REQUEST MANDATORY "Subscription-State: active\r\n"
				      "Subscription-State: terminated\r\n" END,
		NULL);
	cr_expect_null(message.subscription_state.at);
	cr_expect(sip_contradicts(&message, &message.subscription_state));
	cr_expect_not(sip_contradicts(&message, &message.to));
	cr_expect(sip_repeats(&message, &message.subscription_state));
	cr_expect_not(sip_repeats(&message, &message.to));
	expect_flaw(REQUEST MANDATORY "Expires: 1\r\nExpires: 1\r\n" END, NULL);
	cr_expect(sip_repeats(&message, &message.expires));
	cr_expect_not(sip_contradicts(&message, &message.expires));
	expect_flaw(REQUEST MANDATORY "Event: x\r\nExpires: 1\r\nEvent: y\r\n" END, NULL);
	expect_text(message.expires, "1");
}

Test(sip, cseq_is_a_number_of_32_bits_and_the_method)
{
	cr_expect_eq(scan(REQUEST VIA FROM TO CALL_ID "CSeq: 4294967295\t OPTIONS\r\n" END), 0);
	cr_expect_eq(message.cseq_number, UINT32_MAX);
	cr_expect_eq(scan(REQUEST VIA FROM TO CALL_ID "CSeq: 0009 OPTIONS\r\n" END), 0);
	cr_expect_eq(message.cseq_number, 9);
	expect_malformed(
		REQUEST VIA FROM TO CALL_ID "CSeq: 4294967296 OPTIONS\r\n" END, "bad CSeq");
	expect_malformed(REQUEST VIA FROM TO CALL_ID "CSeq: -1 OPTIONS\r\n" END, "bad CSeq");
	expect_malformed(REQUEST VIA FROM TO CALL_ID "CSeq: OPTIONS\r\n" END, "bad CSeq");
	expect_malformed(REQUEST VIA FROM TO CALL_ID "CSeq: 7\r\n" END, "bad CSeq");
	expect_malformed(REQUEST VIA FROM TO CALL_ID "CSeq: 7 OPTIONS x\r\n" END, "bad CSeq");
	expect_malformed(
		REQUEST VIA FROM TO CALL_ID "CSeq: 7 INVITE\r\n" END, "CSeq of another method");
	expect_malformed(
		REQUEST VIA FROM TO CALL_ID "CSeq: 7 options\r\n" END, "CSeq of another method");
}

Test(sip, every_via_must_be_clear)
{
	expect_malformed(REQUEST MANDATORY "Via: SIP/2.0/UDP b,\r\n" END, "bad Via");
	expect_malformed(REQUEST MANDATORY "Via: SIP/2.0 b\r\n" END, "bad Via");
	expect_malformed(REQUEST "Via:\r\n" FROM TO CALL_ID CSEQ END, "bad Via");
	expect_malformed(REQUEST "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" FROM TO CALL_ID CSEQ END,
		"bad Via");
}

Test(sip, the_request_uri_is_what_stands_between_method_and_version)
{
	static const char *const uris[] = {"sip:b;lr", "sip:b; lr", "sip:b;lr ;x", "sip:b;x=\"y\"",
		"sip:a@b:5060;thinfo=\"VG8+P/oI==\";lr", "sip:b;x=\"y SIP/2.0 <z>@ \\\" ?\";lr?a=b",
		"sip:[::1];x=\"\" ; y = z", "sip:b;x=y SIP/2.0", "urn:x", "sip:?"};
	char text[512];

	for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++) {
		snprintf(text, sizeof(text), "OPTIONS %s SIP/2.0\r\n" MANDATORY END, uris[i]);
		expect_flaw(text, NULL);
		expect_text(message.request_uri, uris[i]);
	}
}

/* Blanks that part the words, or stand after them, and what is no URI. */
Test(sip, a_start_line_that_is_odd_elsewhere_is_a_flaw)
{
	static const char *const lines[] = {"OPTIONS  sip:b SIP/2.0", "OPTIONS sip:b  SIP/2.0",
		"OPTIONS sip:b SIP/2.0 ", "OPTIONS \t sip:b \tSIP/2.0",
		"OPTIONS sip:b \t SIP/2.0\t"};
	static const char *const uris[] = {"<sip:b>", "sip:a b", "sip:a ;lr", "sip:b;x=\"y",
		"sip:b?x=\"y\"", "sip:\"a\"@b", "sip:a;x=\"y\"@b", "tel:1 2;x=y", "SIP/2.0 sip:b"};
	char text[512];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(text, sizeof(text), "%s\r\n" MANDATORY END, lines[i]);
		if (strstr(lines[i], "\tSIP")) {
			expect_malformed(text, "bad start line");
			continue;
		}
		expect_flaw(text, "bad start line");
		expect_text(message.request_uri, "sip:b");
	}
	for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++) {
		snprintf(text, sizeof(text), "OPTIONS %s SIP/2.0\r\n" MANDATORY END, uris[i]);
		expect_flaw(text, "bad start line");
		expect_text(message.request_uri, uris[i]);
	}
}

Test(sip, bad_start_lines_that_mean_sip_are_malformed)
{
	expect_malformed("INVITE  sip:b SIP/2.1\r\n" END, "bad start line");
	expect_malformed(" INVITE sip:b SIP/2.0\r\n" END, "bad start line");
	expect_malformed("INVITE sip:b sip/7.0\r\n" END, "not SIP/2.0");
	expect_malformed("INVITE sip:b;x=\"y\" SIP/7.0\r\n" END, "bad start line");
	expect_malformed("INVITE SIP/2.0\r\n" END, "bad start line");
	expect_malformed("INVITE  SIP/2.0\r\n" END, "bad start line");
	expect_malformed("INVITE sip:b\r SIP/2.0\r\n" END, "bad start line");
	expect_malformed("INVITE sip:b;x=\"\r\" SIP/2.0\r\n" MANDATORY END, "bad start line");
	expect_malformed("INVITE sip:b;x=\"\1\" SIP/2.0\r\n" MANDATORY END, "bad start line");
	expect_malformed(REQUEST " folded\r\n" MANDATORY END, "folded start line");
	expect_malformed(REQUEST "\tfolded\r\n" MANDATORY END, "folded start line");
	expect_malformed("SIP/3.0 200 OK\r\n" MANDATORY END, "bad start line");
}

Test(sip, a_status_is_three_digits_from_100_to_699)
{
	static const char *const bad[] = {"99 x", "099 x", "700 x", "1000 x", "4294967301 x",
		"2x0 OK", "20", "", " 200 OK", "+20 OK", "200OK"};
	char text[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "SIP/2.0 %s\r\n" MANDATORY END, bad[i]);
		expect_malformed(text, "bad status");
	}
	cr_expect_eq(scan("SIP/2.0 100\r\n" MANDATORY END), 0, "no reason, no space");
	expect_text(message.reason, "");
	cr_expect_eq(scan("SIP/2.0 699 \xd0\xbd\xd0\xb5\xd1\x82\r\n" MANDATORY END), 0);
	cr_expect_eq(message.status, 699);
}

Test(sip, a_line_without_colon_is_a_flaw_and_more_are_malformed)
{
	expect_flaw(
		REQUEST VIA "nonsense\r\n" FROM TO CALL_ID CSEQ END, "header field without colon");
	expect_malformed(REQUEST MANDATORY "a\r\nb\r\n" END, "header field without colon");
	expect_malformed("SIP/2.0 200 OK\r\nVia\r\n" END, "header field without colon");
	expect_malformed(REQUEST MANDATORY "Expires: 5", "header field without line end");
}

Test(sip, blanks_in_call_id_are_a_flaw)
{
	expect_flaw(REQUEST VIA FROM TO "Call-ID: a \tb\r\n" CSEQ END, "bad Call-ID");
	expect_text(message.call_id, "a \tb");
	expect_flaw(
		REQUEST VIA FROM TO "Call-ID: a b-0123456789abcdef\r\n" CSEQ END, "bad Call-ID");
	expect_flaw(
		REQUEST VIA FROM TO "Call-ID: 0123456789abcdef-a b\r\n" CSEQ END, "bad Call-ID");
	cr_expect_eq(scan(REQUEST VIA FROM TO "Call-ID: 0123!56789abcdef\r\n" CSEQ END), 0);
	expect_flaw(REQUEST VIA FROM TO "Call-ID: 0123!56789abcdef\r\n" CSEQ END, NULL);
	expect_malformed(REQUEST VIA FROM TO "Call-ID: a\r\n b\r\n" CSEQ END, "bad Call-ID");
}

Test(sip, what_is_no_sip_is_told_from_bad_sip)
{
	static const char stun[20] = {0, 1, 0, 0, 0x21, 0x12, (char)0xa4, 0x42};
	static const char *const noise[] = {"\r\n\r\n", "\n", "\r", "x", "hello world\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "INVITE sip:b", "xSIP/2.0 y\r\n", "SIP",
		"M-SEARCH * HTTP/1.1\r\nST: SIP/2.0\r\n\r\n", "\r\n\r\nnothing"};

	expect_no_sip("", 0);
	expect_no_sip("\0\0\0\0", 4);
	expect_no_sip("\0", 1);
	expect_no_sip("\r\n\0\0", 4);
	expect_no_sip(stun, sizeof(stun));
	for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++)
		expect_no_sip(noise[i], strlen(noise[i]));
}
