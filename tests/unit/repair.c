#include <criterion/criterion.h>
#include <natbox/nat.h>
#include <stdio.h>
#include <string.h>

#include "sip_messages.h"

#define SOURCE   "203.0.113.7:40000"
#define VIA_HEAD "SIP/2.0/UDP 192.168.1.10:5060"

static struct settings settings = {.nat = {.fix_via = FIX_VIA_FULL, .fix_contact = true}};

/* What a header field's value is after the repair. */
static const char *repaired(
	const struct sip_message *message, const char *source, enum sip_list list, unsigned fields)
{
	static char bytes[65536];
	static struct edits edits;
	struct address address = at(source);
	struct sip_message result;
	struct text value;
	long length;

	edits_reset(&edits);
	cr_assert_eq(nat_repair(message, &address, &settings, &edits), fields);
	length = edits_apply(&edits, message->whole, bytes, sizeof(bytes));
	cr_assert(length > 0);
	result = scanned(bytes, (size_t)length);
	value = field_of(&result, list);
	bytes[value.at + value.length - bytes] = 0;
	return value.at;
}

static void contact_becomes(const char *contact, const char *expected)
{
	struct sip_message message =
		request("REGISTER", VIA_HEAD ";branch=1;rport", contact, "", "");

	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT,
				 strcmp(contact, expected) ? REWRITTEN_VIA | REWRITTEN_CONTACT
							   : REWRITTEN_VIA),
		expected);
}

static void contact_stays(const char *contact)
{
	contact_becomes(contact, contact);
}

static void via_becomes(const char *source, const char *via, const char *expected)
{
	struct sip_message message = request("OPTIONS", via, NULL, "", "");

	cr_assert_str_eq(
		repaired(&message, source, SIP_VIA, strcmp(via, expected) ? REWRITTEN_VIA : 0),
		expected);
}

Test(repair, rport_is_answered_where_it_was_asked)
{
	via_becomes(SOURCE, VIA_HEAD ";branch=1;rport",
		VIA_HEAD ";branch=1;rport=40000;received=203.0.113.7");
	via_becomes(SOURCE, VIA_HEAD " ; RPORT ; branch=1",
		VIA_HEAD " ; RPORT=40000;received=203.0.113.7 ; branch=1");
	via_becomes("[2001:db8::7]:40000", "SIP/2.0/UDP [fd00::1];rport;branch=1",
		"SIP/2.0/UDP [fd00::1];rport=40000;received=2001:db8::7;branch=1");
	via_becomes(SOURCE, VIA_HEAD ";rport=;branch=1",
		VIA_HEAD ";rport=40000;received=203.0.113.7;branch=1");
	via_becomes(SOURCE, VIA_HEAD "; rport = ;received=10.0.0.1",
		VIA_HEAD "; rport =40000 ;received=203.0.113.7");
}

Test(repair, via_without_rport_is_marked)
{
	via_becomes(SOURCE, VIA_HEAD ";branch=1",
		VIA_HEAD ";natbox;received=203.0.113.7;rport=40000;branch=1");
	via_becomes(SOURCE, VIA_HEAD, VIA_HEAD ";natbox;received=203.0.113.7;rport=40000");
}

Test(repair, what_the_client_claims_of_its_address_is_replaced_and_kept)
{
	via_becomes(SOURCE, VIA_HEAD ";received=10.0.0.1;branch=1;rport=99",
		VIA_HEAD ";natbox=10.0.0.1*99;received=203.0.113.7;branch=1;rport=40000");
	via_becomes(SOURCE, VIA_HEAD ";rport=99;branch=1",
		VIA_HEAD ";natbox=*99;received=203.0.113.7;rport=40000;branch=1");
	via_becomes(SOURCE, VIA_HEAD ";received=10.0.0.1;rport=40000",
		VIA_HEAD ";natbox=10.0.0.1*40000;received=203.0.113.7;rport=40000");
	via_becomes(SOURCE, VIA_HEAD ";received=Phone;branch=1",
		VIA_HEAD ";natbox=_50hone*;rport=40000;received=203.0.113.7;branch=1");
	via_becomes(SOURCE, VIA_HEAD ";received=10.0.0.1;rport",
		VIA_HEAD ";received=203.0.113.7;rport=40000");
}

