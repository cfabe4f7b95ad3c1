#include "own_network.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

void enter_own_network(void)
{
	if (unshare(CLONE_NEWNET))
		cr_skip_test("only root may make a network namespace");
	run("ip link set lo up");
}

/* The kernel finds that an interface is up, and tells of it, when it has time: within a second. */
static void await_up(const char *interface)
{
	char command[128];

	snprintf(command, sizeof(command),
		"for try in $(seq 3000); do ip -o link show %s | grep -q ' state UP ' && exit; "
		"sleep 0.01; done; exit 1",
		interface);
	run(command);
}

void lay_wire(void)
{
	run("ip link add near type veth peer name far && ip link set near addrgenmode none && "
	    "ip link set far addrgenmode none up && ip link set near up && "
	    "ip addr add 192.0.2.1/24 dev near && ip addr add 2001:db8::1/64 dev near nodad && "
	    "ip route add default via 192.0.2.254 && "
	    "ip route add default via 2001:db8::254 dev near");
	await_up("near");
	await_up("far");
}

int listen_at_far(uint16_t protocol)
{
	const struct sockaddr_ll far = {.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex("far")};
	const int wire = socket(AF_PACKET, SOCK_DGRAM, htons(protocol));

	cr_assert_eq(bind(wire, (const struct sockaddr *)&far, sizeof(far)), 0);
	return wire;
}
