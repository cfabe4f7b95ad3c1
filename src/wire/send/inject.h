/* Inject: keepalives of sniff mode, which bear the proxy's own address and port as their source, on
 * their way through a sender, with words for what fails. They leave by this host's routes and rules
 * for that source, in batches. What an interface does not take in one piece leaves in fragments. */
#ifndef NATBOX_INJECT_H
#define NATBOX_INJECT_H

#include "sender.h"

/* Zeroed it is not open. */
struct inject {
	struct sender *sender; /* which flushes, and is told the path */
	uint64_t unfit;        /* never queued */
	uint64_t reported;
};

/* By this a capture knows what was sent here (filter.h): IPv6 flow label, IPv4 identification of
 * what leaves in one piece, with DF. A packet mark would do too, but would take part in routing. */
enum { INJECT_LABEL = 0x6e62 };

/* Opens the sender, which is to be closed. On a host without IPv6 only sending IPv6 fails. 0 or a
 * negative errno, with *fault set. */
int inject_open(struct inject *inject, struct fault *fault);

/* Queues one datagram; bytes are copied. A full queue sends itself. 0 or a negative errno with
 * *fault set, counted: -EMSGSIZE where no datagram carries as much, -EAFNOSUPPORT where the flow's
 * ends are not of one IP version that this host has. */
int inject_send(
	struct inject *inject, const struct flow *flow, struct text bytes, struct fault *fault);

/* What the kernel has refused since the last call: 0 when it has not, else the negative errno of
 * the latest, with *fault set to how many, and to whom the latest was. Among others -EAGAIN when
 * the interface does not keep up, -ENETUNREACH without a route, -EPERM where a firewall forbids
 * it. */
int inject_trouble(struct inject *inject, struct fault *fault);

/* How many were not sent: did not fit, or were refused. */
uint64_t inject_failed(const struct inject *inject);

#endif
