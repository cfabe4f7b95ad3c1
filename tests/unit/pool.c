#include <natbox/base.h>

#include <criterion/criterion.h>

enum { ROOM = 8 };

Test(pool, what_is_passed_over_is_no_room_for_others)
{
	struct pool pool;
	uint32_t taken = 0, index;

	cr_assert_eq(pool_init(&pool, sizeof(uint32_t), ROOM), 0);
	for (index = 1; index <= 3; index++)
		cr_assert(pool_pass_over(&pool, index));
	for (; (index = pool_take(&pool)) && taken <= ROOM; taken++)
		cr_expect_leq(index, ROOM, "item %u of %u", index, ROOM);
	cr_expect_eq(taken, ROOM - 3, "%u items taken", taken);
	pool_free(&pool);
}

Test(pool, what_is_skipped_on_the_way_to_an_item_can_be_taken)
{
	struct pool pool;
	uint32_t taken = 0;

	cr_assert_eq(pool_init(&pool, sizeof(uint32_t), ROOM), 0);
	cr_assert(pool_take_at(&pool, ROOM));
	while (pool_take(&pool) && taken <= ROOM)
		taken++;
	cr_expect_eq(taken, ROOM - 1, "%u items taken", taken);
	pool_free(&pool);
}
