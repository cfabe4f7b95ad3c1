#include "questions.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

enum { MAPPED_BITS = 96 };

/* States in which the kernel itself sends to the address that it has. */
enum { NEIGHBOUR_KNOWN = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT };

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_ipv4(const uint8_t ip[static 16])
{
	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

/* False: of another length than an address of the family has. */
static bool read_ip(const struct nlattr *attribute, int family, uint8_t ip[static 16])
{
	const bool ipv4 = family == AF_INET;

	if (mnl_attr_get_payload_len(attribute) != (ipv4 ? 4 : 16))
		return false;
	memcpy(ip, mapped, sizeof(mapped));
	memcpy(ip + (ipv4 ? 12 : 0), mnl_attr_get_payload(attribute), ipv4 ? 4 : 16);
	return true;
}

static void put_ip(struct nlmsghdr *request, uint16_t type, const uint8_t ip[static 16])
{
	const bool ipv4 = is_ipv4(ip);

	mnl_attr_put(request, type, ipv4 ? 4 : 16, ip + (ipv4 ? 12 : 0));
}

/* What a dump of prefixes is gathered into. */
struct gathering {
	struct segments *segments;
	struct routing_kinds *kinds;
	bool is_full;
};

static int gather(struct gathering *gathering, int family, const uint8_t *ip, unsigned length,
	bool tells_apart)
{
	const unsigned bits = length + (family == AF_INET ? MAPPED_BITS : 0);

	if (segments_add(gathering->segments, ip, bits, tells_apart))
		return MNL_CB_OK;
	gathering->is_full = true;
	return MNL_CB_STOP;
}

static int take_route_prefix(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *destination = netlink_find(message, sizeof(*header), RTA_DST);
	const bool tells_apart = netlink_find(message, sizeof(*header), RTA_MULTIPATH) ||
				 netlink_find(message, sizeof(*header), RTA_NH_ID);
	uint8_t ip[16] = {0};

	if (header->rtm_family == AF_INET)
		memcpy(ip, mapped, sizeof(mapped));
	if (destination && !read_ip(destination, header->rtm_family, ip))
		return MNL_CB_OK;
	return gather(context, header->rtm_family, ip, header->rtm_dst_len, tells_apart);
}

/* Whether a rule may look at what a question about a route does not name: a tunnel, or what kernels
 * have learnt last, as a virtual routing domain, a user, a protocol, a port. */
static bool is_strange(unsigned type)
{
	return type == FRA_TUN_ID || type > FRA_OIFNAME;
}

static int take_rule_prefix(const struct nlmsghdr *message, void *context)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	struct gathering *gathering = context;
	struct routing_kinds *kinds = &gathering->kinds[header->family != AF_INET];
	const struct nlattr *attribute;
	uint8_t ip[16];

	mnl_attr_for_each(attribute, message, sizeof(*header))
	{
		const unsigned type = mnl_attr_get_type(attribute);

		if (type == FRA_SRC)
			kinds->looks_at_source = true;
		else if (type == FRA_DST && read_ip(attribute, header->family, ip) &&
			 gather(gathering, header->family, ip, header->dst_len, false) != MNL_CB_OK)
			return MNL_CB_STOP;
		else if (type != FRA_PROTOCOL && is_strange(type))
			kinds->is_strange = true;
	}
	return MNL_CB_OK;
}

/* A kernel without policy routing, or without IPv6. */
static bool is_absent(int result)
{
	return result == -EAFNOSUPPORT || result == -EOPNOTSUPP;
}

static int gather_family(struct mnl_socket *socket, struct gathering *gathering, uint8_t family)
{
	struct netlink_message request;
	struct rtmsg *route = netlink_start(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(*route));
	struct fib_rule_hdr *rule;
	int result;

	route->rtm_family = family;
	result = netlink_request(socket, &request.header, take_route_prefix, gathering);
	if (result != 0 || gathering->is_full)
		return is_absent(result) ? 0 : result;
	rule = netlink_start(&request, RTM_GETRULE, NLM_F_DUMP, sizeof(*rule));
	rule->family = family;
	result = netlink_request(socket, &request.header, take_rule_prefix, gathering);
	return is_absent(result) ? 0 : result;
}

