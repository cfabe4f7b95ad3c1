#include <criterion/criterion.h>
#include <natbox/nat.h>
#include <stdio.h>

#include "sip_messages.h"

enum { ALL = (1 << NAT_TESTS) - 1 };

#define VIA_AT_SOURCE "SIP/2.0/UDP 203.0.113.7:40000;branch=z9hG4bK1"

static unsigned detect_request(const char *source, const char *via, const char *contact)
{
	struct address address = at(source);
	struct sip_message message = request("REGISTER", via, contact, "", "");

	return nat_detect(&message, &address, ALL);
}

static unsigned detect_contact(const char *contact)
{
	return detect_request("203.0.113.7:40000", VIA_AT_SOURCE, contact);
}

static unsigned detect_response(const char *start, const char *contact)
{
	struct address address = at("203.0.113.7:40000");
	struct sip_message message = response(start, "INVITE",
		"SIP/2.0/UDP 10.1.1.1;branch=z9hG4bK1, SIP/2.0/UDP 10.1.1.2;branch=z9hG4bK2",
		contact);

	return nat_detect(&message, &address, ALL);
}

static unsigned detect_body(const char *content_type, const char *body)
{
	struct address address = at("203.0.113.7:40000");
	struct sip_message message = request("INVITE", VIA_AT_SOURCE, NULL, content_type, body);

	return nat_detect(&message, &address, ALL);
}

Test(detect, nothing_hits_a_phone_that_is_where_it_says)
{
	cr_assert_eq(detect_contact("<sip:a@203.0.113.7:40000>"), 0);
	cr_assert_eq(detect_request("203.0.113.7:5060", "SIP/2.0/UDP 203.0.113.7;branch=z9hG4bK1",
			     "<sip:a@203.0.113.7>"),
		0);
	cr_assert_eq(
		detect_request("[2001:db8::7]:5060", "SIP/2.0/UDP [2001:DB8:0::7];branch=z9hG4bK1",
			"<sip:a@[2001:db8:0:0::7]:5060>"),
		0);
}

Test(detect, via_source_compares_host_and_port_where_rport_is_asked_for)
{
	static const char *const vias[] = {"203.0.113.8:40000;branch=1",
		"203.0.113.8:40000;rport;branch=1", "203.0.113.8;branch=1", "phone.lan:40000",
		"203.0.113.7:40001;branch=1;rport", "203.0.113.7;rport;branch=1",
		"203.0.113.7:40001;RPORT=", "203.0.113.7:40001;rport=40001", "203.0.113.7:0;rport",
		"[2001:db8::7]:40000"};
	char via[128];

	for (size_t i = 0; i < sizeof(vias) / sizeof(*vias); i++) {
		snprintf(via, sizeof(via), "SIP/2.0/UDP %s", vias[i]);
		cr_assert_eq(
			detect_request("203.0.113.7:40000", via, NULL), NAT_VIA_SOURCE, "%s", via);
	}
}

Test(detect, phone_that_listens_on_another_port_than_it_sends_from_is_not_natted)
{
	const unsigned defaults = NAT_VIA_SOURCE | NAT_CONTACT_PRIVATE;
	struct address source = at("203.0.113.7:50933");
	struct sip_message message;

	cr_assert_eq(
		detect_request("203.0.113.7:50933", "SIP/2.0/UDP 203.0.113.7;branch=1", NULL), 0);
	cr_assert_eq(detect_request("203.0.113.7:50933", "SIP/2.0/UDP 203.0.113.7:0", NULL), 0);
	cr_assert_eq(detect_request("[2001:db8::7]:50933",
			     "SIP/2.0/UDP [2001:db8::7]:5062;branch=1", NULL),
		0);
	message = request("REGISTER", "SIP/2.0/UDP 203.0.113.7:5060;branch=1",
		"<sip:a@203.0.113.7:5060>", "", "");
	cr_assert_eq(nat_detect(&message, &source, defaults), 0);
	message = response(
		"200 OK", "INVITE", "SIP/2.0/UDP 192.0.2.1;branch=1", "<sip:a@203.0.113.7:5060>");
	cr_assert_eq(nat_detect(&message, &source, defaults), 0);
}

Test(detect, another_port_of_a_private_address_is_natted_whatever_it_asks_for)
{
	cr_assert_eq(detect_request("10.0.0.1:50933", "SIP/2.0/UDP 10.0.0.1:5060;branch=1", NULL),
		NAT_VIA_SOURCE | NAT_VIA_PRIVATE);
	cr_assert_eq(detect_request("10.0.0.1:5060", "SIP/2.0/UDP 10.0.0.1;branch=1", NULL),
		NAT_VIA_PRIVATE);
}

