#include <criterion/criterion.h>
#include <natbox/nat.h>
#include <stdio.h>
#include <string.h>

#include "sip_messages.h"

#define CLIENT   "203.0.113.7:40000"
#define VIA_HEAD "SIP/2.0/UDP 192.168.1.10:5060"
#define REPAIRED "sip:a@203.0.113.7:40000;natbox=192.168.1.10-5060"

static struct settings settings = {.nat = {.restore = true}};

/* The message as it leaves for the client. */
static const char *restored(
	const struct sip_message *message, const char *client, unsigned fields, size_t *length)
{
	static char bytes[65536];
	static struct edits edits;
	struct address address = at(client);
	long result;

	edits_reset(&edits);
	cr_assert_eq(nat_restore(message, &address, &settings, &edits), fields);
	result = edits_apply(&edits, message->whole, bytes, sizeof(bytes) - 1);
	cr_assert(result > 0);
	bytes[result] = 0;
	*length = (size_t)result;
	return bytes;
}

/* What value becomes at its place in the message, of which all else has to stay. */
static void value_becomes(
	const struct sip_message *message, struct text value, const char *expected, unsigned fields)
{
	size_t before = (size_t)(value.at - message->whole.at);
	size_t after = message->whole.length - before - value.length, length;
	const char *bytes;
	char found[1024];

	if (value.length == strlen(expected) && memcmp(value.at, expected, value.length) == 0)
		fields = 0;
	bytes = restored(message, CLIENT, fields, &length);
	cr_assert_geq(length, before + after);
	snprintf(found, sizeof(found), "%.*s", (int)(length - before - after), bytes + before);
	cr_assert_str_eq(found, expected);
	cr_assert_arr_eq(bytes, message->whole.at, before);
	cr_assert_arr_eq(bytes + length - after, text_end(value), after);
}

static void contact_becomes(const char *contact, const char *expected)
{
	struct sip_message message = response("200 OK", "REGISTER", VIA_HEAD, contact);

	value_becomes(&message, field_of(&message, SIP_CONTACT), expected, REWRITTEN_CONTACT);
}

static void contact_stays(const char *contact)
{
	contact_becomes(contact, contact);
}

static void via_becomes(const char *via, const char *expected)
{
	struct sip_message message = response("200 OK", "REGISTER", via, NULL);

	value_becomes(&message, field_of(&message, SIP_VIA), expected, REWRITTEN_VIA);
}

static void request_uri_becomes(const char *uri, const char *expected)
{
	char bytes[512];
	int length = snprintf(bytes, sizeof(bytes),
		"BYE %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1;branch=1\r\n"
		"From: <sip:b@example.com>;tag=1\r\n"
		"To: <sip:a@example.com>;tag=2\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 BYE\r\n\r\n",
		uri);
	struct sip_message message = scanned(bytes, (size_t)length);

	value_becomes(&message, message.request_uri, expected, REWRITTEN_RURI);
}

Test(restore, contact_comes_back_from_the_registrar)
{
	contact_becomes("<" REPAIRED ">;expires=60", "<sip:a@192.168.1.10:5060>;expires=60");
	contact_becomes("\"A, <b>\" <" REPAIRED ";ob;x=y>;q=0.5;expires=60",
		"\"A, <b>\" <sip:a@192.168.1.10:5060;ob;x=y>;q=0.5;expires=60");
	contact_becomes("<sip:203.0.113.7:40000;natbox=my_2d_50hone>", "<sip:my-Phone>");
	contact_becomes("<sip:203.0.113.7:40000;natbox=10.0.0.1-0>", "<sip:10.0.0.1:0>");
}

Test(restore, parameter_is_found_wherever_a_registrar_puts_it)
{
	contact_becomes("<sip:a@203.0.113.7:40000;ob;NATBOX=10.0.0.1;transport=udp>",
		"<sip:a@10.0.0.1;ob;transport=udp>");
	contact_becomes(
		"sip:a@203.0.113.7:40000;natbox=10.0.0.1;expires=60", "sip:a@10.0.0.1;expires=60");
	contact_becomes("<sip:a@203.0.113.7:40000;ob>;expires=60;natbox=10.0.0.1-5062",
		"<sip:a@10.0.0.1:5062;ob>;expires=60");
	contact_becomes("<sip:a@203.0.113.7:40000>;natbox=-10.0.0.1;expires=60",
		"<sip:a@10.0.0.1>;expires=60");
}