Test(repair, maddr_of_the_via_gives_way)
{
	via_becomes(SOURCE, VIA_HEAD ";maddr=192.168.1.10;branch=1;rport",
		VIA_HEAD ";natbox=**192.168.1.10;branch=1;rport=40000;received=203.0.113.7");
	via_becomes(SOURCE, VIA_HEAD ";branch=1 ; maddr=Phone.lan",
		VIA_HEAD ";received=203.0.113.7;rport=40000;branch=1 ; natbox=***_50hone.lan");
	via_becomes(SOURCE, VIA_HEAD ";rport=99;maddr=[fd00::1];received=10.0.0.1",
		VIA_HEAD ";rport=40000;natbox=10.0.0.1*99**_5bfd00--1_5d;received=203.0.113.7");
	via_becomes(SOURCE, VIA_HEAD ";received=203.0.113.7;rport=40000;maddr=10.0.0.1",
		VIA_HEAD ";received=203.0.113.7;rport=40000;natbox=203.0.113.7*40000**10.0.0.1");
	settings.nat.fix_via = FIX_VIA_RPORT;
	via_becomes(SOURCE, VIA_HEAD ";maddr=10.0.0.1", VIA_HEAD ";rport;natbox=***10.0.0.1");
	via_becomes(SOURCE, VIA_HEAD ";maddr=10.0.0.1;rport", VIA_HEAD ";maddr=10.0.0.1;rport");
}

Test(repair, via_that_is_right_or_beyond_repair_stays)
{
	via_becomes(SOURCE, VIA_HEAD ";received=203.0.113.7;rport=40000",
		VIA_HEAD ";received=203.0.113.7;rport=40000");
	via_becomes(
		SOURCE, VIA_HEAD ";received=\"x\";branch=1", VIA_HEAD ";received=\"x\";branch=1");
	via_becomes(SOURCE, VIA_HEAD ";rport=\"x\";branch=1", VIA_HEAD ";rport=\"x\";branch=1");
	via_becomes(SOURCE, VIA_HEAD ";received;rport", VIA_HEAD ";received;rport");
}

Test(repair, fix_via_rport_only_asks)
{
	settings.nat.fix_via = FIX_VIA_RPORT;
	via_becomes(SOURCE, VIA_HEAD ";branch=1;rport", VIA_HEAD ";branch=1;rport");
	via_becomes(SOURCE, VIA_HEAD ";rport=5060", VIA_HEAD ";rport=5060");
	via_becomes(SOURCE, VIA_HEAD ";branch=1", VIA_HEAD ";natbox;rport;branch=1");
	via_becomes(SOURCE, VIA_HEAD ";received=10.0.0.1",
		VIA_HEAD ";natbox=10.0.0.1*;rport;received=10.0.0.1");
}

Test(repair, fix_via_no_leaves_it)
{
	settings.nat.fix_via = FIX_VIA_NO;
	via_becomes(SOURCE, VIA_HEAD ";branch=1", VIA_HEAD ";branch=1");
}

Test(repair, private_contact_becomes_the_source)
{
	contact_becomes(
		"<sip:a@192.168.1.10:5060>", "<sip:a@203.0.113.7:40000;natbox=192.168.1.10-5060>");
	contact_becomes("\"A, <b>\" <sip:a:x@10.0.0.1;transport=UDP;ob?Subject=x>;q=0.5;expires=60",
		"\"A, <b>\" <sip:a:x@203.0.113.7:40000;natbox=10.0.0.1;transport=UDP;ob?Subject=x>"
		";q=0.5;expires=60");
	contact_becomes("< sip:10.0.0.1:5070 >", "< sip:203.0.113.7:40000;natbox=10.0.0.1-5070 >");
	contact_becomes(
		"<sip:a@[fd00::A]:5060>", "<sip:a@203.0.113.7:40000;natbox=_5bfd00--_41_5d-5060>");
}

