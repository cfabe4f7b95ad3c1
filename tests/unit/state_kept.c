/* Rows that a start has no use for, which stay in the file for another one. */
#include "sip_messages.h"
#include "state_host.h"

#include <criterion/criterion.h>

TestSuite(state_kept, .init = state_setup, .fini = state_teardown);

Test(state_kept, what_is_not_wanted_by_one_start_is_there_for_the_next)
{
	struct host *host;

	leave(300);
	host = host_open(path);
	host->border->settings.keepalive.dialogs = false;
	hold(host_start(host), 1000, REASON_REGISTRATION);
	cr_assert_eq(count_reasons(host), 201);
	cr_assert(host_sync(host));
	host_close(host);
	cr_assert_eq(count_restored(), 301);
}

/* Leaves reasons at a proxy that a border does not have of itself. */
static void leave_at_another_proxy(unsigned reasons)
{
	struct host *host = host_open(path);
	const struct address proxy = at("198.51.100.77:5060");
	struct reason_claim claim = {.client = at("203.0.113.1:1"),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.kind = REASON_DIALOG,
		.id = TEXT("id"),
		.seconds = 3600};

	host_start(host);
	cr_assert_eq(engine_add_proxy(host->border->engine, &proxy), 0);
	claim.proxy = (uint16_t)(engine_proxies(host->border->engine)->count - 1);
	for (claim.key = 1; claim.key <= reasons; claim.key++)
		cr_assert_neq(reason_hold(engine_endpoints(host->border->engine), &claim), 0);
	host_close(host);
}

Test(state_kept, what_stood_at_a_proxy_that_is_none_any_more_is_left_out)
{
	leave_at_another_proxy(20);
	cr_assert_eq(count_restored(), 0);
}

Test(state_kept, what_stood_at_a_proxy_that_will_be_one_again_comes_back)
{
	struct host *host;

	leave_at_another_proxy(20);
	host = host_open_with(path, host_add_proxy);
	host_start(host);
	cr_assert_eq(count_reasons(host), 20);
	host_close(host);
}

static uint64_t left_us(struct endpoints *endpoints, uint64_t key)
{
	struct record record;

	cr_assert(record_read(endpoints, reason_find(endpoints, key), &record));
	return record.left_us;
}

/* The file has two rows of it then: the one that was kept, and a later one. */
Test(state_kept, a_registration_that_was_refreshed_since_lasts_as_long_as_it_was_granted_then)
{
	const uint64_t minute_us = 60000000;
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);

	reason_prolong(endpoints, hold(endpoints, 1, REASON_REGISTRATION), 600);
	host_close(host);

	host = host_open(path);
	host->border->settings.keepalive.registrations = false;
	endpoints = host_start(host);
	cr_assert_eq(count_reasons(host), 0);
	host->border->settings.keepalive.registrations = true;
	hold(endpoints, 1, REASON_REGISTRATION);

	endpoints = host_restart(&host);
	cr_assert_eq(count_reasons(host), 1);
	cr_expect_gt(left_us(endpoints, 1), 50 * minute_us);
	cr_assert(host_sync(host));
	host_kill(host);

	host = host_open(path);
	endpoints = host_start(host);
	cr_assert_eq(count_reasons(host), 1);
	cr_expect_gt(left_us(endpoints, 1), 50 * minute_us);
	host_close(host);
}