Test(detect, private_addresses_hit_in_both_families)
{
	static const char *const private[] = {"10.0.0.1", "172.31.255.255", "192.168.1.1",
		"100.64.0.1", "169.254.1.1", "192.0.0.7", "127.0.0.1", "[fd00::1]", "[fe80::1]",
		"[::1]"};
	static const char *const public[] = {"11.0.0.1", "172.32.0.1", "100.128.0.1", "192.0.0.8",
		"[2001:db8::1]", "phone.local"};
	char via[128], contact[128];

	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++) {
		snprintf(via, sizeof(via), "SIP/2.0/UDP %s:40000;branch=z9hG4bK1", private[i]);
		cr_assert_eq(detect_request("203.0.113.7:40000", via, NULL),
			NAT_VIA_SOURCE | NAT_VIA_PRIVATE, "%s", via);
		snprintf(contact, sizeof(contact), "<sip:a@%s:40000>", private[i]);
		cr_assert_eq(detect_contact(contact), NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE,
			"%s", contact);
	}
	for (size_t i = 0; i < sizeof(public) / sizeof(*public); i++) {
		snprintf(via, sizeof(via), "SIP/2.0/UDP %s:40000;branch=z9hG4bK1", public[i]);
		cr_assert_eq(
			detect_request("203.0.113.7:40000", via, NULL), NAT_VIA_SOURCE, "%s", via);
		snprintf(contact, sizeof(contact), "<sip:a@%s:40000>", public[i]);
		cr_assert_eq(detect_contact(contact), NAT_CONTACT_SOURCE, "%s", contact);
	}
}

