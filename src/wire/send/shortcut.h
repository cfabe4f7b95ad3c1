/* The shortcut: keepalives leave as Ethernet frames (frames.h) wherever their next hop is known
 * (hops.h) and nothing on this host is to see them first (onlookers.h), as keepalive.path has it.
 * What it does not take, and what a device refuses, is the raw socket's. */
#ifndef NATBOX_SHORTCUT_H
#define NATBOX_SHORTCUT_H

#include "outgoing.h"
#include <natbox/settings.h>

struct shortcut;

/* Whom what a device refuses is handed back to. */
struct shortcut_settings {
	struct sender_settings sender;
	void *context;
	void (*refused)(void *context, const struct flow *flow, struct text bytes);
};

/* Sends nothing until there is a path. Needs CAP_NET_RAW, which may be given up afterwards, and to
 * see rules and policies of this host CAP_NET_ADMIN. 0 or a negative errno. */
int shortcut_open(const struct shortcut_settings *settings, struct shortcut **shortcut);
void shortcut_close(struct shortcut *shortcut); /* NULL is fine */

void shortcut_set_path(struct shortcut *shortcut, enum keepalive_path path);

/* Whether the next hop of a datagram with so many bytes is known and is to be used. When there are
 * BATCH_MAX frames they are sent first. */
struct next_hop;
bool shortcut_find(
	struct shortcut *shortcut, const struct flow *flow, size_t bytes, struct next_hop *hop);

/* Queues a copy of bytes. fields: of IPv4. */
void shortcut_add(struct shortcut *shortcut, const struct flow *flow, const struct next_hop *hop,
	const struct ipv4_fields *fields, struct text bytes);

/* Sends all of the queue. */
void shortcut_flush(struct shortcut *shortcut);

/* How many have left as frames. */
uint64_t shortcut_sent(const struct shortcut *shortcut);

/* About once a second, so that what the kernel tells is taken while nothing is sent, too. True when
 * keepalives leave in another way than at the last call: *line says how and why. */
bool shortcut_news(struct shortcut *shortcut, struct fault *line);

#endif
