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

/* When a border last sent a keepalive to the phone of a number; 0: never. */
static uint64_t sent_at(const struct border *border, unsigned number)
{
	for (unsigned i = border->sent_count; i-- > 0;) {
		const struct border_sent *sent = &border->sent[i];

		if (sent->flow.destination.ip[14] * 256u + sent->flow.destination.ip[15] == number)
			return sent->time_us;
	}
	return 0;
}

/* They come at once, and their keepalives are spread: no phone's moment is that of its reason. */
Test(state_keepalives, none_of_a_crowd_waits_longer_than_an_interval_over_a_restart)
{
	struct host *host = run_many(27);
	uint64_t quiet_us[MANY];

	for (unsigned i = 0; i < MANY; i++)
		quiet_us[i] = host->border->now_us - sent_at(host->border, 2 * i + 1);
	host_restart(&host);
	for (unsigned i = 0; i < MANY; i++)
		quiet_us[i] -= host->border->now_us;
	border_wait(host->border, 25);
	for (unsigned i = 0; i < MANY; i++)
		cr_expect_leq(quiet_us[i] + sent_at(host->border, 2 * i + 1), 25100000);
	host_close(host);
}

#define OPTIONS                                                                                    \
	"Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKq\r\nFrom: <sip:proxy>;tag=p\r\n"             \
	"To: <sip:alice@example.com>%s\r\nCall-ID: q\r\nCSeq: 1 OPTIONS\r\n"                       \
	"Content-Length: 0\r\n\r\n"

/* A phone answers its proxy 10 s after its registration, which is written by then. */
Test(state_keepalives, a_sign_of_life_that_changes_no_reason_counts_after_a_stop)
{
	static const char phone[] = "203.0.113.1:5061";
	struct host *host = host_open(path);
	struct border *border = host->border;

	host_start(host);
	border_bind(border, phone, (struct registration){0});
	border_wait(border, 10);
	cr_assert(host_sync(host));
	border_out(border, phone, "OPTIONS sip:alice@203.0.113.1:5061 SIP/2.0\r\n" OPTIONS, "");
	border_in(border, phone, "SIP/2.0 200 OK\r\n" OPTIONS, ";tag=a");
	cr_assert_not(changes_any(&engine_endpoints(border->engine)->changes));
	host_restart(&host);
	border_wait(host->border, 24);
	cr_expect_eq(host->border->sent_count, 0);
	border_wait(host->border, 1.1);
	cr_expect_eq(host->border->sent_count, 1);
	host_close(host);
}
