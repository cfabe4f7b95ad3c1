/* What the globs of classes fit. */
#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <string.h>

static bool fits(const char *globs, const char *text)
{
	return globs_fit(text_from(globs), text_from(text), 0);
}

static bool fits_aor(const char *globs, const char *aor)
{
	return globs_fit_aor(text_from(globs), text_from(aor));
}

Test(globs, star_is_any_characters_and_question_mark_is_one)
{
	cr_expect(fits("*", ""));
	cr_expect(fits("*", "Acme"));
	cr_expect(fits("Acme*", "Acme"));
	cr_expect(fits("A*e", "Acme"));
	cr_expect(fits("*c*e*", "Acme"));
	cr_expect(fits("*ab*abc", "ababababc"));
	cr_expect(fits("Ac?e", "Acme"));
	cr_expect_not(fits("Acme?", "Acme"));
	cr_expect_not(fits("?", ""));
	cr_expect_not(fits("Acme", "Acme 300"));
	cr_expect_not(fits("300", "Acme 300"));
	cr_expect_not(fits("*abd", "ababababc"));
	cr_expect_not(fits("Acme", ""));
}

Test(globs, one_of_a_list_is_enough)
{
	cr_expect(fits("Other*, Acme *", "Acme 300"));
	cr_expect(fits("Acme *,Other*", "Acme 300"));
	cr_expect_not(fits("Other*, More*", "Acme 300"));
}

Test(globs, case_of_a_user_agent_does_not_count)
{
	cr_expect(fits("acme*", "ACME 300"));
	cr_expect(fits("ACME*", "acme 300"));
	cr_expect_not(fits("[cme*", "{cme")); /* not letters */
}

Test(globs, case_of_an_aor_counts_in_its_user)
{
	cr_expect(fits_aor("alice@example.com", "sip:alice@EXAMPLE.com"));
	cr_expect(fits_aor("alice@Example.com", "sip:alice@example.com"));
	cr_expect_not(fits_aor("Alice@example.com", "sip:alice@example.com"));
	cr_expect_not(fits_aor("alice@example.com", "sip:ALICE@example.com"));
	cr_expect(fits_aor("Example.com", "sip:example.COM"));
	cr_expect(fits_aor("*@EXAMPLE.com", "sip:alice@example.com"));
}

Test(globs, scheme_of_an_aor_counts_where_it_is_named)
{
	cr_expect(fits_aor("alice@*", "sips:alice@example.com"));
	cr_expect(fits_aor("sip:alice@*", "SIP:alice@example.com"));
	cr_expect_not(fits_aor("sip:alice@*", "sips:alice@example.com"));
	cr_expect(fits_aor("sips:alice@*", "sips:alice@example.com"));
	cr_expect_not(fits_aor("alice", "sip:alice@example.com"));
}

/* However long a stranger makes it. */
Test(globs, so_many_bytes_count)
{
	static char text[65536];

	memset(text, 'a', sizeof(text));
	cr_expect_not(globs_fit(text_from("*b"), (struct text){text, sizeof(text)}, 0));
	text[CLASS_TEXT_MAX - 1] = 'b';
	cr_expect(globs_fit(text_from("*b"), (struct text){text, sizeof(text)}, 0));
}
