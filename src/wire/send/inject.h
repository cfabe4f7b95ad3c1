/* Inject: keepalives of sniff mode, which bear the proxy's own address and port as their source, on
 * their way through the sender (sender.h), with words for what fails. They leave by this host's
 * routes and rules for that source, in batches. What an interface does not take in one piece leaves
 * in fragments. */
#ifndef NATBOX_INJECT_H
#define NATBOX_INJECT_H

#include <natbox/address.h>
#include <natbox/base.h>
#include <natbox/settings.h>

struct inject;

/* By this a capture knows what was sent here (filter.h): IPv6 flow label, IPv4 identification of
 * what leaves in one piece, with DF. A packet mark would do too, but would take part in routing. */
enum { INJECT_LABEL = 0x6e62 };

struct inject_counters {
	uint64_t sent, failed;
	uint64_t linked; /* of sent: as frames */
};

/* Wants CAP_NET_RAW, which may be given up afterwards. On a host without IPv6 only sending IPv6
 * fails. 0 or a negative errno, with *fault set. */
int inject_open(struct inject **inject, struct fault *fault);

/* As of the sender (sender.h). */
void inject_set_path(struct inject *inject, enum keepalive_path path);
bool inject_path_news(struct inject *inject, struct fault *line);

/* NULL is fine. */
void inject_close(struct inject *inject);

/* Queues one datagram; bytes are copied. A full queue sends itself. 0 or a negative errno with
 * *fault set, counted: -EMSGSIZE where no datagram carries as much, -EAFNOSUPPORT where the flow's
 * ends are not of one IP version that this host has. */
int inject_send(
	struct inject *inject, const struct flow *flow, struct text bytes, struct fault *fault);

/* Sends what is queued, without waiting. Each datagram that the kernel refuses is counted. */
void inject_flush(struct inject *inject);

/* What the kernel has refused since the last call: 0 when it has not, else the negative errno of
 * the latest, with *fault set to how many, and to whom the latest was. Among others -EAGAIN when
 * the interface does not keep up, -ENETUNREACH without a route, -EPERM where a firewall forbids
 * it. */
int inject_trouble(struct inject *inject, struct fault *fault);

struct inject_counters inject_counters(const struct inject *inject);

#endif
