/* How many datagrams are handed to the kernel at once. */
#include <wire/send/batch.h>

#include <criterion/criterion.h>

/* What the next call has, and all after it, where each datagram takes so long. */
static unsigned settled(unsigned limit, double datagram_us)
{
	for (unsigned i = 0; i < 10; i++)
		limit = batch_limit(limit, (uint64_t)(limit * datagram_us));
	return limit;
}

Test(batch, is_whole_where_the_kernel_is_fast)
{
	cr_expect_eq(settled(BATCH_MAX, 3.5), BATCH_MAX);
	cr_expect_eq(settled(BATCH_MIN, 3.5), BATCH_MAX);
	cr_expect_eq(settled(BATCH_MAX, 0.01), BATCH_MAX);
}

Test(batch, is_small_and_stays_so_where_each_datagram_takes_long)
{
	cr_expect_eq(batch_limit(BATCH_MAX, BATCH_MAX * 20), 12);
	for (unsigned i = 1; i <= 3; i++)
		cr_expect_leq(settled(BATCH_MAX, i * 10) * i * 10, BATCH_US);
	cr_expect_eq(settled(BATCH_MAX, 10000), BATCH_MIN);
}

Test(batch, is_whole_again_after_a_moment)
{
	const unsigned limit = batch_limit(BATCH_MAX, 1000000);

	cr_expect_eq(limit, BATCH_MIN);
	cr_expect_eq(settled(limit, 2), BATCH_MAX);
}
