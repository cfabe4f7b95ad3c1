/* A REGISTER that takes Contacts back and adds others, as the registrar sees it. */
#include "registrar.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <natbox/nat.h>
#include <stdio.h>
#include <string.h>

#define PHONE     "203.0.113.1:5061"
#define ORIGIN    ";natbox=192.168.1.10-5060"
#define PUBLIC    "<sip:alice@" PHONE ">"
#define REPAIRED  "<sip:alice@" PHONE ORIGIN ">"
#define TAKE_BACK "Contact: " REPAIRED ";expires=0\r\n"

TestSuite(additions, .init = registrar_open, .fini = registrar_close);

/* Its header fields with Contacts. */
static void become(const char *contacts, const char *expires, const char *expected)
{
	static unsigned cseq;
	struct sip_message message = sends(PHONE,
		(struct registration){.cseq = ++cseq, .contact = contacts, .expires = expires});
	const char *start = memmem(message.whole.at, message.whole.length, "Contact: ", 9);
	const char *rest = text_end(message.whole), *end;

	cr_assert_not_null(start);
	end = memmem(start, (size_t)(rest - start), "Expires: ", 9);
	cr_assert_not_null(end);
	cr_expect(text_equal(text_from(expected), (struct text){start, (size_t)(end - start)}),
		"%.*s", (int)(end - start), start);
}

Test(additions, what_is_taken_back_stays_and_goes_in_front_as_it_was_repaired)
{
	become(PUBLIC ", " OWN ";expires=0", "60",
		TAKE_BACK "Contact: " PUBLIC ", " OWN ";expires=0\r\n");
	become(OWN ";expires=0, " PUBLIC, "60",
		TAKE_BACK "Contact: " OWN ";expires=0, " PUBLIC "\r\n");
}

Test(additions, what_is_taken_back_and_needs_no_repair_goes_in_front_itself)
{
	become(OWN ", " PUBLIC ";expires=0", "60",
		"Contact: " PUBLIC ";expires=0\r\nContact: " REPAIRED "\r\n");
	become(PUBLIC ";expires=0, " OWN, "60", "Contact: " PUBLIC ";expires=0, " REPAIRED "\r\n");
	become(OWN ", " PUBLIC ";expires=0, " PUBLIC ";q=1;expires=0", "60",
		"Contact: " PUBLIC ";expires=0\r\nContact: " REPAIRED ", " PUBLIC
		";q=1;expires=0\r\n");
}

Test(additions, the_expires_header_takes_back_what_says_nothing_itself)
{
	become(PUBLIC ";expires=60, " OWN, "0",
		TAKE_BACK "Contact: " PUBLIC ";expires=60, " OWN "\r\n");
}

/* Repaired, both are equal again, as the phone wrote them. */
Test(additions, what_had_one_place_before_is_the_phones_own_business)
{
	become(OWN ";expires=0, " OWN, "60", "Contact: " REPAIRED ";expires=0, " REPAIRED "\r\n");
	become(OWN ", " OWN ";expires=0", "60",
		"Contact: " REPAIRED ", " REPAIRED ";expires=0\r\n");
}

/* The second of them may be what it clashes with. */
Test(additions, where_two_are_added_whatever_is_taken_back_may_clash)
{
	become(OWN ", " PUBLIC ", " OWN ";expires=0", "60",
		TAKE_BACK "Contact: " REPAIRED ", " PUBLIC ", " OWN ";expires=0\r\n");
}

Test(additions, a_header_field_in_front_parts_no_other)
{
	const char *folded = "Contact\r\n : " PUBLIC ", " OWN ";expires=0\r\n";
	const struct sip_message message =
		sends(PHONE, (struct registration){.contact = "", .credentials = folded});

	cr_expect_not_null(strstr(
		message.whole.at, TAKE_BACK "Contact\r\n : " PUBLIC ", " OWN ";expires=0\r\n"));
	become("\r\n " PUBLIC ", " OWN ";expires=0", "60",
		TAKE_BACK "Contact: \r\n " PUBLIC ", " OWN ";expires=0\r\n");
}

static struct settings settings = {.nat = {.fix_contact = true}};

/* A REGISTER with these Contacts as it leaves, with its header fields in front. */
static const char *repaired(const char *contacts, unsigned removal_fields)
{
	static char in[8192], out[16384];
	static struct edits edits;
	const struct address source = at(PHONE);
	const int size = snprintf(in, sizeof(in),
		"REGISTER sip:example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK1;rport\r\n"
		"From: <sip:alice@example.com>;tag=1\r\n"
		"To: <sip:alice@example.com>\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 REGISTER\r\n"
		"Contact: %s\r\n\r\n",
		contacts);
	const struct sip_message message = scanned(in, (size_t)size);
	long length;

	edits_reset(&edits);
	cr_assert_eq(nat_repair(&message, &source, &settings, &edits), REWRITTEN_CONTACT);
	cr_expect_eq(nat_repair_removals(&message, &source, &settings, &edits), removal_fields);
	length = edits_apply(&edits, message.whole, out, sizeof(out) - 1);
	cr_assert_gt(length, 0);
	out[length] = 0;
	return strstr(out, "Contact: ");
}

Test(additions, where_there_is_no_room_for_more_in_front_all_else_is_repaired)
{
	char contacts[8192] = OWN, expected[64];
	const char *out;
	unsigned in_front = 0;

	for (unsigned port = 6000; port < 6060; port++) {
		char *end = contacts + strlen(contacts);

		snprintf(end, 64, ",<sip:alice@192.168.1.10:%u>;expires=0", port);
	}
	settings.nat.fix_via = FIX_VIA_NO;
	out = repaired(contacts, REWRITTEN_CONTACT);
	for (; in_front < 60; in_front++, out = strchr(out, '\n') + 1) {
		snprintf(expected, sizeof(expected), "Contact: <sip:alice@" PHONE ";natbox=192");
		if (strncmp(out, expected, strlen(expected)) != 0 || !strstr(out, "\r\nContact: "))
			break;
	}
	cr_expect_gt(in_front, 50);
	cr_expect_lt(in_front, 60);
	cr_expect_not_null(strstr(out, REPAIRED ",<sip:alice@192.168.1.10:6000>;expires=0,"));
}

/* Longer than any user and host name. */
Test(additions, what_is_too_long_is_not_taken_back_in_front)
{
	char contacts[4096], expected[4096];

	settings.nat.fix_via = FIX_VIA_NO;
	snprintf(contacts, sizeof(contacts), PUBLIC ", <sip:%01100d@192.168.1.10>;expires=0, " OWN,
		0);
	snprintf(expected, sizeof(expected),
		"Contact: " PUBLIC ", <sip:%01100d@192.168.1.10>;expires=0, " REPAIRED "\r\n\r\n",
		0);
	cr_expect_str_eq(repaired(contacts, 0), expected);
	snprintf(contacts, sizeof(contacts), OWN ", <sip:%01100d@" PHONE ">;expires=0", 0);
	snprintf(expected, sizeof(expected),
		"Contact: " REPAIRED ", <sip:%01100d@" PHONE ">;expires=0\r\n\r\n", 0);
	cr_expect_str_eq(repaired(contacts, 0), expected);
}
