/* A set of networks that is asked about every packet: how many it holds makes next to no
 * difference. Networks either lie apart or one within the other, so only the outermost are kept, in
 * order, and an address can be in one of them alone. */
#ifndef NATBOX_NETWORKS_H
#define NATBOX_NETWORKS_H

#include <natbox/address.h>

enum { NETWORKS_MAX = 256 };

/* Zeroed it is empty. */
struct networks {
	unsigned count;
	struct network list[NETWORKS_MAX]; /* in order of ip; host bits are zero */
};

/* Adds a network, which may be in the set already. 0, or -ENOSPC when the set is full. */
int networks_add(struct networks *networks, const struct network *network);

/* Whether one of them contains the address. */
bool networks_contain(const struct networks *networks, const struct address *address);

#endif
