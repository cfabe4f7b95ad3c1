/* What the kernel tells by itself, in a network namespace of a test's own. */
#include "wire/netlink.h"

#include <criterion/criterion.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "own_network.h"

static struct mnl_socket *notices;
static unsigned taken;

static int count(const struct nlmsghdr *message, void *context)
{
	cr_assert_eq(message->nlmsg_type, RTM_NEWNEIGH);
	cr_assert_eq(context, &taken);
	taken++;
	return MNL_CB_OK;
}

static bool take(void)
{
	return netlink_take(notices, count, &taken);
}

static void setup(void)
{
	int group = RTNLGRP_NEIGH;

	enter_own_network();
	lay_wire();
	cr_assert_eq(netlink_open(NETLINK_ROUTE, &notices), 0);
	cr_assert_eq(
		mnl_socket_setsockopt(notices, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)), 0);
}

static void cleanup(void)
{
	mnl_socket_close(notices);
}

TestSuite(netlink, .init = setup, .fini = cleanup, .timeout = 60);

static void add_neighbours(void)
{
	run("for i in $(seq 2 201); do "
	    "echo neigh add 192.0.2.$i lladdr 02:00:00:00:00:01 dev near nud permanent; "
	    "done | ip -batch -");
}

Test(netlink, what_is_told_is_taken_some_at_a_time)
{
	cr_expect(take());
	cr_expect_eq(taken, 0);
	add_neighbours();
	cr_expect_not(take(), "there may be more");
	cr_expect(taken && taken < 200, "%u", taken);
	while (!take())
		;
	cr_expect_eq(taken, 200);
}

Test(netlink, that_some_is_lost_is_told_once)
{
	const int size = 4096; /* which holds a few */

	cr_assert_eq(
		setsockopt(mnl_socket_get_fd(notices), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)),
		0);
	add_neighbours();
	cr_expect_not(take());
	cr_expect(take());
	cr_expect(taken < 64, "%u", taken);
}