Test(repair, an_unspecified_address_is_replaced_like_a_private_one)
{
	struct sip_message message;

	contact_becomes("<sip:a@0.0.0.0>", "<sip:a@203.0.113.7:40000;natbox=0.0.0.0>");
	contact_becomes("<sip:a@[::]:5060>", "<sip:a@203.0.113.7:40000;natbox=_5b--_5d-5060>");
	message = response("200 OK", "INVITE", VIA_HEAD, "<sip:a@0.0.0.0:5076;ob>");
	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_CONTACT),
		"<sip:a@203.0.113.7:40000;natbox=0.0.0.0-5076;ob>");
}

Test(repair, port_0_is_replaced_at_the_default_port_too)
{
	struct sip_message message = request(
		"REGISTER", "SIP/2.0/UDP 192.168.1.10;branch=1", "<sip:a@203.0.113.7:0>", "", "");

	cr_assert_str_eq(repaired(&message, "203.0.113.7:5060", SIP_CONTACT,
				 REWRITTEN_VIA | REWRITTEN_CONTACT),
		"<sip:a@203.0.113.7:5060;natbox=203.0.113.7-0>");
}

Test(repair, port_0_is_replaced_like_any_other)
{
	contact_becomes("<sip:a@10.0.0.1:0;ob>", "<sip:a@203.0.113.7:40000;natbox=10.0.0.1-0;ob>");
	contact_becomes("<sip:a@203.0.113.7:0>", "<sip:a@203.0.113.7:40000;natbox=203.0.113.7-0>");
	contact_becomes("sip:[fd00::1]:0", "<sip:203.0.113.7:40000;natbox=-_5bfd00--1_5d-0>");
	via_becomes(SOURCE, "SIP/2.0/UDP 10.0.0.1:0;branch=1;rport",
		"SIP/2.0/UDP 10.0.0.1:0;branch=1;rport=40000;received=203.0.113.7");
	via_becomes(SOURCE, "SIP/2.0/UDP 10.0.0.1:0;branch=1",
		"SIP/2.0/UDP 10.0.0.1:0;natbox;received=203.0.113.7;rport=40000;branch=1");
}

Test(repair, maddr_of_a_contact_gives_way)
{
	contact_becomes("<sip:a@192.168.1.10:5060;maddr=192.168.1.10>",
		"<sip:a@203.0.113.7:40000;natbox=192.168.1.10-5060*192.168.1.10>");
	contact_becomes("<sip:a@10.0.0.1;ob;maddr=[fd00::1];x=y?z=1>;q=1",
		"<sip:a@203.0.113.7:40000;ob;natbox=10.0.0.1*_5bfd00--1_5d;x=y?z=1>;q=1");
	contact_becomes("<sip:a@203.0.113.7:40000;maddr=10.0.0.1>",
		"<sip:a@203.0.113.7:40000;natbox=203.0.113.7-40000*10.0.0.1>");
}

Test(repair, maddr_that_leads_nowhere_else_or_cannot_travel_stays)
{
	contact_stays("<sip:a@203.0.113.7:40000;maddr=203.0.113.7>");
	contact_stays("<sip:a@198.51.100.1;maddr=10.0.0.1>");
	contact_becomes(
		"<sip:a@10.0.0.1;maddr>", "<sip:a@203.0.113.7:40000;natbox=10.0.0.1;maddr>");
	contact_becomes("<sip:a@10.0.0.1;maddr=a%20>",
		"<sip:a@203.0.113.7:40000;natbox=10.0.0.1;maddr=a%20>");
	contact_becomes("sip:a@10.0.0.1;maddr=10.0.0.1",
		"<sip:a@203.0.113.7:40000;natbox=-10.0.0.1>;maddr=10.0.0.1");
	contact_becomes("<sip:a@10.0.0.1;natbox=10.0.0.2;maddr=10.0.0.1>",
		"<sip:a@203.0.113.7:40000;natbox=10.0.0.1;natbox=10.0.0.2;maddr=10.0.0.1>");
	via_becomes(SOURCE, VIA_HEAD ";natbox=10.0.0.2*1;maddr=10.0.0.1",
		VIA_HEAD
		";natbox;received=203.0.113.7;rport=40000;natbox=10.0.0.2*1;maddr=10.0.0.1");
}

Test(repair, contact_without_brackets_gets_them)
{
	contact_becomes("sip:a@10.0.0.1:5060;expires=60",
		"<sip:a@203.0.113.7:40000;natbox=-10.0.0.1-5060>;expires=60");
	contact_becomes("sip:10.0.0.1", "<sip:203.0.113.7:40000;natbox=-10.0.0.1>");
}