Test(restore, maddr_comes_back_in_the_place_of_the_parameter)
{
	contact_becomes("<sip:a@203.0.113.7:40000;ob;natbox=10.0.0.1-5060*_5bfd00--1_5d;x=y>;q=1",
		"<sip:a@10.0.0.1:5060;ob;maddr=[fd00::1];x=y>;q=1");
	contact_becomes("sip:a@203.0.113.7:40000 ; natbox=10.0.0.1*phone.lan ;expires=60",
		"sip:a@10.0.0.1 ; maddr=phone.lan ;expires=60");
	request_uri_becomes("sip:a@203.0.113.7:40000;natbox=10.0.0.1*10.0.0.1;ob",
		"sip:a@10.0.0.1;maddr=10.0.0.1;ob");
	via_becomes(VIA_HEAD ";natbox=**10.0.0.1;branch=1;rport=40000;received=203.0.113.7"
			     ";received=203.0.113.7",
		VIA_HEAD ";maddr=10.0.0.1;branch=1;rport=40000;received=203.0.113.7");
	via_becomes(VIA_HEAD ";received=203.0.113.7;rport=40000;branch=1 ; natbox=***_50hone.lan",
		VIA_HEAD ";branch=1 ; maddr=Phone.lan");
	via_becomes(VIA_HEAD ";rport=40000;natbox=10.0.0.1*99**10.0.0.2;received=203.0.113.7",
		VIA_HEAD ";rport=99;maddr=10.0.0.2;received=10.0.0.1");
}

Test(restore, brackets_go_where_there_were_none)
{
	contact_becomes("<sip:a@203.0.113.7:40000;natbox=-10.0.0.1-5060>;expires=60",
		"sip:a@10.0.0.1:5060;expires=60");
}

Test(restore, brackets_that_are_needed_by_now_stay)
{
	contact_becomes("<sip:a@203.0.113.7:40000;natbox=-10.0.0.1;ob>", "<sip:a@10.0.0.1;ob>");
	contact_becomes(
		"\"A\" <sip:a@203.0.113.7:40000;natbox=-10.0.0.1>", "\"A\" <sip:a@10.0.0.1>");
	contact_becomes("<sip:a,b@203.0.113.7:40000;natbox=-10.0.0.1>", "<sip:a,b@10.0.0.1>");
	contact_becomes("<sip:a;b@203.0.113.7:40000;natbox=-10.0.0.1>", "<sip:a;b@10.0.0.1>");
	contact_becomes("<sip:a?b@203.0.113.7:40000;natbox=-10.0.0.1>", "<sip:a?b@10.0.0.1>");
	contact_becomes("<sip:a,b;c@203.0.113.7:40000;natbox=-10.0.0.1>", "<sip:a,b;c@10.0.0.1>");
	contact_becomes("<sip:a@203.0.113.7:40000;natbox=-10.0.0.1?x=y>", "<sip:a@10.0.0.1?x=y>");
	contact_becomes("< sip:a@203.0.113.7:40000;natbox=-10.0.0.1 >", "< sip:a@10.0.0.1 >");
	contact_becomes("<sip:a@203.0.113.7:40000;natbox=-10.0.0.1 >", "<sip:a@10.0.0.1 >");
	contact_becomes("< sip:a@203.0.113.7:40000;natbox=-10.0.0.1>", "< sip:a@10.0.0.1>");
}

Test(restore, contact_of_somebody_else_stays)
{
	contact_stays("<sip:b@203.0.113.8:40000;natbox=10.0.0.1>");
	contact_stays("<sip:b@203.0.113.7:40001;natbox=10.0.0.1>");
	contact_stays("<sip:b@phone.lan:40000;natbox=10.0.0.1>");
	contact_stays("<sips:b@203.0.113.7:40000;natbox=10.0.0.1>");
}

