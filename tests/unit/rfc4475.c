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

/* Refused as a whole; every other message is taken. */
static const struct {
	const char *name, *why;
} malformed[] = {
	{"badinv01", "bad Via"},                       /* 3.1.2.1 */
	{"clerr", "body shorter than Content-Length"}, /* 3.1.2.2 */
	{"ncl", "bad Content-Length"},                 /* 3.1.2.3 */
	{"scalar02", "bad CSeq"},                      /* 3.1.2.4 */
	{"scalarlg", "bad CSeq"},                      /* 3.1.2.5 */
	{"ltgtruri", "bad start line"},                /* 3.1.2.7 */
	{"lwsruri", "not SIP/2.0"},                    /* 3.1.2.8 */
	{"lwsstart", "bad start line"},                /* 3.1.2.9 */
	{"trws", "not SIP/2.0"},                       /* 3.1.2.10 */
	{"badvers", "not SIP/2.0"},                    /* 3.1.2.16 */
	{"mismatch01", "CSeq of another method"},      /* 3.1.2.17 */
	{"mismatch02", "CSeq of another method"},      /* 3.1.2.18 */
	{"bigcode", "bad status"},                     /* 3.1.2.19 */
	{"insuf", "no From"},                          /* 3.3.1 */
	{"multi01", "two CSeq"},                       /* 3.3.8 */
	{"mcl01", "two Content-Length"},               /* 3.3.9 */
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

static const char *expected_refusal(const char *name)
{
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		if (strcmp(malformed[i].name, name) == 0)
			return malformed[i].why;
	}
	return NULL;
}

Test(rfc4475, malformed_messages_are_refused_for_the_right_reason_and_others_taken)
{
	static struct sip_message message;
	glob_t files = find_messages();
	enum sip_defect defect;
	char name[64];

	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct text text = read_message(files.gl_pathv[i], name);
		int result = sip_scan(text.at, text.length, &message, &defect);
		const char *expected = expected_refusal(name);

		cr_expect_eq(result, expected ? -EBADMSG : 0, "%s", name);
		if (result == -EBADMSG && expected)
			cr_expect_str_eq(sip_defect_names[defect], expected, "%s", name);
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
