/* The names that reasons carry: kept as long as there is room for a byte of them. */
#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <string.h>

static struct labels labels;

static void teardown(void)
{
	labels_free(&labels);
}

TestSuite(labels, .fini = teardown);

static struct text name_of(size_t length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

	return (struct text){letters, length};
}

/* Room for 100 names of 38 bytes, all taken by names of that length. */
static void fill(uint32_t places[static 100], size_t length)
{
	cr_assert_eq(labels_init(&labels, 100, 38), 0);
	for (unsigned i = 0; i < 100; i++) {
		places[i] = label_take(&labels, name_of(length), (struct text){0});
		cr_assert_neq(places[i], 0);
	}
}

Test(labels, a_name_comes_back_as_it_was)
{
	uint32_t places[100];

	fill(places, 38);
	for (unsigned i = 0; i < 100; i++)
		cr_assert(text_equal(label_text(&labels, places[i]), name_of(38)));
	cr_assert_eq(label_take(&labels, name_of(38), (struct text){0}), 0);
	label_give(&labels, places[7]);
	cr_assert_eq(label_take(&labels, name_of(38), (struct text){0}), places[7]);
}

Test(labels, a_name_too_long_is_cut)
{
	static char name[LABEL_MAX + 100];
	uint32_t place;

	memset(name, 'x', sizeof(name));
	cr_assert_eq(labels_init(&labels, 100, 38), 0);
	place = label_take(&labels, (struct text){name, sizeof(name)}, (struct text){0});
	cr_assert_eq(label_text(&labels, place).length, LABEL_MAX);
}

Test(labels, room_that_long_names_had_serves_short_ones)
{
	uint32_t places[100];

	fill(places, 38);
	for (unsigned i = 0; i < 100; i++)
		label_give(&labels, places[i]);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t place = label_take(&labels, name_of(10), (struct text){0});

		cr_assert_neq(place, 0, "%u", i);
		cr_assert(text_equal(label_text(&labels, place), name_of(10)));
	}
}

Test(labels, a_long_name_is_cut_where_there_is_only_short_room)
{
	uint32_t places[100], place;

	fill(places, 38);
	label_give(&labels, places[3]);
	for (unsigned i = 0; i < 3; i++)
		places[i] = label_take(&labels, name_of(10), (struct text){0});
	label_give(&labels, places[1]);
	place = label_take(&labels, name_of(38), (struct text){0});
	cr_assert_neq(place, 0);
	cr_assert(text_equal(label_text(&labels, place), name_of(10)));
	cr_assert(
		text_equal(label_text(&labels, label_take(&labels, name_of(38), (struct text){0})),
			name_of(2)));
	cr_assert_eq(label_take(&labels, name_of(38), (struct text){0}), 0);
	label_give(&labels, place);
	cr_assert_eq(label_take(&labels, name_of(10), (struct text){0}), place);
}

/* 510-byte Call-IDs filled the arena, and nobody else got a name. */
Test(labels, long_names_leave_half_of_the_room)
{
	static char name[LABEL_MAX];
	uint32_t first;

	memset(name, 'x', sizeof(name));
	cr_assert_eq(labels_init(&labels, 100, 38), 0);
	first = label_take(&labels, (struct text){name, sizeof(name)}, (struct text){0});
	for (unsigned i = 0; i < 20; i++)
		cr_assert_neq(
			label_take(&labels, (struct text){name, sizeof(name)}, (struct text){0}),
			0);
	for (unsigned i = 0; i < 30; i++) {
		uint32_t place = label_take(&labels, name_of(38), (struct text){0});

		cr_assert(text_equal(label_text(&labels, place), name_of(38)), "%u", i);
	}
	label_give(&labels, first);
	first = label_take(&labels, (struct text){name, sizeof(name)}, (struct text){0});
	cr_assert_eq(label_text(&labels, first).length, LABEL_MAX);
}

static const struct text none;

Test(labels, a_user_stands_beside_the_name)
{
	uint32_t places[100];

	cr_assert_eq(labels_init(&labels, 100, 38), 0);
	for (unsigned i = 0; i < 100; i++) {
		places[i] = label_take(&labels, name_of(20), name_of(i % 19));
		cr_assert_neq(places[i], 0);
	}
	for (unsigned i = 0; i < 100; i++) {
		cr_assert(text_equal(label_text(&labels, places[i]), name_of(20)));
		cr_assert(text_equal(label_user(&labels, places[i]), name_of(i % 19)));
	}
}

Test(labels, what_a_user_took_comes_back)
{
	uint32_t place, used;

	cr_assert_eq(labels_init(&labels, 100, 38), 0);
	place = label_take(&labels, name_of(20), name_of(18));
	label_give(&labels, place);
	used = labels.used;
	for (unsigned i = 0; i < 3; i++) {
		cr_expect_eq(label_take(&labels, name_of(38), none), place);
		label_give(&labels, place);
		cr_expect_eq(label_take(&labels, name_of(20), name_of(18)), place);
		label_give(&labels, place);
	}
	cr_expect_eq(labels.used, used);
	cr_expect_eq(labels.beyond, 0);
}

/* A part of a user is somebody else. */
Test(labels, a_user_is_kept_whole_or_not_at_all)
{
	uint32_t places[100], place;

	fill(places, 38);
	label_give(&labels, places[3]);
	place = label_take(&labels, name_of(20), name_of(25));
	cr_assert_neq(place, 0);
	cr_expect(text_equal(label_text(&labels, place), name_of(20)));
	cr_expect_eq(label_user(&labels, place).length, 0);
	cr_expect_neq(label_take(&labels, name_of(14), none), 0, "the rest of the piece is free");
	cr_expect_eq(label_take(&labels, name_of(1), none), 0);
}

Test(labels, name_and_user_together_are_not_longer_than_a_name_may_be)
{
	static char name[LABEL_MAX];
	uint32_t place;

	memset(name, 'x', sizeof(name));
	cr_assert_eq(labels_init(&labels, 100, 38), 0);
	place = label_take(&labels, (struct text){name, LABEL_MAX - 10}, name_of(10));
	cr_expect_eq(label_user(&labels, place).length, 10);
	place = label_take(&labels, (struct text){name, LABEL_MAX - 9}, name_of(10));
	cr_expect_eq(label_user(&labels, place).length, 0);
	cr_expect_eq(label_text(&labels, place).length, LABEL_MAX - 9);
}