Test(restore, only_the_clients_own_of_several_contacts_comes_back)
{
	contact_becomes("<" REPAIRED
			">;expires=60, <sip:a@203.0.113.7:1;natbox=10.0.0.1>;expires=9, "
			"<sip:a@203.0.113.7:40000;natbox=10.0.0.2>",
		"<sip:a@192.168.1.10:5060>;expires=60, "
		"<sip:a@203.0.113.7:1;natbox=10.0.0.1>;expires=9, <sip:a@10.0.0.2>");
}

Test(restore, forged_parameter_that_is_no_host_and_port_is_left_alone)
{
	static const char *const forged[] = {"", "=", "=-", "=--5060", "=10.0.0.1-65536",
		"=10.0.0.1-", "=10.0.0.1-5060-1", "=a_0d_0ab", "=a_3eb", "=a_2cb", "=a_3bb",
		"=a_40b", "=a_25b", "=a_00b", "=a_4", "=a_zz", "=a_", "=A", "=\"a\"",
		"=_5b1.2.3.4_5d", "=_5bfd00--1", "=fd00--1", "=a%2db", "=a:5060", "=a_20b"};
	char contact[128];

	for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
		snprintf(contact, sizeof(contact), "<sip:a@203.0.113.7:40000;natbox%s>", forged[i]);
		contact_stays(contact);
	}
}

static void coded_host_becomes(const char *format, char c, const char *host)
{
	char coded[16], from[64], to[64];

	snprintf(coded, sizeof(coded), format, c);
	snprintf(from, sizeof(from), "<sip:a@203.0.113.7:40000;natbox=%s>", coded);
	snprintf(to, sizeof(to), "<sip:a@%s>", host);
	contact_becomes(from, *host ? to : from);
}

/* Not looked at are a star, which parts a host from a maddr, and what ends a parameter. */
Test(restore, forged_parameter_with_a_byte_that_no_repair_writes_is_left_alone)
{
	for (const char *c = "!#$%&'+/:AFGZ[]^_`{|}~"; *c; c++) {
		coded_host_becomes("x%cy", *c, "");
		coded_host_becomes("x_4%cy", *c, "");
		coded_host_becomes("x_%c1y", *c, "");
	}
	coded_host_becomes("x%cy", 'a', "xay");
	coded_host_becomes("x%cy", 'z', "xzy");
	coded_host_becomes("x%cy", '0', "x0y");
	coded_host_becomes("x%cy", '9', "x9y");
	coded_host_becomes("x_4%cy", 'a', "xJy");
	coded_host_becomes("x_4%cy", 'f', "xOy");
	coded_host_becomes("x_4%cy", 'g', "");
	coded_host_becomes("x_5%cy", '0', "xPy");
	coded_host_becomes("x_5%cy", '9', "xYy");
	coded_host_becomes("x_%c1y", '5', "xQy");
}

Test(restore, forged_parameter_longer_than_any_name_is_left_alone)
{
	char contact[512];
	int length = snprintf(contact, sizeof(contact), "<sip:a@203.0.113.7:40000;natbox=");

	memset(contact + length, 'a', 300);
	strcpy(contact + length + 300, ">");
	contact_stays(contact);
}

Test(restore, request_uri_is_what_the_user_agent_registered)
{
	request_uri_becomes(REPAIRED ";ob", "sip:a@192.168.1.10:5060;ob");
	request_uri_becomes("sip:203.0.113.7:40000;natbox=-phone.lan", "sip:phone.lan");
	request_uri_becomes(
		"sip:a@203.0.113.7:40000;natbox=_5bfd00--_41_5d-5060", "sip:a@[fd00::A]:5060");
}

Test(restore, request_uri_of_somebody_else_stays)
{
	request_uri_becomes("sip:a@203.0.113.8:40000;natbox=10.0.0.1",
		"sip:a@203.0.113.8:40000;natbox=10.0.0.1");
	request_uri_becomes("sip:a@203.0.113.7:40000", "sip:a@203.0.113.7:40000");
	request_uri_becomes("tel:+1555;natbox=10.0.0.1", "tel:+1555;natbox=10.0.0.1");
}

