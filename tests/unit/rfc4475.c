/* The torture messages of RFC 4475, where somebody put them beside the checkout: what the scanner
 * makes of each, and where libosip2 sees it otherwise. */
#include "libosip2.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <glob.h>
#include <natbox/sip.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 65536 };

/* Refused as a whole, or can be read but has a flaw; every other message is taken. */
static const struct {
	const char *name, *why;
	bool can_be_read;
} malformed[] = {
	{"badinv01", "bad Via", false},                      /* 3.1.2.1 */
	{"clerr", "body shorter than Content-Length", true}, /* 3.1.2.2 */
	{"ncl", "bad Content-Length", true},                 /* 3.1.2.3 */
	{"scalar02", "bad CSeq", false},                     /* 3.1.2.4 */
	{"scalarlg", "bad CSeq", false},                     /* 3.1.2.5 */
	{"ltgtruri", "bad start line", true},                /* 3.1.2.7 */
	{"lwsstart", "bad start line", true},                /* 3.1.2.9 */
	{"trws", "bad start line", true},                    /* 3.1.2.10 */
	{"badvers", "not SIP/2.0", false},                   /* 3.1.2.16 */
	{"mismatch01", "CSeq of another method", false},     /* 3.1.2.17 */
	{"mismatch02", "CSeq of another method", false},     /* 3.1.2.18 */
	{"bigcode", "bad status", false},                    /* 3.1.2.19 */
	{"insuf", "no From", false},                         /* 3.3.1 */
	{"multi01", "two CSeq", true},                       /* 3.3.8 */
	{"mcl01", "two Content-Length", true},               /* 3.3.9 */
};

/* Where libosip2 5.3.0 sees it otherwise, and who is right. */
static const struct {
	const char *name, *difference, *reason;
} disagreements[] = {
	{"intmeth", "libosip2 alone refuses it", "3.1.1.2: a NUL in a quoted string is valid"},
	{"ncl", "scanner alone refuses it: bad Content-Length", "3.1.2.3: -999 is no length"},
	{"scalar02", "scanner alone refuses it: bad CSeq", "3.1.2.4: CSeq beyond 32 bits"},
	{"scalarlg", "scanner alone refuses it: bad CSeq", "3.1.2.5: CSeq beyond 32 bits"},
	{"regbadct", "scanner alone refuses it: bad address or URI",
		"3.1.2.13: a question mark needs brackets"},
	{"badaspec", "libosip2 alone refuses it",
		"3.1.2.14: white space in the brackets; what is meant is clear"},
	{"badvers", "scanner alone refuses it: not SIP/2.0", "3.1.2.16: SIP/7.0"},
	{"mismatch01", "scanner alone refuses it: CSeq of another method", "3.1.2.17"},
	{"mismatch02", "scanner alone refuses it: CSeq of another method", "3.1.2.18"},
	{"bigcode", "scanner alone refuses it: bad status", "3.1.2.19: 4294967301 is no status"},
	{"insuf", "scanner alone refuses it: no From", "3.3.1: From, To and Call-ID are missing"},
	{"novelsc", "libosip2 alone refuses it", "3.3.3: a scheme may hold a dot"},
};

/* Skips the test, and says so, where the messages are not there. */
static glob_t find_messages(void)
{
	static const char pattern[] = "../shared/corpus/rfc4475/*.dat";
	glob_t files;

	if (glob(pattern, 0, NULL, &files) != 0)
		cr_skip_test("no RFC 4475 messages: %s matches nothing", pattern);
	return files;
}

/* "folder/name.dat": sets name, returns the bytes, which live until the next call. */
static struct text read_message(const char *path, char name[static 64])
{
	static char bytes[MESSAGE_MAX];
	FILE *file = fopen(path, "rb");
	struct text text = {bytes, 0};

	cr_assert_not_null(file, "%s", path);
	text.length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	cr_assert_eq(sscanf(strrchr(path, '/'), "/%63[^.]", name), 1);
	return text;
}

/* What is wrong with it, and whether it can be read. */
static const char *expected_defect(const char *name, bool *can_be_read)
{
	*can_be_read = true;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		if (strcmp(malformed[i].name, name) != 0)
			continue;
		*can_be_read = malformed[i].can_be_read;
		return malformed[i].why;
	}
	return "";
}

Test(rfc4475, malformed_messages_are_told_for_the_right_reason_and_others_taken)
{
	static struct sip_message message;
	glob_t files = find_messages();
	enum sip_defect defect;
	char name[64];

	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct text text = read_message(files.gl_pathv[i], name);
		int result = sip_scan(text.at, text.length, &message, &defect);
		bool can_be_read;
		const char *expected = expected_defect(name, &can_be_read);

		cr_expect_eq(result, can_be_read ? 0 : -EBADMSG, "%s", name);
		if (result == 0)
			defect = message.flaw;
		cr_expect_str_eq(defect ? sip_defect_names[defect] : "", expected, "%s", name);
	}
	globfree(&files);
}

static const char *expected_difference(const char *name)
{
	for (size_t i = 0; i < sizeof(disagreements) / sizeof(*disagreements); i++) {
		if (strcmp(disagreements[i].name, name) == 0)
			return disagreements[i].difference;
	}
	return NULL;
}

Test(rfc4475, differs_from_libosip2_only_where_that_is_known)
{
	glob_t files = find_messages();
	char name[64];

	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct text text = read_message(files.gl_pathv[i], name);
		const char *difference = libosip2_differs(text.at, text.length);
		const char *expected = expected_difference(name);

		cr_expect(difference && expected ? strcmp(difference, expected) == 0
						 : difference == expected,
			"%s: %s", name, difference ? difference : "no difference any more");
	}
	globfree(&files);
}
