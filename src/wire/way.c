#include "way.h"

#include "netlink.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

static int take_interface(const struct nlmsghdr *message, void *context)
{
	unsigned *interface = context;
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			*interface = mnl_attr_get_u32(attribute);
	}
	return MNL_CB_OK;
}

int way_to(const struct address *host, unsigned *interface)
{
	const bool ipv4 = address_is_ipv4(host);
	struct netlink_message request;
	struct rtmsg *route = netlink_start(&request, RTM_GETROUTE, NLM_F_ACK, sizeof(*route));
	struct mnl_socket *socket = NULL;
	int result;

	route->rtm_family = ipv4 ? AF_INET : AF_INET6;
	route->rtm_dst_len = ipv4 ? 32 : 128;
	mnl_attr_put(&request.header, RTA_DST, ipv4 ? 4 : 16, host->ip + (ipv4 ? 12 : 0));
	*interface = 0;
	result = netlink_open(NETLINK_ROUTE, &socket);
	if (result != 0)
		return result;
	/* An error is the kernel's word that there is no way. */
	if (netlink_request(socket, &request.header, take_interface, interface) != 0)
		*interface = 0;
	netlink_close(socket);
	return 0;
}
