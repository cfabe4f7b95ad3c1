/* When the packet loop leaves a snapshot, when it counts as hung, and where metrics cannot be
 * served. tests/metrics.sh asks a running natbox. */
#include "ops/http/status.h"
#include <natbox/ops.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint64_t start_us = 1000000000;
static struct fault fault;

Test(metrics, a_loop_hangs_that_has_not_turned_for_three_seconds)
{
	cr_expect(metrics_is_alive(start_us, start_us));
	cr_expect(metrics_is_alive(start_us, start_us + 1000000), "nothing to do");
	cr_expect(metrics_is_alive(start_us, start_us + METRICS_HANG_US));
	cr_expect_not(metrics_is_alive(start_us, start_us + METRICS_HANG_US + 1));
	cr_expect(metrics_is_alive(start_us + 1, start_us), "it turned while somebody asked");
}

Test(metrics, a_snapshot_is_wanted_now_and_then)
{
	static const struct metrics_snapshot snapshot;
	const struct address any_port = address_ipv4("\x7f\0\0\1", 0);
	struct metrics *metrics;

	cr_assert_eq(metrics_open(&any_port, &metrics, &fault), 0, "%s", fault.line);
	cr_expect(metrics_turned(metrics, start_us));
	cr_expect(metrics_turned(metrics, start_us + 1), "until there is one");
	metrics_publish(metrics, &snapshot, start_us);
	cr_expect_not(metrics_turned(metrics, start_us + METRICS_SNAPSHOT_US - 1));
	cr_expect(metrics_turned(metrics, start_us + METRICS_SNAPSHOT_US));
	metrics_close(metrics);
}

Test(metrics, a_snapshot_is_wanted_at_once_when_something_is_to_be_told_at_once)
{
	static const struct metrics_snapshot snapshot;
	const struct address any_port = address_ipv4("\x7f\0\0\1", 0);
	struct metrics *metrics;

	cr_assert_eq(metrics_open(&any_port, &metrics, &fault), 0, "%s", fault.line);
	metrics_publish(metrics, &snapshot, start_us);
	metrics_changed(metrics);
	cr_expect(metrics_turned(metrics, start_us + 1));
	metrics_publish(metrics, &snapshot, start_us + 1);
	cr_expect_not(metrics_turned(metrics, start_us + 2), "once");
	metrics_close(metrics);
}

static void expect_fault(const struct address *address, int error, const char *line)
{
	struct metrics *metrics;

	cr_expect_eq(metrics_open(address, &metrics, &fault), error);
	cr_expect(strstr(fault.line, line), "%s", fault.line);
}

Test(metrics, a_port_in_use_is_a_fault)
{
	struct sockaddr_in taken = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(taken);
	int other = socket(AF_INET, SOCK_STREAM, 0);
	struct address address;

	cr_assert_eq(bind(other, (struct sockaddr *)&taken, length), 0);
	cr_assert_eq(listen(other, 1), 0);
	cr_assert_eq(getsockname(other, (struct sockaddr *)&taken, &length), 0);
	address = address_ipv4(&taken.sin_addr, ntohs(taken.sin_port));
	expect_fault(&address, -EADDRINUSE, "the port is in use");
	close(other);
}

Test(metrics, an_address_of_another_host_is_a_fault)
{
	const struct address elsewhere = address_ipv4("\xc0\x00\x02\x01", 9560);

	expect_fault(&elsewhere, -EADDRNOTAVAIL, "192.0.2.1:9560: this host has no such address");
}