int ask_segments(struct segments *segments, struct routing_kinds kinds[static 2])
{
	struct gathering gathering = {.segments = segments, .kinds = kinds};
	struct mnl_socket *socket = NULL;
	int result = netlink_open(NETLINK_ROUTE, &socket);

	segments_clear(segments);
	kinds[0] = kinds[1] = (struct routing_kinds){0};
	if (result == 0)
		result = gather_family(socket, &gathering, AF_INET);
	if (result == 0 && !gathering.is_full)
		result = gather_family(socket, &gathering, AF_INET6);
	netlink_close(socket);
	if (gathering.is_full)
		return -E2BIG;
	if (result == 0)
		segments_seal(segments);
	return result;
}

static void read_metrics(const struct nlattr *metrics, struct route *route)
{
	const struct nlattr *metric;

	mnl_attr_for_each_nested(metric, metrics)
	{
		if (mnl_attr_get_type(metric) == RTAX_MTU)
			route->mtu = mnl_attr_get_u32(metric);
		if (mnl_attr_get_type(metric) == RTAX_HOPLIMIT)
			route->hop_limit = (uint8_t)mnl_attr_get_u32(metric);
	}
}

/* False where the route wants more of a packet than a header in front of it, or has no single
 * gateway of the packet's own family. */
static bool read_route_attribute(const struct nlattr *attribute, int family, struct route *route)
{
	switch (mnl_attr_get_type(attribute)) {
	case RTA_OIF:
		route->interface = mnl_attr_get_u32(attribute);
		return true;
	case RTA_GATEWAY:
		route->has_gateway = true;
		return read_ip(attribute, family, route->gateway);
	case RTA_METRICS:
		read_metrics(attribute, route);
		return true;
	case RTA_MULTIPATH:
	case RTA_VIA:
	case RTA_NEWDST:
	case RTA_ENCAP_TYPE:
	case RTA_ENCAP:
	case RTA_NH_ID:
		return false;
	default:
		return true;
	}
}

static int take_route(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct route *route = context;
	bool is_plain = header->rtm_type == RTN_UNICAST &&
			!(header->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_UNRESOLVED));

	mnl_attr_for_each(attribute, message, sizeof(*header)) is_plain &=
		read_route_attribute(attribute, header->rtm_family, route);
	if (!is_plain)
		route->interface = 0;
	return MNL_CB_OK;
}

/* In IPv4 the route as it stands in the table is asked for: what a redirect has changed for one
 * destination is not true of others. In IPv6 rules would not be asked for the source then. */
int ask_route(struct mnl_socket *socket, const struct asker *asker, const uint8_t *source,
	const uint8_t destination[static 16], struct route *route)
{
	struct netlink_message request;
	struct rtmsg *header = netlink_start(&request, RTM_GETROUTE, NLM_F_ACK, sizeof(*header));
	const bool ipv4 = is_ipv4(destination);

	*route = (struct route){0};
	header->rtm_family = ipv4 ? AF_INET : AF_INET6;
	header->rtm_dst_len = ipv4 ? 32 : 128;
	header->rtm_src_len = source ? header->rtm_dst_len : 0;
	header->rtm_flags = ipv4 ? RTM_F_FIB_MATCH : 0;
	put_ip(&request.header, RTA_DST, destination);
	if (source)
		put_ip(&request.header, RTA_SRC, source);
	if (asker->mark)
		mnl_attr_put_u32(&request.header, RTA_MARK, asker->mark);
	mnl_attr_put_u32(&request.header, RTA_UID, asker->user);
	return netlink_request(socket, &request.header, take_route, route);
}

static int take_interface(const struct nlmsghdr *message, void *context)
{
	unsigned *interface = context;

	*interface = netlink_number(message, sizeof(struct rtmsg), RTA_OIF);
	return MNL_CB_OK;
}

