/* The sender: puts datagrams on the wire with a source of one's choice, IPv4 and IPv6, natbox's own
 * and those that it relays. They are collected and leave in batches. */
#ifndef NATBOX_SENDER_H
#define NATBOX_SENDER_H

#include "outgoing.h"
#include <natbox/settings.h>

struct sender;

/* Needs CAP_NET_RAW, which may be given up afterwards, and for a mark before Linux 5.17
 * CAP_NET_ADMIN. A host without IPv6 gets a sender without it, and one without packet sockets one
 * whose keepalives leave through the kernel. 0 or a negative errno. */
int sender_open(const struct sender_settings *settings, struct sender **sender);
void sender_close(struct sender *sender); /* NULL is fine */

bool sender_has_ipv6(const struct sender *sender);

/* Queues a datagram; bytes are copied. A full queue sends itself. 0, -EMSGSIZE where no datagram
 * carries as much, -EAFNOSUPPORT where the flow's ends are not of one family that the sender
 * has. */
int sender_add(struct sender *sender, const struct flow *flow, struct hop hop, struct text bytes);

/* The same of bytes that stay where they are until the next flush, with OUTGOING_HEADROOM writable
 * bytes in front of them. */
int sender_add_in_place(
	struct sender *sender, const struct flow *flow, struct hop hop, struct text bytes);

/* A keepalive: as sender_add of hop_of_this_host, or as a frame where keepalive.path lets it. */
int sender_add_keepalive(struct sender *sender, const struct flow *flow, struct text bytes);

/* Until it is called keepalives leave through the kernel. */
void sender_set_path(struct sender *sender, enum keepalive_path path);

/* About once a second. True when keepalives leave in another way than at the last call: *line says
 * how, and why. */
bool sender_path_news(struct sender *sender, struct fault *line);

/* Sends what is queued, without waiting. Each datagram that the kernel refuses is counted. */
void sender_flush(struct sender *sender);

struct sent_counters sender_counters(const struct sender *sender);

/* For people: what to do, or what follows, where sending has failed with this negative errno. */
const char *sender_advice(int error);

#endif
