/* More of everything than any message has: bounds, and what it costs to find them passed. */
#include "scan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EIGHT(x) x x x x x x x x
#define SIXTY(x) EIGHT(x x x x x x x) x x x x
#define FILLER   "\r\nY: " EIGHT(EIGHT(EIGHT("fillings"))) "\r\n"

/* start, then count times field, then end. */
static char *repeated(const char *start, const char *field, size_t count, const char *end)
{
	static char text[1 << 17];
	size_t used = 0, length = strlen(field);

	used += (size_t)sprintf(text, "%s", start);
	for (size_t i = 0; i < count && used + length < sizeof(text) - 4096; i++, used += length)
		memcpy(text + used, field, length);
	sprintf(text + used, "%s", end);
	return text;
}

/* In header fields of their own as with commas between them. */
Test(sip_bounds, more_values_than_any_message_has_are_malformed)
{
	const char *start = REQUEST MANDATORY "Record-Route: <sip:a.example.com;lr>";
	const char *field = "\r\nContact: <sip:alice@192.0.2.1>;q=1.0",
		   *value = ",<sip:a.example.com;lr>";
	const unsigned rest = SIP_VALUES_MAX - 2;

	cr_expect_eq(scan(repeated(start, field, rest, "\r\n" END)), 0);
	cr_expect_eq(sip_count_values(&message, SIP_CONTACT), rest);
	cr_expect_eq(scan(repeated(start, value, rest, FILLER END)), 0);
	cr_expect_eq(sip_count_values(&message, SIP_RECORD_ROUTE), rest + 1);
	expect_flaw(repeated(start, field, rest + 1, "\r\n" END), "too many values");
	cr_expect_eq(sip_count_values(&message, SIP_CONTACT), rest);
	cr_expect(message.has_more_contacts);
	expect_malformed(repeated(start, value, rest + 1, FILLER END), "too many values");
	expect_malformed(repeated(start, ",", rest + 1, FILLER END), "too many values");
}

Test(sip_bounds, a_long_path_and_a_busy_address_of_record_are_not_too_much)
{
	static char text[1 << 16];
	size_t used = (size_t)sprintf(text, "SIP/2.0 200 OK\r\n" FROM TO CALL_ID CSEQ);

	for (unsigned i = 0; i < 70; i++)
		used += (size_t)sprintf(text + used,
			"v:SIP/2.0/UDP 10.0.0.%u;branch=z9hG4bK%u\r\n"
			"Record-Route:<sip:10.0.0.%u;lr>\r\n",
			i, i, i);
	used += (size_t)sprintf(text + used, "m:<sip:a@10.0.0.1>;q=1;expires=60");
	for (unsigned i = 0; i < 99; i++)
		used += (size_t)sprintf(text + used, ",<sip:a@10.0.0.1>;q=1;expires=60");
	sprintf(text + used, "\r\n\r\n");
	cr_expect_eq(scan(text), 0, "%s", sip_defect_names[defect]);
	cr_expect_eq(message.via_count, 70);
	cr_expect_eq(message.contact_count, 100);
}

Test(sip_bounds, more_values_than_bytes_for_them_are_malformed)
{
	expect_flaw(
		repeated(REQUEST MANDATORY "Contact: ", ",", 30, "\r\n" END), "too many values");
	expect_flaw(repeated(REQUEST MANDATORY "Contact: ", "sip:a,", 60, "\r\n" END),
		"too many values");
	cr_expect_gt(message.contact_count, 10);
	expect_flaw(repeated(REQUEST MANDATORY, "m:\r\n", 60, END), "too many values");
	expect_malformed(repeated(REQUEST MANDATORY, "m:\r\n", 60, VIA END), "too many values");
	expect_malformed(repeated(REQUEST MANDATORY "Route: ", "<sip:a>,", 60, "\r\n" END),
		"too many values");
	expect_malformed(repeated(REQUEST MANDATORY "Via: SIP/2.0/UDP a", ",", 60, "\r\n" END),
		"too many values");
}

