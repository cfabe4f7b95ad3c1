/* Questions: what the kernel knows of routes, neighbours and devices, most of it asked for over one
 * netlink socket. All return 0 or a negative errno. */
#ifndef NATBOX_QUESTIONS_H
#define NATBOX_QUESTIONS_H

#include "../netlink.h"
#include "segments.h"

#include <natbox/address.h>

enum { MAC_LENGTH = 6 };

/* Who asks: as what it sends would be routed. */
struct asker {
	uint32_t mark; /* 0: none */
	uint32_t user; /* the owner of the socket that sends */
};

/* The only next hop that leads somewhere. */
struct route {
	unsigned interface; /* 0: there is none that a plain frame serves */
	bool has_gateway;   /* else the destination itself is next */
	uint8_t gateway[16];
	uint32_t mtu;      /* of the route alone; 0: the device's */
	uint8_t hop_limit; /* of the route alone; 0: the device's */
};

struct neighbour_state {
	bool is_known; /* and may be sent to */
	bool is_stale; /* to be confirmed by the kernel once it is used */
	uint8_t mac[MAC_LENGTH];
};

struct device {
	bool takes_frames; /* Ethernet, or like it, and up */
	uint32_t mtu;
	uint8_t hop_limit; /* of IPv6 */
};

/* Routing as a whole. */
struct routing_kinds {
	bool looks_at_source; /* a rule does */
	bool is_strange;      /* a rule looks at what no question can name */
};

/* Every prefix of every routing table and rule, sealed. -E2BIG: too many. *kinds: of IPv4, and of
 * IPv6. Over a socket of its own: what is left of a dump that is cut short goes with it. */
int ask_segments(struct segments *segments, struct routing_kinds kinds[static 2]);

/* source: NULL is the kernel's choice. *route is zeros where no plain frame leads there. */
int ask_route(struct mnl_socket *socket, const struct asker *asker, const uint8_t *source,
	const uint8_t destination[static 16], struct route *route);

/* *interface: the number of the one that what is sent there leaves by, as routes are now; that of
 * the loopback where it is this host itself; 0 where no route leads there. Over a socket of its
 * own. */
int ask_way(const struct address *host, unsigned *interface);

int ask_neighbour(struct mnl_socket *socket, unsigned interface, const uint8_t ip[static 16],
	struct neighbour_state *state);

/* The kernel has it wait for who makes or removes any interface meanwhile. */
int ask_device(struct mnl_socket *socket, unsigned interface, struct device *device);

/* Whether it is an IPv6 address of one link alone (RFC 4291 2.5.6), or a group. */
bool ip_is_of_link(const uint8_t ip[static 16]);

/* Whether a notification tells of a route to such addresses, which every interface has. */
bool is_route_of_link(const struct nlmsghdr *message);

/* As ask_neighbour, of a notification. *interface is 0 where it is of no neighbour of IP. */
void read_neighbour(const struct nlmsghdr *message, unsigned *interface, uint8_t ip[static 16],
	struct neighbour_state *state);

/* As ask_device, of a notification of a device that there is. */
void read_device(const struct nlmsghdr *message, struct device *device);

#endif
