/* The text of the status page: one file, which asks nobody else for anything, and a policy that
 * lets its own script run and no other. */
#include "ops/http/page.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char policy[PAGE_POLICY_MAX];
static char *text;

static void setup(void)
{
	char *bytes = page_text_new(policy);

	cr_assert(bytes);
	text = strndup(bytes, page_text_length);
	free(bytes);
}

TestSuite(page_text, .init = setup);

Test(page_text, it_is_whole)
{
	cr_expect_eq(strlen(text), page_text_length);
	cr_expect(strstr(text, "<!DOCTYPE html>") == text);
	cr_expect(strstr(text, "prefers-color-scheme"), "the style is in it");
	cr_expect(strstr(text, "/status.json"), "the script is in it");
	cr_expect(strstr(text, "</html>"));
	cr_expect_not(strstr(text, "\nSTYLE\n"));
	cr_expect_not(strstr(text, "\nSCRIPT\n"));
}

Test(page_text, it_refers_to_nothing_outside)
{
	static const char *const wrong[] = {"//", "src=", "@import", "url(", "<iframe", "innerHTML",
		"eval(", " style=\"", " onclick="};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(strstr(text, wrong[i]), "%s", wrong[i]);
}

Test(page_text, what_bears_the_nonce_runs_and_nothing_else)
{
	const char *nonce = strstr(policy, "script-src 'nonce-");
	char attribute[64];

	cr_assert(nonce);
	nonce += strlen("script-src 'nonce-");
	snprintf(attribute, sizeof(attribute), "<script nonce=\"%.*s\">", (int)strcspn(nonce, "'"),
		nonce);
	cr_expect(strstr(text, attribute), "%s", attribute);
	cr_expect_not(strstr(policy, "unsafe"));
	cr_expect(strstr(policy, "default-src 'none'"));
	cr_expect_not(strstr(text, "NONCE-"));
}

Test(page_text, each_has_a_nonce_of_its_own)
{
	char other[PAGE_POLICY_MAX];

	free(page_text_new(other));
	cr_expect_str_neq(policy, other);
}
