#include <natbox/base.h>

#include <criterion/criterion.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

/* One below a huge page, one that has half of its second, one that has a little of it. */
static const size_t sizes[] = {4096, 3 * MIB, 2 * MIB + 40};

Test(table, is_zeroed_and_can_be_written_to_its_end)
{
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const size_t last = sizes[i] - 1;
		uint8_t *table = table_new(sizes[i], 1);

		cr_assert_not_null(table);
		cr_expect_eq(table[0], 0);
		cr_expect_eq(table[last], 0);
		table[0] = table[last] = 1;
		table_free(table, sizes[i], 1);
	}
}

Test(table, a_large_one_begins_where_a_huge_page_begins)
{
	char *table = table_new(3 * MIB, 1);

	cr_expect_eq((uintptr_t)table % (2 * MIB), 0);
	table_free(table, 3 * MIB, 1);
}

Test(table, that_no_memory_can_hold_is_none)
{
	cr_expect_null(table_new(SIZE_MAX / 2, 4));
	cr_expect_null(table_new(SIZE_MAX / 4, 1));
	table_free(NULL, 3 * MIB, 1);
}

/* Whether the kernel has given any of the pages of this part of a table. */
static bool is_backed(char *part, size_t size)
{
	unsigned char pages[2 * MIB / 4096];
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	cr_assert_eq(mincore(part, size, pages), 0);
	for (size_t i = 0; i < size / page; i++)
		if (pages[i] & 1)
			return true;
	return false;
}

Test(table, one_that_is_reached_at_random_is_backed_throughout)
{
	char *backed = table_new_backed(8 * MIB, 1), *other = table_new(8 * MIB, 1);

	for (size_t at = 0; at < 8 * MIB; at += 2 * MIB) {
		cr_expect(is_backed(backed + at, 2 * MIB), "at %zu", at);
		cr_expect_eq(is_backed(other + at, 2 * MIB), at == 0, "other at %zu", at);
	}
	table_free(backed, 8 * MIB, 1);
	table_free(other, 8 * MIB, 1);
}