Test(repair, each_of_several_contacts_is_judged_by_itself)
{
	contact_becomes("<sip:a@10.0.0.1>, <sip:b@198.51.100.1>,\r\n sip:c@10.0.0.2",
		"<sip:a@203.0.113.7:40000;natbox=10.0.0.1>, <sip:b@198.51.100.1>,\r\n "
		"<sip:c@203.0.113.7:40000;natbox=-10.0.0.2>");
}

Test(repair, contact_with_the_host_of_the_via_is_the_user_agents_own)
{
	struct sip_message message = request(
		"INVITE", "SIP/2.0/UDP My-Phone.lan;rport", "<sip:a@my-phone.LAN:5062>", "", "");

	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_VIA | REWRITTEN_CONTACT),
		"<sip:a@203.0.113.7:40000;natbox=my_2dphone._4c_41_4e-5062>");
	message = request("INVITE", "SIP/2.0/UDP [2001:db8::1];rport",
		"<sip:a@[2001:DB8:0::1]:5062>", "", "");
	cr_assert_str_eq(repaired(&message, "[2001:db8::7]:4", SIP_CONTACT,
				 REWRITTEN_VIA | REWRITTEN_CONTACT),
		"<sip:a@[2001:db8::7]:4;natbox=_5b2001-_44_428-0--1_5d-5062>");
}

static void contact_of_answer_becomes(const char *contact, const char *expected)
{
	struct sip_message message = response("200 OK", "INVITE", VIA_HEAD, contact);

	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT,
				 strcmp(contact, expected) ? REWRITTEN_CONTACT : 0),
		expected);
}

/* From and To are of example.com. */
Test(repair, gruu_and_address_of_record_stay_in_requests_and_answers)
{
	static const char *const of_domain[] = {"<sip:alice@example.com>",
		"<sip:alice@Example.COM:5062;ob>", "<sip:alice@example.com.>",
		"sip:alice@example.com",
		"<sip:a@example.net;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>",
		"<sip:a@pbx.lan;ob;Gr>", "sip:a@pbx.lan;gr=x"};

	for (size_t i = 0; i < sizeof(of_domain) / sizeof(*of_domain); i++) {
		contact_stays(of_domain[i]);
		contact_of_answer_becomes(of_domain[i], of_domain[i]);
	}
	contact_of_answer_becomes(
		"<sip:a@pbx.lan;grx=1>", "<sip:a@203.0.113.7:40000;natbox=pbx.lan;grx=1>");
	contact_of_answer_becomes(
		"<sip:a@pbx.lan>;gr", "<sip:a@203.0.113.7:40000;natbox=pbx.lan>;gr");
}

Test(repair, name_of_the_via_is_left_where_it_is_a_domain_too)
{
	struct sip_message message = request(
		"INVITE", "SIP/2.0/UDP example.com;rport", "<sip:alice@example.com>", "", "");

	cr_assert_str_eq(
		repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_VIA), "<sip:alice@example.com>");
	message = request("INVITE", "SIP/2.0/UDP pbx.lan;rport", "<sip:alice@pbx.lan;gr>", "", "");
	cr_assert_str_eq(
		repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_VIA), "<sip:alice@pbx.lan;gr>");
}

/* The domain of a registrar can be its address, and a private one. */
Test(repair, gruu_whose_domain_is_an_address_stays)
{
	static const char bytes[] = "SIP/2.0 200 OK\r\n"
				    "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=1\r\n"
				    "From: <sip:bob@192.0.2.1>;tag=1\r\n"
				    "To: <sip:alice@10.0.0.9>;tag=2\r\n"
				    "Call-ID: 1\r\n"
				    "CSeq: 1 INVITE\r\n"
				    "Contact: <sip:alice@10.0.0.9;gr=x>, <sip:alice@10.0.0.9>,"
				    " <sip:alice@192.168.1.10;gr=x>\r\n\r\n";
	struct sip_message message = scanned(bytes, sizeof(bytes) - 1);

	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_CONTACT),
		"<sip:alice@10.0.0.9;gr=x>, <sip:alice@203.0.113.7:40000;natbox=10.0.0.9>,"
		" <sip:alice@203.0.113.7:40000;natbox=192.168.1.10;gr=x>");
}

