#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char text[65536];

struct address at(const char *string)
{
	struct address address;

	cr_assert_eq(address_parse(text_from(string), 5060, &address), 0, "%s", string);
	return address;
}

struct sip_message scanned(const char *bytes, size_t length)
{
	struct sip_message message;
	enum sip_defect defect = DEFECT_NONE;

	cr_assert_eq(sip_scan(bytes, length, &message, &defect), 0, "%s: %s",
		sip_defect_names[defect], bytes);
	return message;
}

static struct sip_message build(const char *start, const char *method, const char *via,
	const char *contact, const char *lines, const char *body)
{
	int length = snprintf(text, sizeof(text),
		"%s\r\n"
		"Via: %s\r\n"
		"From: <sip:alice@example.com>;tag=1\r\n"
		"To: <sip:alice@example.com>\r\n"
		"Call-ID: 1@phone\r\n"
		"CSeq: 1 %s\r\n"
		"%s%s%s%s"
		"Content-Length: %zu\r\n\r\n"
		"%s",
		start, via, method, contact ? "Contact: " : "", contact ? contact : "",
		contact ? "\r\n" : "", lines, strlen(body), body);

	cr_assert(length > 0 && (size_t)length < sizeof(text));
	return scanned(text, (size_t)length);
}

struct sip_message request(const char *method, const char *via, const char *contact,
	const char *lines, const char *body)
{
	char start[64];

	snprintf(start, sizeof(start), "%s sip:example.com SIP/2.0", method);
	return build(start, method, via, contact, lines, body);
}

struct sip_message response(
	const char *start, const char *method, const char *via, const char *contact)
{
	char line[64];

	snprintf(line, sizeof(line), "SIP/2.0 %s", start);
	return build(line, method, via, contact, "", "");
}

struct text field_of(const struct sip_message *message, enum sip_list list)
{
	struct sip_cursor cursor = {0};
	struct text first = {0}, last;

	while (sip_next_value(message, list, &cursor, &last)) {
		if (!first.at)
			first = last;
	}
	cr_assert_not_null(first.at);
	first.length = (size_t)(text_end(last) - first.at);
	return first;
}
