/* Which addresses are this host's, while they come and go. */
#include "wire/host_watch.h"
#include "own_network.h"

#include <criterion/criterion.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 6000, TRY_US = 10000, PATIENCE_MS = 60000 };

static struct host_watch *watch;

static void setup(void)
{
	enter_own_network();
	cr_assert_eq(host_watch_open(PATIENCE_MS, &watch), 0);
}

static void cleanup(void)
{
	host_watch_close(watch);
}

TestSuite(host_watch, .init = setup, .fini = cleanup, .timeout = 120);

static bool has(const char *host)
{
	struct address address;
	struct text text = {host, 0};

	while (text.at[text.length])
		text.length++;
	cr_assert(address_parse_host(text, &address));
	return host_has(host_watch_now(watch), &address);
}

static bool comes_to_have(const char *host, bool wanted)
{
	for (unsigned i = 0; i < TRIES; i++) {
		if (has(host) == wanted)
			return true;
		usleep(TRY_US);
	}
	return false;
}

Test(host_watch, what_there_is_when_the_watch_begins_is_known)
{
	host_watch_close(watch);
	run("ip addr add 192.0.2.1/24 dev lo");
	cr_assert_eq(host_watch_open(PATIENCE_MS, &watch), 0);
	cr_expect_eq(host_watch_lists(watch), 1, "before the first packet has to wait for it");
	cr_expect(has("192.0.2.1"));
	cr_expect_eq(host_watch_lists(watch), 1);
}

Test(host_watch, addresses_that_come_and_go_are_noticed)
{
	run("ip addr add 192.0.2.1/24 dev lo");
	cr_expect(has("192.0.2.1"), "at the first look");
	run("ip addr add 192.0.2.2/24 dev lo");
	cr_expect(comes_to_have("192.0.2.2", true));
	run("ip addr del 192.0.2.1/24 dev lo && ip addr add 192.0.2.3/24 dev lo");
	cr_expect(comes_to_have("192.0.2.3", true));
	run("ip -6 addr add 2001:db8::1/64 dev lo nodad");
	cr_expect(comes_to_have("2001:db8::1", true));
	run("ip -6 addr del 2001:db8::1/64 dev lo");
	cr_expect(comes_to_have("2001:db8::1", false));
}

/* Of IPv6 that would be an address of the link alone, which has no place in SIP. */
Test(host_watch, so_are_ipv4_addresses_whose_scope_is_the_link)
{
	cr_expect_not(has("192.0.2.1"));
	run("ip addr add 192.0.2.1/32 dev lo scope link");
	cr_expect(comes_to_have("192.0.2.1", true));
	run("ip addr del 192.0.2.1/32 dev lo");
	cr_expect(comes_to_have("192.0.2.1", false));
}

/* Until the clock says that what is known is old enough for another look, and that look. */
static void look_again(void)
{
	struct timespec first, now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &first);
	do {
		usleep(TRY_US);
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	} while (now.tv_sec <= first.tv_sec);
	host_watch_now(watch);
}

/* Of a host where containers come and go. */
Test(host_watch, nothing_is_listed_for_interfaces_without_addresses)
{
	unsigned lists;

	run("ip addr add 192.0.2.1/24 dev lo");
	cr_expect(has("192.0.2.1"));
	lists = host_watch_lists(watch);
	run("ip link add one type veth peer name other && ip link set one up && "
	    "ip link set other up && ip -6 addr add fe80::1/64 dev one nodad");
	look_again();
	cr_expect_eq(host_watch_lists(watch), lists);
	run("ip addr add 192.0.2.2/24 dev lo");
	look_again();
	cr_expect_eq(host_watch_lists(watch), lists + 1);
	cr_expect(has("192.0.2.2"));
}
