#include <natbox/base.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

/* Of 4 MiB and a little, in items of 64 bytes. */
enum { ITEM = 64, ITEMS = 4 * MIB / ITEM + 10, A_PAGE = 2 * MIB / ITEM };

static struct filling filling_of(size_t count, const uint32_t *used)
{
	struct fillings fillings = {0};

	fillings_add(&fillings, NULL, count, ITEM, used);
	return fillings.list[0];
}

Test(table, one_that_fills_up_is_due_while_there_is_room_in_what_is_backed)
{
	uint32_t used = 0;
	struct filling filling = filling_of(ITEMS, &used);

	cr_expect(filling_is_due(&filling), "nobody has asked yet");
	cr_expect_eq(filling_wants(&filling), 2 * MIB);
	used = A_PAGE * 3 / 4;
	cr_expect(!filling_is_due(&filling));
	used = A_PAGE * 15 / 16;
	cr_expect(filling_is_due(&filling));
	cr_expect_eq(filling_wants(&filling), 4 * MIB);
	cr_expect(!filling_is_due(&filling));
}

/* The second page is wanted with the first item for which it is due, and not with the one before;
 * else it would be asked for again and again, or never. */
Test(table, one_that_fills_up_wants_more_exactly_when_it_is_due)
{
	uint32_t used = 0;
	struct filling filling = filling_of(ITEMS, &used);
	size_t wanted = filling_wants(&filling);

	while (++used < ITEMS) {
		struct filling other = filling_of(ITEMS, &used);
		const bool is_due = filling_is_due(&filling);

		cr_assert_eq(is_due, filling_wants(&other) > wanted, "at %u", used);
		if (is_due)
			wanted = filling_wants(&filling);
	}
	cr_expect_eq(wanted, 4 * MIB);
}

Test(table, a_full_or_a_small_one_wants_nothing_more)
{
	uint32_t used = ITEMS - 1;
	struct filling full = filling_of(ITEMS, &used), small = filling_of(100, &used);

	cr_expect_eq(filling_wants(&full), 4 * MIB);
	cr_expect_not(filling_is_due(&full));
	used = 99;
	cr_expect_eq(filling_wants(&small), 0);
	cr_expect_not(filling_is_due(&small));
}

Test(table, what_is_wanted_is_backed_before_it_is_touched)
{
	char *table = table_new(8 * MIB, 1);

	table_back(table, 2 * MIB, 6 * MIB);
	for (size_t at = 0; at < 8 * MIB; at += 2 * MIB)
		cr_expect_eq(is_backed(table + at, 2 * MIB), at < 6 * MIB, "at %zu", at);
	cr_expect_eq(table[4 * MIB], 0);
	table_free(table, 8 * MIB, 1);
}

/* Else each of its pages would be written to by way of a fault afterwards. */
Test(table, a_large_one_is_not_shared_with_a_child)
{
	char *table = table_new(2 * MIB, 1);
	unsigned char page;
	int status = -1;
	const pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0)
		_exit(mincore(table, 1, &page) < 0 && errno == ENOMEM ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0, "it has it as well");
	table_free(table, 2 * MIB, 1);
}

Test(pool, gives_no_more_than_its_limit_and_what_it_gives_is_empty)
{
	struct pool pool;
	uint32_t first, second;

	cr_assert_eq(pool_init(&pool, 16, 2), 0);
	first = pool_take(&pool);
	second = pool_take(&pool);
	cr_expect(first && second && first != second);
	cr_expect_eq(pool_take(&pool), 0);
	memset(pool_item(&pool, first), 1, 16);
	pool_give(&pool, first);
	cr_expect(pool_set_limit(&pool, 1));
	cr_expect_eq(pool_take(&pool), 0);
	cr_expect_not(pool_set_limit(&pool, 3));
	cr_expect_eq(pool_take(&pool), first);
	for (unsigned i = 0; i < 16; i++)
		cr_expect_eq(((char *)pool_item(&pool, first))[i], 0);
	cr_expect_eq(pool_take(&pool), 0);
	pool_give(&pool, second);
	pool_give(&pool, first);
	cr_expect_eq(pool_take(&pool), first);
	cr_expect_eq(pool_take(&pool), second);
	pool_free(&pool);
	cr_expect_null(pool.items);
}
