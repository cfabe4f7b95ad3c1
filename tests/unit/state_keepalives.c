/* When those are sent keepalives that a natbox finds in its state: how long each was quiet is noted
 * apart from its reasons, in turn while natbox runs, and of all at a stop. */
#include "state_host.h"

#include <criterion/criterion.h>

enum { MANY = 300 }; /* more than one row of quiet times holds */

TestSuite(state_keepalives, .init = state_setup, .fini = state_teardown);

/* Their reasons are written before each is sent a keepalive, and not again. */
static struct host *run_many(uint64_t seconds)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);
	const uint64_t end_us = host->border->now_us + seconds * 1000000;

	for (unsigned i = 0; i < MANY; i++)
		hold(endpoints, 2 * i + 1, REASON_DIALOG);
	border_wait(host->border, 20);
	while (host->border->now_us < end_us) {
		cr_assert(host_sync(host));
		border_wait(host->border, 1);
		host->border->log_length = 0;
	}
	cr_assert_eq(host->border->sent_count, MANY);
	return host;
}

Test(state_keepalives, keepalives_that_were_sent_since_a_change_count_after_a_stop)
{
	struct host *host = run_many(27);

	host_restart(&host);
	border_wait(host->border, 12);
	cr_assert_eq(host->border->sent_count, 0);
	border_wait(host->border, 12);
	cr_assert_eq(host->border->sent_count, MANY);
	host_close(host);
}

Test(state_keepalives, keepalives_that_were_sent_since_a_change_count_after_a_kill)
{
	struct host *host = run_many(40);

	host_kill(host);
	host = host_open(path);
	host_start(host);
	border_wait(host->border, 6);
	cr_assert_eq(host->border->sent_count, 0);
	border_wait(host->border, 18);
	cr_assert_eq(host->border->sent_count, MANY);
	host_close(host);
}

Test(state_keepalives, keepalives_that_were_overdue_at_a_stop_go_out_at_the_start)
{
	struct host *host = host_open(path);
	struct endpoints *endpoints = host_start(host);

	for (unsigned i = 0; i < MANY; i++)
		hold(endpoints, 2 * i + 1, REASON_DIALOG);
	engine_hold_keepalives(host->border->engine, true);
	border_wait(host->border, 60);
	host_restart(&host);
	border_wait(host->border, 1);
	cr_assert_eq(host->border->sent_count, MANY);
	host_close(host);
}