/* What has no registrar uses its own address as its domain. */
Test(repair, gruu_at_the_address_of_the_via_is_the_user_agents_own)
{
	static const char bytes[] = "INVITE sip:bob@192.0.2.1 SIP/2.0\r\n"
				    "Via: SIP/2.0/UDP 10.0.0.1;branch=1;rport\r\n"
				    "From: <sip:alice@10.0.0.1>;tag=1\r\n"
				    "To: <sip:bob@192.0.2.1>\r\n"
				    "Call-ID: 1\r\n"
				    "CSeq: 1 INVITE\r\n"
				    "Contact: <sip:alice@10.0.0.1;gr>\r\n\r\n";
	struct sip_message message = scanned(bytes, sizeof(bytes) - 1);

	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_VIA | REWRITTEN_CONTACT),
		"<sip:alice@203.0.113.7:40000;natbox=10.0.0.1;gr>");
}

static void name_stays_where_domains_are(const char *ruri, const char *from, const char *to)
{
	char bytes[512];
	int length = snprintf(bytes, sizeof(bytes),
		"INVITE %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP example.net;branch=1;rport\r\n"
		"From: <%s>;tag=1\r\n"
		"To: <%s>\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 INVITE\r\n"
		"Contact: <sip:alice@example.net>\r\n\r\n",
		ruri, from, to);
	struct sip_message message = scanned(bytes, (size_t)length);

	cr_assert_str_eq(
		repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_VIA), "<sip:alice@example.net>");
}

Test(repair, the_domain_of_from_to_or_request_uri_is_no_place)
{
	name_stays_where_domains_are("sip:bob@example.net", "sip:alice@192.0.2.1", "tel:+1555");
	name_stays_where_domains_are("tel:+1555", "sip:alice@example.net", "sip:bob@192.0.2.1");
	name_stays_where_domains_are("sip:bob@192.0.2.1", "tel:+1555", "sip:bob@example.net");
}

/* Without its port, 261 bytes: as much as a name of 255 and a port. */
Test(repair, a_name_longer_than_any_there_is_stays)
{
	char name[263], via[320], contact[320], expected[320];

	for (int length = 261; length <= 262; length++) {
		struct sip_message message;
		bool fits = length == 261;

		snprintf(name, sizeof(name), "%0*d.x", length - 2, 0);
		snprintf(via, sizeof(via), "SIP/2.0/UDP %s;rport", name);
		snprintf(contact, sizeof(contact), "<sip:a@%s>", name);
		snprintf(expected, sizeof(expected),
			fits ? "<sip:a@203.0.113.7:40000;natbox=%s>" : "<sip:a@%s>", name);
		message = request("INVITE", via, contact, "", "");
		cr_expect_str_eq(repaired(&message, SOURCE, SIP_CONTACT,
					 REWRITTEN_VIA | (fits ? REWRITTEN_CONTACT : 0)),
			expected);
		snprintf(contact, sizeof(contact), "<sip:a@%s;maddr=10.0.0.1>", name);
		snprintf(expected, sizeof(expected),
			fits ? "<sip:a@203.0.113.7:40000;natbox=%s*10.0.0.1>"
			     : "<sip:a@%s;maddr=10.0.0.1>",
			name);
		message = request("INVITE", via, contact, "", "");
		cr_expect_str_eq(repaired(&message, SOURCE, SIP_CONTACT,
					 REWRITTEN_VIA | (fits ? REWRITTEN_CONTACT : 0)),
			expected);
		snprintf(contact, sizeof(contact), "<sip:a@10.0.0.1;maddr=%s>", name);
		snprintf(expected, sizeof(expected),
			fits ? "<sip:a@203.0.113.7:40000;natbox=10.0.0.1*%s>"
			     : "<sip:a@203.0.113.7:40000;natbox=10.0.0.1;maddr=%s>",
			name);
		contact_becomes(contact, expected);
	}
}

Test(repair, contact_at_the_source_address_with_another_port_is_the_user_agents_own)
{
	contact_becomes(
		"<sip:a@203.0.113.7:5060>", "<sip:a@203.0.113.7:40000;natbox=203.0.113.7-5060>");
}