Test(sip_bounds, more_parameters_than_any_value_has_are_refused)
{
	const char *via = REQUEST FROM TO CALL_ID CSEQ "Via: SIP/2.0/UDP a";
	const char *contact = REQUEST MANDATORY "Contact: <sip:b>,<sip:a>";

	cr_expect_eq(scan(repeated(via, ";x", SIP_PARAMS_MAX, "\r\n" END)), 0);
	expect_malformed(repeated(via, ";x", SIP_PARAMS_MAX + 1, "\r\n" END), "bad Via");
	cr_expect_eq(scan(repeated(contact, ";x", SIP_PARAMS_MAX, "\r\n" END)), 0);
	cr_expect_eq(message.contact_count, 2);
	cr_expect_eq(scan(repeated(contact, ";x", SIP_PARAMS_MAX + 1, "\r\n" END)), 0);
	cr_expect_eq(message.contact_count, 1, "ill-formed");
}

/* Three header fields of sixty each, and the same in a message that is long. */
Test(sip_bounds, more_parameters_than_bytes_for_them_are_malformed)
{
	const char *contact = "Contact: <sip:a>" SIXTY(";x") "\r\n";

	cr_expect_eq(scan(repeated(REQUEST MANDATORY, contact, 3, "Y: y" FILLER END)), 0, "%s",
		sip_defect_names[defect]);
	expect_flaw(repeated(REQUEST MANDATORY, contact, 3, END), "too many parameters");
	cr_expect(message.has_more_contacts);
}

/* All that can be asked about a message. */
static void ask_everything(const char *text)
{
	static const enum sip_list lists[] = {SIP_VIA, SIP_CONTACT, SIP_ROUTE, SIP_RECORD_ROUTE};
	struct sip_name_addr address;
	struct sip_uri uri;
	struct sip_via via;
	struct text value, unused;

	if (scan(text) != 0)
		return;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct sip_cursor cursor = {0};

		while (sip_next_value(&message, lists[i], &cursor, &value)) {
			if (sip_via_parse(value, &via) == 0)
				sip_param(via.params, TEXT("rport"), &unused);
			if (sip_name_addr_parse(value, &address) == 0)
				sip_param(address.params, TEXT("expires"), &unused);
			if (sip_uri_parse(address.uri, &uri) == 0)
				sip_param(uri.params, TEXT("lr"), &unused);
		}
	}
	sip_name_addr_parse(message.from, &address);
	sip_uri_parse(message.request_uri, &uri);
}

/* Linear cost is a millisecond or two at most, quadratic several seconds. */
Test(sip_bounds, hostile_messages_cost_no_more_than_others)
{
	static const char *const units[] = {",", "\"", "<", ">", "(", ")", "\\", ";", "=", "@", ":",
		"\r\n ", "\n\t", " ", "\r", "[", "a,", "\",\"", "<>,", "(,", "\\\",", ";x",
		";=", "SIP/", " SIP/2.0/UDP a;branch,", "<sip:a@", "\"<,>\",", "?", "\r\r"};
	static const char *const starts[] = {REQUEST MANDATORY "Contact: ", REQUEST MANDATORY "v: ",
		REQUEST MANDATORY "v: SIP/2.0/UDP a;b=", REQUEST MANDATORY "Contact: <sip:a>;b=",
		REQUEST VIA TO CALL_ID CSEQ "From: ", REQUEST MANDATORY "X: ", REQUEST MANDATORY,
		"", "INVITE ", "SIP/2.0 200 "};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		for (size_t j = 0; j < sizeof(units) / sizeof(*units); j++) {
			const char *text = repeated(starts[i], units[j], 1 << 16, "\r\n" END);
			clock_t start = clock();

			ask_everything(text);
			cr_expect_lt(clock() - start, CLOCKS_PER_SEC / 4, "%s then many %s",
				starts[i], units[j]);
		}
	}
}
