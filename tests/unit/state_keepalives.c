/* When those are sent keepalives that a natbox finds in its state: how long each was quiet is noted
 * apart from its reasons, in turn while natbox runs, and of all at a stop. */
#include "sip_messages.h"
#include "state_host.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 300 }; /* more than one row of quiet times holds */

TestSuite(state_keepalives, .init = state_setup, .fini = state_teardown);

/* In the place of libc's: the clock that the state goes by is so much later. */
static atomic_uint later_s;

int clock_gettime(clockid_t clock, struct timespec *time)
{
	const long result = syscall(SYS_clock_gettime, clock, time);

	if (clock == CLOCK_BOOTTIME)
		time->tv_sec += atomic_load(&later_s);
	return (int)result;
}

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

/* Both clocks go on, and what is due then is written. */
static void go_on(struct host *host, unsigned seconds)
{
	border_wait(host->border, seconds);
	atomic_fetch_add(&later_s, seconds);
	cr_assert(host_sync(host));
}

static void set_class(struct host *host, unsigned interval_s)
{
	struct phone_class *class = &host->border->settings.classes.list[0];

	host->border->settings.classes.count = 1;
	strcpy(class->name, "other");
	strcpy(class->user_agents, "Acme*");
	class->effects = CLASS_INTERVAL;
	class->rules.interval_us = interval_s * 1000000ull;
}

/* Where quiet times are noted every 12.5 s, a phone of a class is last heard after 5 s, its quiet
 * time is noted after 26, and another phone comes after 32; then natbox is killed. */
static struct host *kill_after_32_s(unsigned interval_s)
{
	struct host *host = host_open(path);
	struct reason_claim claim = {.client = at("203.0.0.1:1"),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.class = 1,
		.key = 1,
		.id = TEXT("id"),
		.seconds = 3600};
	struct endpoints *endpoints;

	set_class(host, interval_s);
	endpoints = host_start(host);
	go_on(host, 5);
	cr_assert_neq(reason_hold(endpoints, &claim), 0);
	go_on(host, 8);
	go_on(host, 13);
	go_on(host, 6);
	hold(endpoints, 2, REASON_DIALOG);
	cr_assert(host_sync(host));
	host_kill(host);
	host = host_open(path);
	set_class(host, interval_s);
	host_start(host);
	return host;
}

/* Not before, but soon after. */
static void expect_sent_after(struct host *host, double seconds)
{
	border_wait(host->border, seconds);
	cr_expect_eq(sent_at(host->border, 1), 0);
	border_wait(host->border, 1.1);
	cr_expect_neq(sent_at(host->border, 1), 0);
	host_close(host);
}

Test(state_keepalives, a_keepalive_that_became_due_since_it_was_noted_was_sent_before_the_kill)
{
	expect_sent_after(kill_after_32_s(25), 18);
}

Test(state_keepalives, one_of_a_slower_class_was_not_sent_before_it_was_due)
{
	expect_sent_after(kill_after_32_s(60), 32);
}