Test(restore, client_at_the_default_port_is_known_without_it)
{
	struct sip_message message =
		response("200 OK", "REGISTER", VIA_HEAD, "<sip:a@203.0.113.7;natbox=10.0.0.1>");
	size_t length;

	cr_assert(strstr(restored(&message, "203.0.113.7:5060", REWRITTEN_CONTACT, &length),
		"<sip:a@10.0.0.1>"));
}

Test(restore, to_and_route_of_a_request_come_back)
{
	static const char bytes[] = "INVITE sip:x@example.com SIP/2.0\r\n"
				    "Via: SIP/2.0/UDP 192.0.2.1;branch=1\r\n"
				    "Route: <sip:p@192.0.2.9;lr>, <" REPAIRED ">\r\n"
				    "From: <" REPAIRED ">;tag=1\r\n"
				    "To: <" REPAIRED ">\r\n"
				    "Call-ID: 1\r\n"
				    "CSeq: 1 INVITE\r\n\r\n";
	struct sip_message message = scanned(bytes, sizeof(bytes) - 1);
	size_t length;
	const char *result = restored(&message, CLIENT, REWRITTEN_OTHER, &length);

	cr_assert(strstr(result, "Route: <sip:p@192.0.2.9;lr>, <sip:a@192.168.1.10:5060>\r\n"));
	cr_assert(strstr(result, "From: <" REPAIRED ">;tag=1\r\n"));
	cr_assert(strstr(result, "To: <sip:a@192.168.1.10:5060>\r\n"));
	message.value_count = message.via_count; /* no Route */
	result = restored(&message, CLIENT, REWRITTEN_OTHER, &length);
	cr_assert(strstr(result, "Route: <sip:p@192.0.2.9;lr>, <" REPAIRED ">\r\n"));
	cr_assert(strstr(result, "To: <sip:a@192.168.1.10:5060>\r\n"));
}

Test(restore, to_without_brackets_comes_back_as_well)
{
	static const char bytes[] = "OPTIONS sip:x@example.com SIP/2.0\r\n"
				    "Via: SIP/2.0/UDP 192.0.2.1;branch=0\r\n"
				    "From: sip:ping@example.com;tag=1\r\n"
				    "To: " REPAIRED ";transport=udp;line=x\r\n"
				    "Call-ID: 1\r\n"
				    "CSeq: 1 OPTIONS\r\n\r\n";
	struct sip_message message = scanned(bytes, sizeof(bytes) - 1);
	size_t length;
	const char *result = restored(&message, CLIENT, REWRITTEN_OTHER, &length);

	cr_assert(strstr(result, "To: sip:a@192.168.1.10:5060;transport=udp;line=x\r\n"));
}

Test(restore, to_of_a_response_is_what_the_client_sent)
{
	static const char bytes[] = "SIP/2.0 200 OK\r\n"
				    "Via: SIP/2.0/UDP 192.168.1.10:5060;branch=1\r\n"
				    "From: <" REPAIRED ">;tag=1\r\n"
				    "To: <" REPAIRED ">\r\n"
				    "Call-ID: 1\r\n"
				    "CSeq: 1 INVITE\r\n\r\n";
	struct sip_message message = scanned(bytes, sizeof(bytes) - 1);
	size_t length;

	restored(&message, CLIENT, 0, &length);
}

Test(restore, via_keeps_the_answer_the_client_asked_for)
{
	via_becomes(VIA_HEAD ";branch=1;rport=40000;received=203.0.113.7",
		VIA_HEAD ";branch=1;rport=40000;received=203.0.113.7");
}

Test(restore, parameters_that_the_proxy_repeats_go)
{
	via_becomes(VIA_HEAD ";branch=1;rport=40000;received=203.0.113.7;received=203.0.113.7",
		VIA_HEAD ";branch=1;rport=40000;received=203.0.113.7");
	via_becomes(VIA_HEAD
		";received=203.0.113.7; received = 203.0.113.7;rport=40000;rport=40000;x",
		VIA_HEAD ";received=203.0.113.7;rport=40000;x");
}