bool ip_is_of_link(const uint8_t ip[static 16])
{
	return ip[0] == 0xff || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

bool is_route_of_link(const struct nlmsghdr *message)
{
	enum { LINK_LOCAL_LENGTH = 10 };
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *destination;
	uint8_t ip[16] = {0};

	if (message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE)
		return false;
	destination = netlink_find(message, sizeof(*header), RTA_DST);
	if (destination && !read_ip(destination, header->rtm_family, ip))
		return false;
	return ip_is_of_link(ip) && (ip[0] == 0xff || header->rtm_dst_len >= LINK_LOCAL_LENGTH);
}

int ask_way(const struct address *host, unsigned *interface)
{
	const bool ipv4 = address_is_ipv4(host);
	struct netlink_message request;
	struct rtmsg *route = netlink_start(&request, RTM_GETROUTE, NLM_F_ACK, sizeof(*route));
	struct mnl_socket *socket = NULL;
	const int result = netlink_open(NETLINK_ROUTE, &socket);

	*interface = 0;
	if (result != 0)
		return result;
	route->rtm_family = ipv4 ? AF_INET : AF_INET6;
	route->rtm_dst_len = ipv4 ? 32 : 128;
	put_ip(&request.header, RTA_DST, host->ip);
	/* An error is the kernel's word that there is no way. */
	if (netlink_request(socket, &request.header, take_interface, interface) != 0)
		*interface = 0;
	netlink_close(socket);
	return 0;
}

void read_neighbour(const struct nlmsghdr *message, unsigned *interface, uint8_t ip[static 16],
	struct neighbour_state *state)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	const bool is_of_ip = header->ndm_family == AF_INET || header->ndm_family == AF_INET6;
	const struct nlattr *address = netlink_find(message, sizeof(*header), NDA_DST);
	const struct nlattr *mac = netlink_find(message, sizeof(*header), NDA_LLADDR);
	const bool has_ip = is_of_ip && address && read_ip(address, header->ndm_family, ip);
	const bool has_mac = mac && mnl_attr_get_payload_len(mac) == MAC_LENGTH;

	*state = (struct neighbour_state){.is_stale = header->ndm_state & NUD_STALE};
	if (has_mac)
		memcpy(state->mac, mnl_attr_get_payload(mac), MAC_LENGTH);
	state->is_known = message->nlmsg_type == RTM_NEWNEIGH && has_mac &&
			  header->ndm_state & NEIGHBOUR_KNOWN;
	*interface = has_ip && header->ndm_ifindex > 0 ? (unsigned)header->ndm_ifindex : 0;
}

static int take_neighbour(const struct nlmsghdr *message, void *context)
{
	unsigned interface;
	uint8_t ip[16];

	read_neighbour(message, &interface, ip, context);
	return MNL_CB_OK;
}

int ask_neighbour(struct mnl_socket *socket, unsigned interface, const uint8_t ip[static 16],
	struct neighbour_state *state)
{
	struct netlink_message request;
	struct ndmsg *header = netlink_start(&request, RTM_GETNEIGH, NLM_F_ACK, sizeof(*header));
	int result;

	*state = (struct neighbour_state){0};
	header->ndm_family = is_ipv4(ip) ? AF_INET : AF_INET6;
	header->ndm_ifindex = (int)interface;
	put_ip(&request.header, NDA_DST, ip);
	result = netlink_request(socket, &request.header, take_neighbour, state);
	return result == -ENOENT ? 0 : result;
}

/* The default hop limit of what leaves by the device, as routers may have announced it. */
static void read_hop_limit(const struct nlattr *families, struct device *device)
{
	const struct nlattr *family, *part;

	mnl_attr_for_each_nested(family, families)
	{
		if (mnl_attr_get_type(family) != AF_INET6)
			continue;
		mnl_attr_for_each_nested(part, family)
		{
			int32_t values[DEVCONF_HOPLIMIT + 1];

			if (mnl_attr_get_type(part) != IFLA_INET6_CONF ||
				mnl_attr_get_payload_len(part) < sizeof(values))
				continue;
			memcpy(values, mnl_attr_get_payload(part), sizeof(values));
			device->hop_limit = (uint8_t)values[DEVCONF_HOPLIMIT];
		}
	}
}

void read_device(const struct nlmsghdr *message, struct device *device)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *families = netlink_find(message, sizeof(*header), IFLA_AF_SPEC);

	*device = (struct device){.takes_frames = header->ifi_type == ARPHRD_ETHER &&
						  header->ifi_flags & IFF_UP &&
						  !(header->ifi_flags & (IFF_NOARP | IFF_LOOPBACK)),
		.mtu = netlink_number(message, sizeof(*header), IFLA_MTU)};
	if (families)
		read_hop_limit(families, device);
}

static int take_device(const struct nlmsghdr *message, void *context)
{
	read_device(message, context);
	return MNL_CB_OK;
}

int ask_device(struct mnl_socket *socket, unsigned interface, struct device *device)
{
	struct netlink_message request;
	struct ifinfomsg *header = netlink_start(&request, RTM_GETLINK, NLM_F_ACK, sizeof(*header));

	*device = (struct device){0};
	header->ifi_index = (int)interface;
	return netlink_request(socket, &request.header, take_device, device);
}
