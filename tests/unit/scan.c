#include "scan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct sip_message message;
enum sip_defect defect;

int scan(const char *text)
{
	return sip_scan(text, strlen(text), &message, &defect);
}

void expect_text(struct text text, const char *expected)
{
	cr_expect(text.length == strlen(expected) && text.at &&
			  memcmp(text.at, expected, text.length) == 0,
		"\"%.*s\" is not \"%s\"", (int)text.length, text.at ? text.at : "", expected);
}

void expect_malformed(const char *text, const char *reason)
{
	cr_expect_eq(scan(text), -EBADMSG, "taken: %s", text);
	cr_expect_str_eq(sip_defect_names[defect], reason, "\"%s\" is not \"%s\" in %s",
		sip_defect_names[defect], reason, text);
}

void expect_flaw(const char *text, const char *flaw)
{
	cr_assert_eq(scan(text), 0, "\"%s\": %s", sip_defect_names[defect], text);
	cr_expect_eq(!flaw, !message.flaw, "\"%s\": %s", sip_defect_names[message.flaw], text);
	if (flaw && message.flaw)
		cr_expect_str_eq(sip_defect_names[message.flaw], flaw, "%s", text);
}

void expect_no_sip(const char *bytes, size_t length)
{
	cr_expect_eq(sip_scan(bytes, length, &message, &defect), -ENOMSG);
}

const char *values(enum sip_list list)
{
	static char all[1024];
	struct sip_cursor cursor = {0};
	struct text value;
	size_t used = 0;

	all[0] = 0;
	while (sip_next_value(&message, list, &cursor, &value))
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%.*s|", (int)value.length, value.at);
	return all;
}
