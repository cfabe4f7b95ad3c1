#include <natbox/base.h>

#include <criterion/criterion.h>

enum { ENTRIES = 64 };

static struct ledger ledger;

static void setup(void)
{
	cr_assert_eq(ledger_init(&ledger, ENTRIES), 0);
}

static void teardown(void)
{
	ledger_free(&ledger);
}

TestSuite(ledger, .init = setup, .fini = teardown);

static uint64_t key_of(uint64_t number)
{
	return number * 0x9e3779b97f4a7c15;
}

Test(ledger, what_is_noted_is_found_with_its_tick_and_number)
{
	uint32_t tick, number;

	cr_expect_not(ledger_find(&ledger, 7, NULL, NULL));
	ledger_note(&ledger, 7, 1000, 42);
	cr_assert(ledger_find(&ledger, 7, &tick, &number));
	cr_expect_eq(tick, 1000);
	cr_expect_eq(number, 42);
	cr_expect_not(ledger_find(&ledger, 8, NULL, NULL));
}

Test(ledger, a_key_that_is_noted_again_has_the_latest)
{
	uint32_t tick, number;

	ledger_note(&ledger, 7, 1000, 42);
	ledger_note(&ledger, 7, 1001, 43);
	cr_assert(ledger_find(&ledger, 7, &tick, &number));
	cr_expect_eq(tick, 1001);
	cr_expect_eq(number, 43);
}

/* Also where ticks wrap in between. */
Test(ledger, the_oldest_give_way_to_the_latest)
{
	const uint32_t begin = UINT32_MAX - 100 * ENTRIES;
	unsigned kept = 0;

	for (uint32_t i = 0; i < 200 * ENTRIES; i++) {
		ledger_note(&ledger, key_of(i + 1), begin + i, i);
		cr_assert(ledger_find(&ledger, key_of(i + 1), NULL, NULL));
	}
	for (uint32_t i = 199 * ENTRIES; i < 200 * ENTRIES; i++)
		kept += ledger_find(&ledger, key_of(i + 1), NULL, NULL);
	cr_expect_gt(kept, ENTRIES * 3 / 4, "%u of the latest %u are kept", kept, ENTRIES);
}

Test(ledger, no_key_is_none)
{
	ledger_note(&ledger, 0, 1000, 42);
	cr_expect_not(ledger_find(&ledger, 0, NULL, NULL));
}

/* What is noted may be a little older than what is there. */
Test(ledger, however_long_ago_it_was_the_oldest_gives_way)
{
	enum { DAY = 8640000, BUCKET = ENTRIES };

	for (uint64_t days = 1; days < 497; days += 31) {
		const uint32_t now = (uint32_t)(days * DAY) + 5;

		teardown();
		setup();
		for (unsigned i = 0; i < 4; i++)
			ledger_note(&ledger, 7 + i * BUCKET, i ? now - i : 5, 0);
		ledger_note(&ledger, 7 + 4 * BUCKET, now - 10, 0);
		cr_expect_not(ledger_find(&ledger, 7, NULL, NULL), "after %u days", (unsigned)days);
		for (unsigned i = 1; i < 5; i++)
			cr_expect(ledger_find(&ledger, 7 + i * BUCKET, NULL, NULL));
	}
}
