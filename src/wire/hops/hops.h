/* Next hops: by which interface and to which Ethernet address a datagram leaves this host. It is
 * the kernel's answer always, for the datagram's own source, mark and user: of its routes, rules
 * and neighbours nothing is guessed. What it answered is kept for as long as no notification says
 * otherwise, and of a route for a second at most. For what it answers when others have done
 * changing interfaces nobody waits longer than a moment; where it answers nothing new of a device,
 * what is known of that goes on counting, with what notifications tell of it. A notification that
 * was lost is every notification. Of addresses of one link nothing is known, so
 * that interfaces that others make and remove, each with routes to such addresses, change nothing.
 *
 * All tables are of fixed size, and what is asked after one look takes a fixed time at most. */
#ifndef NATBOX_HOPS_H
#define NATBOX_HOPS_H

#include <natbox/address.h>

struct hops;

struct next_hop {
	unsigned interface;
	uint8_t hop_limit; /* of IPv6, as the kernel would write it */
	uint8_t mac[6];
};

/* How long what is sent may wait for the kernel's answer. */
enum { HOPS_PATIENCE_MS = 5 };

/* mark: that of what is sent; 0: none. The user is the caller's. Needs no privilege. 0 or a
 * negative errno. */
int hops_open(uint32_t mark, unsigned patience_ms, struct hops **hops);
void hops_close(struct hops *hops); /* NULL is fine */

/* Takes what the kernel has told, and asks for what is to be known of routing as a whole. Every few
 * milliseconds while datagrams are sent; that it was not called for long is no harm. now_ms: of a
 * clock that starts far from 0. */
void hops_look(struct hops *hops, uint64_t now_ms);

/* False where the kernel has to send the datagram: its next hop is not known, not Ethernet, not
 * reachable as far as the kernel knows, or one of several; nothing of length bytes, from the IP
 * header on, fits there; or, once a second, as a neighbour is to be confirmed: only what the kernel
 * sends makes it look whether a neighbour that it has not heard of lately is still there. */
bool hops_find(
	struct hops *hops, const struct flow *flow, size_t length, struct next_hop *next_hop);

/* All that is known is in doubt. */
void hops_forget(struct hops *hops);

/* Whether the kernel has more prefixes than there is room for: then nothing is known. */
bool hops_are_too_many(const struct hops *hops);

#endif
