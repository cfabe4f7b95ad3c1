/* What notifications of the kernel are read as. */
#include "wire/hops/questions.h"

#include <criterion/criterion.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "frames.h"

/* What a notification of a neighbour with an IPv6 address is taken for. */
static unsigned interface_of(uint8_t family)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ndmsg *header;
	struct neighbour_state state;
	unsigned interface = 0;
	uint8_t ip[16];

	message->nlmsg_type = RTM_NEWNEIGH;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->ndm_family = family;
	header->ndm_ifindex = 7;
	header->ndm_state = NUD_PERMANENT;
	mnl_attr_put(message, NDA_DST, 16, address_of("[2001:db8:1::7]:40000").ip);
	mnl_attr_put(message, NDA_LLADDR, MAC_LENGTH, "\2\0\0\0\0\1");
	read_neighbour(message, &interface, ip, &state);
	return interface;
}

/* A tunnel for Ethernet has such entries: whom it knows behind the tunnel's other end. */
Test(questions, an_entry_of_a_bridge_is_no_neighbour)
{
	cr_expect_eq(interface_of(AF_INET6), 7);
	cr_expect_eq(interface_of(AF_BRIDGE), 0);
	cr_expect_eq(interface_of(AF_INET), 0, "of another length than its addresses");
}
