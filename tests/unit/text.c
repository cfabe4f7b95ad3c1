#include <natbox/base.h>

#include <criterion/criterion.h>

Test(text, is_equal_byte_by_byte)
{
	cr_expect(text_equal(TEXT("abc"), text_from("abc")));
	cr_expect_not(text_equal(TEXT("abc"), TEXT("abC")));
	cr_expect_not(text_equal(TEXT("abc"), TEXT("ab")));
	cr_expect(text_equal(TEXT("a\0b"), TEXT("a\0b")));
	cr_expect_not(text_equal(TEXT("a\0b"), TEXT("a\0c")));
}

Test(text, none_equals_an_empty_one)
{
	cr_expect(text_equal((struct text){0}, TEXT("")));
	cr_expect(text_equal_nocase((struct text){0}, TEXT("")));
	cr_expect_not(text_equal((struct text){0}, TEXT("a")));
}

Test(text, case_is_folded_for_ascii_letters_alone)
{
	cr_expect(text_equal_nocase(TEXT("Call-ID"), TEXT("cALL-id")));
	cr_expect(text_equal_nocase(TEXT("AZaz"), TEXT("azAZ")));
	cr_expect_not(text_equal_nocase(TEXT("@"), TEXT("`")));
	cr_expect_not(text_equal_nocase(TEXT("["), TEXT("{")));
	cr_expect_not(text_equal_nocase(TEXT("\xc3\x84"), TEXT("\xc3\xa4")));
	cr_expect_not(text_equal_nocase(TEXT("-"), TEXT("\r")));
	cr_expect_not(text_equal_nocase(TEXT("abc"), TEXT("abcd")));
}

Test(text, starts_with_its_prefix)
{
	cr_expect(text_starts_with(TEXT("sip:alice"), TEXT("sip:")));
	cr_expect(text_starts_with(TEXT("sip:"), TEXT("sip:")));
	cr_expect(text_starts_with(TEXT("x"), TEXT("")));
	cr_expect(text_starts_with((struct text){0}, TEXT("")));
	cr_expect_not(text_starts_with(TEXT("sip"), TEXT("sip:")));
	cr_expect_not(text_starts_with(TEXT("Sip:"), TEXT("sip:")));
}

Test(text, is_trimmed_of_blanks_and_line_ends_at_both_ends)
{
	cr_expect(text_equal(text_trim(TEXT(" \t\r\n a b\r\n c \r\n")), TEXT("a b\r\n c")));
	cr_expect(text_equal(text_trim(TEXT("a")), TEXT("a")));
	cr_expect_eq(text_trim(TEXT(" \t\r\n")).length, 0);
	cr_expect_eq(text_trim(TEXT("")).length, 0);
	cr_expect_eq(text_trim((struct text){0}).length, 0);
	cr_expect(text_equal(text_trim(TEXT("\v\f")), TEXT("\v\f")));
}

Test(text, a_number_is_digits_up_to_32_bits)
{
	uint32_t number;

	cr_expect(text_number(TEXT("0"), &number) && number == 0);
	cr_expect(text_number(TEXT("0068"), &number) && number == 68);
	cr_expect(text_number(TEXT("4294967295"), &number) && number == UINT32_MAX);
	cr_expect(text_number(TEXT("00000000000000000000004294967295"), &number) &&
		  number == UINT32_MAX);
	cr_expect_not(text_number(TEXT("4294967296"), &number));
	cr_expect_not(text_number(TEXT("36893488147419103232"), &number));
}

Test(text, what_is_no_number_is_refused)
{
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "1.5", "0x1", "1e3", "x", "\xd9\xa1", ":", "/"};
	uint32_t number = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(text_number(text_from(bad[i]), &number), "%s", bad[i]);
	cr_expect_eq(number, 7, "and nothing is written");
}
