/* The shortcut: whether keepalives leave as Ethernet frames (outgoing.h). They do wherever their
 * next hop is known (hops.h) and nothing on this host is to see them first (onlookers.h), as
 * keepalive.path has it. */
#ifndef NATBOX_SHORTCUT_H
#define NATBOX_SHORTCUT_H

#include "../hops/hops.h"
#include <natbox/settings.h>

struct shortcut;

/* There is none until there is a path. mark: as hops_open. To see rules and policies of this host
 * it needs CAP_NET_ADMIN. 0 or a negative errno. */
int shortcut_open(uint32_t mark, struct shortcut **shortcut);
void shortcut_close(struct shortcut *shortcut); /* NULL is fine */

void shortcut_set_path(struct shortcut *shortcut, enum keepalive_path path);

/* False: keepalives leave through the kernel, whatever may be found. */
bool shortcut_is_wanted(const struct shortcut *shortcut);

/* Before the first frame of a batch. */
void shortcut_look(struct shortcut *shortcut);

/* Whether the next hop of a datagram with so many bytes is known and is to be used. */
bool shortcut_find(
	struct shortcut *shortcut, const struct flow *flow, size_t bytes, struct next_hop *hop);

/* A device that is down or gone is not believed in further. */
void shortcut_doubt(struct shortcut *shortcut);

/* About once a second, so that what the kernel tells is taken while nothing is sent, too. True when
 * keepalives leave in another way than at the last call: *line says how and why. */
bool shortcut_news(struct shortcut *shortcut, struct fault *line);

#endif
