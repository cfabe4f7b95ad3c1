/* Datagrams on their way out, of one address family, with a source of one's choice: collected and
 * handed to the kernel in batches.
 *
 * A raw socket of protocol UDP without IP_HDRINCL: the source travels as IP_PKTINFO, which an
 * IP_TRANSPARENT socket may choose freely, and the kernel writes the IP header and fragments what
 * exceeds the path's MTU. With IP_HDRINCL it would do neither, at the same cost; a transparent UDP
 * socket would need to be bound to every source, which the proxy's own socket may forbid. */
#ifndef NATBOX_IO_OUTGOING_H
#define NATBOX_IO_OUTGOING_H

#include <natbox/relay.h>

/* The UDP header, which outgoing_add_in_place writes in front of the bytes. */
enum { OUTGOING_HEADROOM = 8 };

/* What else the IP header is to say. Negative: as the host does by default. */
struct hop {
	int ttl, tos;
};

struct outgoing_counters {
	uint64_t sent, errors;
	int last_error; /* negative errno */
};

struct outgoing;

/* family: AF_INET or AF_INET6. 0 or a negative errno, -EAFNOSUPPORT on a host without it. */
int outgoing_open(int family, uint32_t mark, struct outgoing **outgoing);
void outgoing_close(struct outgoing *outgoing);

/* Queues bytes that stay where they are until the next flush, with OUTGOING_HEADROOM writable bytes
 * in front of them. A full queue is flushed first. 0 or -EMSGSIZE. */
int outgoing_add_in_place(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes);

/* The same, of a copy. */
int outgoing_add(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes);

/* Sends all of the queue. A datagram that the kernel refuses is counted and does not stop others. */
void outgoing_flush(struct outgoing *outgoing);

struct outgoing_counters outgoing_counters(const struct outgoing *outgoing);

#endif