Test(restore, received_that_is_not_the_clients_is_not_ours_to_remove)
{
	via_becomes(VIA_HEAD ";received=10.0.0.1;received=203.0.113.7",
		VIA_HEAD ";received=10.0.0.1;received=203.0.113.7");
	via_becomes(VIA_HEAD ";natbox;received=10.0.0.1;rport=1",
		VIA_HEAD ";received=10.0.0.1;rport=1");
}

Test(restore, via_that_asked_for_nothing_is_as_it_was_sent)
{
	via_becomes(VIA_HEAD
		";natbox;received=203.0.113.7;rport=40000;branch=1;received=203.0.113.7",
		VIA_HEAD ";branch=1");
	via_becomes(VIA_HEAD ";natbox=10.0.0.1*99;received=203.0.113.7;branch=1;rport=40000",
		VIA_HEAD ";received=10.0.0.1;branch=1;rport=99");
	via_becomes(VIA_HEAD ";natbox=*99;received=203.0.113.7;rport=40000;branch=1",
		VIA_HEAD ";rport=99;branch=1");
	via_becomes(VIA_HEAD ";natbox=_50hone*;rport=40000;received=203.0.113.7;branch=1",
		VIA_HEAD ";received=Phone;branch=1");
	via_becomes(VIA_HEAD ";natbox=10.0.0.1*;rport=40000;received=10.0.0.1;received=203.0.113.7",
		VIA_HEAD ";received=10.0.0.1");
}

/* With fix-via = rport, by a proxy that does not know RFC 3581. */
Test(restore, via_that_was_made_to_ask_and_got_no_answer_is_as_it_was_sent)
{
	via_becomes(VIA_HEAD ";natbox;rport;branch=1", VIA_HEAD ";branch=1");
	via_becomes(VIA_HEAD ";natbox;rport=;branch=1;received=203.0.113.7", VIA_HEAD ";branch=1");
	via_becomes(VIA_HEAD ";natbox=10.0.0.1***10.0.0.2;rport;received=10.0.0.1",
		VIA_HEAD ";maddr=10.0.0.2;received=10.0.0.1");
	via_becomes(VIA_HEAD ";natbox=**10.0.0.2;rport", VIA_HEAD ";maddr=10.0.0.2;rport");
}

Test(restore, forged_via_parameter_is_left_alone)
{
	static const char *const forged[] = {"=", "=1", "=a_0d*", "=a_2c*", "=*a_3bb", "=\"a\"",
		"=a*b*c", "=_5*", "=*a_20b", "=**", "=***", "=a**b", "=**a_0d", "=***a_2cb",
		"=a*b**", "=**a*b"};
	char via[128];

	for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
		snprintf(via, sizeof(via), VIA_HEAD ";natbox%s;received=203.0.113.7;rport=40000",
			forged[i]);
		via_becomes(via, via);
	}
}

Test(restore, via_of_a_response_that_goes_to_a_proxy_stays)
{
	via_becomes("SIP/2.0/UDP 192.0.2.1;natbox;received=203.0.113.7, " VIA_HEAD ";natbox",
		"SIP/2.0/UDP 192.0.2.1;natbox;received=203.0.113.7, " VIA_HEAD ";natbox");
}

Test(restore, restore_no_leaves_all)
{
	settings.nat.restore = false;
	contact_stays("<" REPAIRED ">");
	request_uri_becomes(REPAIRED, REPAIRED);
}

/* A calls B, both natted: what B sees of A, and A of B, is how to reach the other. */
Test(restore, phone_sees_the_repaired_contact_of_another_natted_phone)
{
	struct sip_message message =
		request("INVITE", "SIP/2.0/UDP 192.0.2.1, " VIA_HEAD, "<" REPAIRED ">", "", "");
	size_t length;

	restored(&message, "203.0.113.9:5060", 0, &length);
	restored(&message, "203.0.113.7:40001", 0, &length);
	message = response("200 OK", "INVITE", VIA_HEAD, "<" REPAIRED ">");
	restored(&message, "203.0.113.9:5060", 0, &length);
}