Test(detect, an_unspecified_address_counts_as_private_but_in_sdp)
{
	const char *sdp = "Content-Type: application/sdp\r\n";

	cr_assert_eq(
		detect_contact("<sip:a@0.0.0.0:40000>"), NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
	cr_assert_eq(
		detect_contact("<sip:a@[::]:40000>"), NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
	cr_assert_eq(detect_response("200 OK", "<sip:a@0.0.0.0:40000>"),
		NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
	cr_assert_eq(detect_request("203.0.113.7:40000", "SIP/2.0/UDP 0.0.0.0:40000", NULL),
		NAT_VIA_SOURCE | NAT_VIA_PRIVATE);
	cr_assert_eq(detect_body(sdp, "v=0\r\nc=IN IP4 0.0.0.0\r\n"), 0);
	cr_assert_eq(detect_body(sdp, "v=0\r\nc=IN IP6 ::\r\n"), 0);
}

Test(detect, contact_port_is_5060_when_absent)
{
	cr_assert_eq(detect_contact("<sip:a@203.0.113.7>"), NAT_CONTACT_PORT);
	cr_assert_eq(detect_contact("<sip:a@203.0.113.7:40001>"), NAT_CONTACT_PORT);
}

Test(detect, any_of_several_contacts_counts)
{
	cr_assert_eq(detect_contact("<sip:a@203.0.113.7:40000>, \"A, b\" <sip:a@10.0.0.1:40000>"),
		NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
}

Test(detect, star_and_foreign_schemes_hit_nothing)
{
	cr_assert_eq(detect_contact("*"), 0);
	cr_assert_eq(detect_contact("<tel:+15551234>"), 0);
}

Test(detect, only_the_tests_asked_for_hit)
{
	struct address source = at("203.0.113.7:40000");
	struct sip_message message = request("REGISTER",
		"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1", "<sip:a@10.0.0.1:5060>", "", "");

	for (unsigned test = 1; test < NAT_SDP_PRIVATE; test <<= 1)
		cr_assert_eq(nat_detect(&message, &source, test), test);
	cr_assert_eq(nat_detect(&message, &source, 0), 0);
}

Test(detect, request_that_came_through_a_proxy_is_no_phones_own)
{
	cr_assert_eq(detect_request("203.0.113.7:40000",
			     "SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK2, "
			     "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1",
			     "<sip:a@10.0.0.1>"),
		0);
}

Test(detect, response_is_judged_by_its_contact_alone)
{
	cr_assert_eq(detect_response("200 OK", "<sip:a@10.0.0.1:40000>"),
		NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
	cr_assert_eq(detect_response("180 Ringing", "<sip:a@203.0.113.7:1>"), NAT_CONTACT_PORT);
	cr_assert_eq(detect_response("200 OK", NULL), 0);
}

Test(detect, redirection_tells_of_other_places)
{
	cr_assert_eq(detect_response("302 Moved Temporarily", "<sip:a@10.0.0.1>"), 0);
	cr_assert_eq(detect_response("300 Multiple Choices", "<sip:a@10.0.0.1>"), 0);
	cr_assert_eq(detect_response("399 Elsewhere", "<sip:a@10.0.0.1>"), 0);
	cr_assert_eq(detect_response("485 Ambiguous", "<sip:a@10.0.0.1>"), 0);
	cr_assert_eq(detect_response("299 Well", "<sip:a@10.0.0.1:40000>"),
		NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
	cr_assert_eq(detect_response("400 Bad Request", "<sip:a@10.0.0.1:40000>"),
		NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
}

Test(detect, sdp_private_reads_connection_lines)
{
	const char *sdp = "Content-Type: application/sdp\r\n";

	cr_assert_eq(detect_body(sdp, "v=0\r\nc=IN IP4 10.0.0.1\r\n"), NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body("c: Application / SDP ;x=y\r\n", "v=0\nc=IN IP4 10.0.0.1"),
		NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body(sdp, "v=0\r\nc=IN IP6 fd00::1\r\n"), NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body(sdp, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0\r\n"
				      "c=IN IP4 10.0.0.1/127\r\n"),
		NAT_SDP_PRIVATE);
	cr_assert_eq(
		detect_body(sdp, "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 192.0.2.1\r\n"), 0);
	cr_assert_eq(detect_body(sdp, "c=\r\nc=10.0.0.1\r\nc=IN IP4 \r\nc=IN IP4 phone.local"), 0);
	cr_assert_eq(detect_body(sdp, ""), 0);
}

Test(detect, only_sdp_is_read_as_sdp)
{
	cr_assert_eq(detect_body("Content-Type: text/plain\r\n", "c=IN IP4 10.0.0.1\r\n"), 0);
	cr_assert_eq(
		detect_body("Content-Type: application/pkcs7-mime\r\n", "c=IN IP4 10.0.0.1\r\n"),
		0);
	cr_assert_eq(detect_body("Content-Type: text/sdp\r\n", "c=IN IP4 10.0.0.1\r\n"), 0);
	cr_assert_eq(detect_body("Content-Type: application\r\n", "c=IN IP4 10.0.0.1\r\n"), 0);
	cr_assert_eq(detect_body("", "c=IN IP4 10.0.0.1\r\n"), 0);
}

Test(detect, sdp_is_found_inside_multipart)
{
	const char *mixed = "Content-Type: multipart/mixed;boundary=\"b 1\"\r\n";

	cr_assert_eq(detect_body(mixed, "c=IN IP4 10.0.0.1\r\n"
					"--b 1\r\n"
					"Content-Type: text/plain\r\n\r\n"
					"c=IN IP4 10.0.0.1\r\n"
					"--b 1\r\n"
					"Content-Disposition: session\r\n"
					"content-type:\r\n application/sdp\r\n\r\n"
					"c=IN IP4 10.0.0.1\r\n"
					"--b 1--\r\n"),
		NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body(mixed, "--b 1\r\n"
					"Content-Type: application/sdp\r\n\r\n"
					"c=IN IP4 192.0.2.1\r\n"
					"--b 1--\r\n"
					"Content-Type: application/sdp\r\n\r\n"
					"c=IN IP4 10.0.0.1\r\n"),
		0);
	cr_assert_eq(detect_body(mixed, "--b 1\r\n"
					"Content-Type: application/sdp\r\n\r\n"
					"--b 12\r\n"
					"c=IN IP4 10.0.0.1\r\n"
					"--b 1--\r\n"),
		NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body(mixed, "--b 1\r\n"
					"Content-Type: multipart/alternative;boundary=inner\r\n\r\n"
					"--inner\r\n"
					"Content-Type: application/sdp\r\n\r\n"
					"c=IN IP4 10.0.0.1\r\n"
					"--inner--\r\n"
					"--b 1--\r\n"),
		NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body(mixed, "--b 1\r\n"
					"Content-Type :\r\n\tapplication/sdp\r\n\r\n"
					"--b 2\r\n"
					"c=IN IP4 10.0.0.1\r\n"
					"--b 1--\r\n"),
		NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body(mixed, "--b 1\r\n"
					"Content-Type: application/sdp\r\n\r\n"
					"\tc=IN IP4 10.0.0.1\r\n"
					"--b 1--\r\n"),
		NAT_SDP_PRIVATE);
	cr_assert_eq(detect_body("Content-Type: text/plain;boundary=b\r\n",
			     "--b\r\nContent-Type: application/sdp\r\n\r\nc=IN IP4 10.0.0.1\r\n"),
		0);
	cr_assert_eq(detect_body("Content-Type: multipart/mixed;boundary=\"\"\r\n",
			     "--\r\nContent-Type: application/sdp\r\n\r\nc=IN IP4 10.0.0.1\r\n"),
		0);
	cr_assert_eq(detect_body("Content-Type: multipart/mixed\r\n",
			     "--b\r\nContent-Type: application/sdp\r\n\r\nc=IN IP4 10.0.0.1\r\n"),
		0);
}

Test(detect, gruu_or_address_of_record_tells_of_no_place)
{
	static const char *const of_domain[] = {"<sip:alice@example.com>",
		"<sip:alice@EXAMPLE.com.:5060>", "sip:alice@example.com",
		"<sip:a@example.net;gr=urn:uuid:f81d4fae>", "<sip:a@example.net;ob;GR>",
		"sip:a@example.net;gr", "<sips:a@example.net;gr>"};

	for (size_t i = 0; i < sizeof(of_domain) / sizeof(*of_domain); i++)
		cr_assert_eq(detect_contact(of_domain[i]), 0, "%s", of_domain[i]);
	cr_assert_eq(detect_contact("<sip:a@example.net:40000>"), NAT_CONTACT_SOURCE);
	cr_assert_eq(detect_contact("<sip:a@10.0.0.1:40000;gr=x>"),
		NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
	cr_assert_eq(detect_contact("<sip:a@example.net;gr>, <sip:a@10.0.0.1:40000>"),
		NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE);
}
