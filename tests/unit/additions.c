/* A REGISTER that takes Contacts back and adds others, as the registrar sees it. */
#include "registrar.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
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
