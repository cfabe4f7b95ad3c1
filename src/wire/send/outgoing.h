/* Datagrams on their way out, of one address family, with a source of one's choice: collected and
 * handed to the kernel in batches. sender.h has both families.
 *
 * The source travels as IP_PKTINFO, which an IP_TRANSPARENT socket may choose freely, so that
 * routes and rules that look at the source apply. IPv4 leaves with its header written here, through
 * a socket that libnet opens: through a gateway that takes the kernel a seventh less time than to
 * write it, and else as long. What exceeds the interface's MTU, and all IPv6, leaves through a raw
 * socket of protocol UDP, where the kernel writes the header and fragments. A transparent UDP
 * socket would need to be bound to every source, which the proxy's own socket may forbid. */
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

/* Of a socket that only sends: a large buffer, the mark if not 0, and a filter that lets it hear
 * nothing, locked, so that it stays so, whoever may have taken natbox over. 0 or a negative
 * errno. */
int outgoing_prepare_socket(int socket, uint32_t mark);

/* family: AF_INET or AF_INET6. *counters is counted up, and outlives it. Needs CAP_NET_RAW, which
 * may be given up afterwards, and for a mark before Linux 5.17 CAP_NET_ADMIN. 0 or a negative
 * errno, -EAFNOSUPPORT on a host without the family. */
int outgoing_open(int family, const struct sender_settings *settings,
	struct sent_counters *counters, struct outgoing **outgoing);
void outgoing_close(struct outgoing *outgoing);

/* What the header of an IPv4 datagram says: of the next one to this destination. */
struct ipv4_fields outgoing_ipv4_fields(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop);

/* Queues bytes that stay where they are until the next flush, with OUTGOING_HEADROOM writable bytes
 * in front of them. A full queue is flushed first. 0 or -EMSGSIZE. */
int outgoing_add_in_place(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes);

/* The same, of a copy. */
int outgoing_add(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes);

/* Sends all of the queue. A datagram that the kernel refuses is counted and does not stop
 * others. */
void outgoing_flush(struct outgoing *outgoing);

#endif