/* As a registrar lists it, and whoever has read that takes it back. */
Test(repair, contact_that_was_repaired_for_another_port_is_somebody_elses)
{
	static const char *const others[] = {"<sip:a@203.0.113.7:40001;natbox=10.0.0.1>;expires=0",
		"<sip:a@203.0.113.7;ob;natbox=-10.0.0.1-5062>;expires=0",
		"sip:a@203.0.113.7:40001;natbox=10.0.0.1;expires=0",
		"<sip:a@203.0.113.7:40001;natbox=10.0.0.1*10.0.0.2>;expires=0"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct sip_message message = request(
			"REGISTER", "SIP/2.0/UDP 203.0.113.7:5060;rport", others[i], "", "");

		cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_VIA), others[i]);
		contact_stays(others[i]);
		contact_of_answer_becomes(others[i], others[i]);
	}
	contact_becomes("<sip:a@203.0.113.7:40001;natboxes=1>",
		"<sip:a@203.0.113.7:40000;natbox=203.0.113.7-40001;natboxes=1>");
}

/* By a natbox behind another NAT. */
Test(repair, contact_that_was_repaired_for_a_private_address_is_repaired_again)
{
	contact_becomes("<sip:a@100.64.0.1:40001;natbox=10.0.0.1>",
		"<sip:a@203.0.113.7:40000;natbox=100.64.0.1-40001;natbox=10.0.0.1>");
}

Test(repair, other_contacts_stay)
{
	contact_stays("*");
	contact_stays("<sip:a@203.0.113.7:40000>");
	contact_stays("<sip:a@198.51.100.1>");
	contact_stays("<sip:a@phone.example.com>");
	contact_stays("<sips:a@10.0.0.1>");
	contact_stays("<tel:+15551234>");
	contact_stays("<sip:a@10.0.0.1;transport=tcp>");
	contact_stays("sip:a@10.0.0.1;transport=TLS");
	contact_stays("<mailto:a@10.0.0.1>");
}

Test(repair, contact_at_the_default_port_stays)
{
	struct sip_message message = request(
		"INVITE", "SIP/2.0/UDP 203.0.113.7:5062;rport", "<sip:a@203.0.113.7>", "", "");

	cr_assert_str_eq(repaired(&message, "203.0.113.7:5060", SIP_CONTACT, REWRITTEN_VIA),
		"<sip:a@203.0.113.7>");
}

Test(repair, response_has_its_contact_repaired_and_no_via)
{
	struct sip_message message =
		response("200 OK", "INVITE", "SIP/2.0/UDP 10.9.9.9;rport", "<sip:a@10.0.0.1>");

	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_CONTACT),
		"<sip:a@203.0.113.7:40000;natbox=10.0.0.1>");
	message = response("183 Session Progress", "INVITE", VIA_HEAD, "<sip:a@phone.lan:5062>");
	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, REWRITTEN_CONTACT),
		"<sip:a@203.0.113.7:40000;natbox=phone.lan-5062>");
	message = response("200 OK", "INVITE", VIA_HEAD, "<sip:a@198.51.100.1>");
	cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, 0), "<sip:a@198.51.100.1>");
}

Test(repair, contacts_of_redirections_and_failures_stay)
{
	static const char *const starts[] = {
		"300 Multiple Choices", "302 Moved Temporarily", "404 Not Found", "485 Ambiguous"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct sip_message message =
			response(starts[i], "INVITE", VIA_HEAD, "<sip:a@10.0.0.1>");

		cr_assert_str_eq(repaired(&message, SOURCE, SIP_CONTACT, 0), "<sip:a@10.0.0.1>");
	}
}

Test(repair, fix_contact_no_leaves_them)
{
	settings.nat.fix_contact = false;
	contact_stays("<sip:a@192.168.1.10:5060>");
}

Test(repair, request_that_came_through_a_proxy_stays)
{
	struct sip_message message =
		request("INVITE", "SIP/2.0/UDP 198.51.100.1;branch=2, " VIA_HEAD ";branch=1;rport",
			"<sip:a@192.168.1.10>", "", "");

	repaired(&message, SOURCE, SIP_CONTACT, 0);
}
