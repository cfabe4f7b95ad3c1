/* Datagrams on their way out by one kind of socket, with a source of one's choice: collected and
 * handed to the kernel in batches. sender.h has all kinds.
 *
 * The source travels as IP_PKTINFO, which an IP_TRANSPARENT socket may choose freely, so that
 * routes and rules that look at the source apply. IPv4 leaves with its header written here, through
 * a socket that libnet opens: through a gateway that takes the kernel a seventh less time than to
 * write it, and else as long. What exceeds the interface's MTU, and all IPv6, leaves through a raw
 * socket of protocol UDP, where the kernel writes the header and fragments. A transparent UDP
 * socket would need to be bound to every source, which the proxy's own socket may forbid.
 *
 * Frames leave through a packet socket, with all of their headers, to a next hop that is known:
 * about two thirds of what a raw socket costs, as neither routes nor netfilter nor neighbours are
 * asked. Source address and tags of the Ethernet frame are the device's. libnet's handle for the
 * link layer does not serve here: it is bound to one device, and hears everything there, which
 * would slow all of this host's traffic down. */
#ifndef NATBOX_OUTGOING_H
#define NATBOX_OUTGOING_H

#include "datagram.h"

/* The headers, IPv4's and UDP's, which outgoing_add_in_place writes in front of the bytes. */
enum { OUTGOING_HEADROOM = 28 };

/* No IPv6 link has a smaller MTU (RFC 8200 5). */
enum { IPV6_MTU_MIN = 1280 };

/* What else the IP header is to say. Negative: as the host does by default. */
struct hop {
	int ttl, tos;
};
static const struct hop hop_of_this_host = {-1, -1};

/* What became of datagrams on their way out. */
struct sent_counters {
	uint64_t sent, errors;
	uint64_t linked;             /* of sent: as frames, past the kernel's routing */
	int last_error;              /* negative errno */
	struct address last_refused; /* to whom that was */
};

struct outgoing;

struct sender_settings {
	uint32_t mark; /* of what is sent; 0: none */
	/* Not 0: by this it is known on the wire. It stands in IPv6 as the flow label, and in IPv4
	 * as the identification of what fits the interface, which then has DF (RFC 6864 4.1). */
	uint16_t label;
};

/* family: AF_INET or AF_INET6; AF_PACKET: for frames of either. *counters is counted up, and
 * outlives it. Needs CAP_NET_RAW, which may be given up afterwards, and for a mark before Linux
 * 5.17 CAP_NET_ADMIN. 0 or a negative errno, -EAFNOSUPPORT on a host without the family. */
int outgoing_open(int family, const struct sender_settings *settings,
	struct sent_counters *counters, struct outgoing **outgoing);
void outgoing_close(struct outgoing *outgoing);

/* What the header of an IPv4 datagram says: of the next one to this destination. */
struct ipv4_fields outgoing_ipv4_fields(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop);

/* Sends all of a queue that is full. Whether it is empty then. */
bool outgoing_make_room(struct outgoing *outgoing);

/* Queues bytes that stay where they are until the next flush, with OUTGOING_HEADROOM writable bytes
 * in front of them. A full queue is flushed first. 0 or -EMSGSIZE. */
int outgoing_add_in_place(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes);

/* The same, of a copy. */
int outgoing_add(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes);

/* The same as a frame. It fits the next hop's interface, and there is room. fields: of
 * IPv4. */
struct next_hop;
void outgoing_add_frame(struct outgoing *frames, const struct flow *flow,
	const struct next_hop *hop, const struct ipv4_fields *fields, struct text bytes);

/* Whom frames that the device refuses are handed to, with the negative errno, instead of being
 * counted. */
void outgoing_hand_back(struct outgoing *frames,
	void (*refused)(void *context, int error, const struct flow *flow, struct text bytes),
	void *context);

/* Sends all of the queue. A datagram that the kernel refuses is counted and does not stop
 * others. */
void outgoing_flush(struct outgoing *outgoing);

#endif
