#include "own_network.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
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

void lay_wire(void)
{
	run("ip link add near type veth peer name far && ip link set near addrgenmode none && "
	    "ip link set far addrgenmode none up && ip link set near up && "
	    "ip addr add 192.0.2.1/24 dev near && ip addr add 2001:db8::1/64 dev near nodad && "
	    "ip route add default via 192.0.2.254 && "
	    "ip route add default via 2001:db8::254 dev near");
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
