#include <natbox/sip.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const char message[] = "0123456789";

static struct edits edits;
static char out[EDITS_BYTES_MAX + 64];

static struct text all(void)
{
	return text_from(message);
}

static void replace(size_t from, size_t length, const char *with)
{
	edits_replace(&edits, (struct text){message + from, length}, text_from(with));
}

static void expect_result(const char *expected)
{
	long length = edits_apply(&edits, all(), out, sizeof(out));

	cr_expect(length == (long)strlen(expected) && memcmp(out, expected, (size_t)length) == 0,
		"\"%.*s\" is not \"%s\"", length < 0 ? 0 : (int)length, out, expected);
}

Test(edit, none_leaves_the_message_as_it_is)
{
	edits_reset(&edits);
	expect_result("0123456789");
}

Test(edit, replaces_by_shorter_longer_and_nothing)
{
	edits_reset(&edits);
	replace(1, 3, "a");
	replace(5, 1, "bcd");
	replace(7, 2, "");
	expect_result("0a4bcd69");
}

Test(edit, the_order_they_are_made_in_does_not_count)
{
	edits_reset(&edits);
	replace(8, 1, "c");
	replace(0, 1, "a");
	replace(4, 1, "b");
	expect_result("a123b567c9");
}

Test(edit, an_empty_span_inserts_before_its_place)
{
	edits_reset(&edits);
	replace(0, 0, "<");
	replace(5, 0, "|");
	replace(10, 0, ">");
	expect_result("<01234|56789>");
}

Test(edit, inserts_at_one_place_keep_their_order)
{
	edits_reset(&edits);
	replace(5, 0, "a");
	replace(5, 0, "b");
	replace(5, 0, "c");
	expect_result("01234abc56789");
}

Test(edit, an_insert_comes_before_what_replaces_the_bytes_there)
{
	edits_reset(&edits);
	replace(5, 2, "x");
	replace(5, 0, "a");
	expect_result("01234ax789");
}

Test(edit, spans_may_touch)
{
	edits_reset(&edits);
	replace(4, 2, "b");
	replace(2, 2, "a");
	replace(6, 0, "i");
	replace(6, 4, "c");
	expect_result("01abic");
}

Test(edit, may_replace_everything)
{
	edits_reset(&edits);
	replace(0, 10, "");
	expect_result("");
}

Test(edit, overlapping_spans_are_refused)
{
	static const struct {
		size_t from, length;
	} second[] = {{2, 3}, {4, 3}, {3, 1}, {1, 9}, {3, 0}};

	for (size_t i = 0; i < sizeof(second) / sizeof(*second); i++) {
		edits_reset(&edits);
		replace(2, 3, "a");
		replace(second[i].from, second[i].length, "b");
		cr_expect_eq(edits_apply(&edits, all(), out, sizeof(out)), -EINVAL, "%zu+%zu",
			second[i].from, second[i].length);
	}
}

Test(edit, spans_outside_the_message_are_refused)
{
	struct text inside = {message + 2, 4};
	const struct text outside[] = {{message + 1, 1}, {message + 1, 0}, {message + 5, 2},
		{message + 6, 1}, {message + 7, 0}, {message + 2, SIZE_MAX}, {NULL, 0}, {out, 1}};

	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		edits_reset(&edits);
		edits_replace(&edits, outside[i], TEXT("x"));
		cr_expect_eq(edits_apply(&edits, inside, out, sizeof(out)), -EINVAL, "%zu", i);
	}
}

Test(edit, the_bytes_put_in_are_a_copy)
{
	char with[] = "copy";

	edits_reset(&edits);
	replace(0, 10, with);
	memset(with, 'x', sizeof(with) - 1);
	expect_result("copy");
}

Test(edit, a_result_that_does_not_fit_is_refused)
{
	edits_reset(&edits);
	replace(5, 0, "abc");
	for (size_t size = 0; size < 13; size++)
		cr_expect_eq(edits_apply(&edits, all(), out, size), -ENOBUFS, "%zu", size);
	cr_expect_eq(edits_apply(&edits, all(), out, 13), 13);
}

Test(edit, never_writes_beyond_the_room_it_is_given)
{
	edits_reset(&edits);
	replace(5, 0, "abc");
	memset(out, '#', sizeof(out));
	edits_apply(&edits, all(), out, 7);
	cr_expect_eq(out[7], '#');
}

Test(edit, too_many_of_them_apply_none)
{
	edits_reset(&edits);
	for (unsigned i = 0; i < EDITS_MAX; i++)
		replace(5, 0, "x");
	cr_expect_eq(edits_apply(&edits, all(), out, sizeof(out)), 10 + EDITS_MAX);
	replace(6, 0, "x");
	cr_expect(edits.overflow);
	cr_expect_eq(edits_apply(&edits, all(), out, sizeof(out)), -ENOBUFS);
}

Test(edit, too_many_bytes_apply_none)
{
	static char bytes[EDITS_BYTES_MAX];

	memset(bytes, 'x', sizeof(bytes));
	edits_reset(&edits);
	edits_replace(&edits, (struct text){message, 0}, (struct text){bytes, sizeof(bytes)});
	cr_expect_eq(edits_apply(&edits, all(), out, sizeof(out)), 10 + EDITS_BYTES_MAX);
	replace(1, 0, "x");
	cr_expect(edits.overflow);
	cr_expect_eq(edits_apply(&edits, all(), out, sizeof(out)), -ENOBUFS);
	replace(3, 1, "");
	cr_expect(edits.overflow, "once full is full until the reset");
	edits_reset(&edits);
	expect_result("0123456789");
}

Test(edit, applying_twice_gives_the_same)
{
	edits_reset(&edits);
	replace(8, 1, "b");
	replace(1, 1, "a");
	expect_result("0a234567b9");
	expect_result("0a234567b9");
}

static void cut(const char *text, const char *value, const char *expected)
{
	const struct sip_message scanned = {.whole = text_from(text)};
	long length;

	edits_reset(&edits);
	edits_cut_value(&edits, &scanned, (struct text){strstr(text, value), strlen(value)});
	length = edits_apply(&edits, scanned.whole, out, sizeof(out));
	cr_expect(length == (long)strlen(expected) && memcmp(out, expected, (size_t)length) == 0,
		"\"%.*s\" is not \"%s\"", length < 0 ? 0 : (int)length, out, expected);
}

Test(edit, a_value_goes_with_one_comma_or_with_its_header_field)
{
	cut("S\r\nm: <a>, <b>\r\nX: 1\r\n\r\n", "<a>", "S\r\nm: <b>\r\nX: 1\r\n\r\n");
	cut("S\r\nm: <a>, <b>\r\nX: 1\r\n\r\n", "<b>", "S\r\nm: <a>\r\nX: 1\r\n\r\n");
	cut("S\r\nm: <a> ,\r\n <b>,<c>\r\n\r\n", "<b>", "S\r\nm: <a> ,<c>\r\n\r\n");
	cut("S\r\nm: <a> ,\r\n <b>\r\n\r\n", "<a>", "S\r\nm: <b>\r\n\r\n");
	cut("S\r\nm: <a>\r\nX: 1\r\n\r\n", "<a>", "S\r\nX: 1\r\n\r\n");
	cut("S\r\nX: 1\r\nm :\r\n <a>\r\n \r\n\r\n", "<a>", "S\r\nX: 1\r\n\r\n");
	cut("S\nm: <a>\nX: 1\n\n", "<a>", "S\nX: 1\n\n");
}
