/* IPv6 datagrams in fragments that every path takes. Who sends with another's address does not hear
 * when a packet is too big for the path: that is said to the other one. So it keeps to what no path
 * is too small for (RFC 8200 5). netfilter on output sees the datagram whole. */
#ifndef NATBOX_IPV6_FRAGMENTS_H
#define NATBOX_IPV6_FRAGMENTS_H

#include "outgoing.h"

/* A socket to send them by, with this mark. Needs CAP_NET_RAW, which may be given up afterwards,
 * and for a mark before Linux 5.17 CAP_NET_ADMIN. -EAFNOSUPPORT on a host without IPv6, or another
 * negative errno. */
int ipv6_fragments_open(uint32_t mark);

/* Sends now, without waiting. hop says both; identification tells it from others of the same ends.
 * 0 or a negative errno, after which a part of it may have left. */
int ipv6_fragments_send(int socket, const struct flow *flow, struct hop hop,
	uint32_t identification, struct text bytes);

#endif
