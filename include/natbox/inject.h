/* Inject: sends a datagram with a source of the caller's choice, in sniff mode the proxy's own
 * address and port. It leaves by this host's route to the destination, through raw sockets that
 * libnet opens; nothing is fragmented, and nothing allocated for a datagram. */
#ifndef NATBOX_INJECT_H
#define NATBOX_INJECT_H

#include <natbox/engine.h>
#include <natbox/fault.h>

struct inject;

struct inject_counters {
	uint64_t sent, failed;
};

/* Wants CAP_NET_RAW, which may be given up afterwards. On a host without IPv6 only sending IPv6
 * fails. 0 or a negative errno, with *fault set. */
int inject_open(struct inject **inject, struct fault *fault);

/* NULL is fine. */
void inject_close(struct inject *inject);

/* Sends one datagram, without waiting. 0 or a negative errno, with *fault set, counted: among others
 * -EAGAIN when the interface does not keep up, -ENETUNREACH without a route, -EMSGSIZE above its
 * MTU, -EPERM where a firewall forbids it. */
int inject_send(
	struct inject *inject, const struct flow *flow, struct text bytes, struct fault *fault);

struct inject_counters inject_counters(const struct inject *inject);

#endif
