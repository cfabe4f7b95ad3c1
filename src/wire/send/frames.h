/* Frames: datagrams on their way out through a packet socket, with all of their headers, to a next
 * hop that is known: about two thirds of what a raw socket costs, as neither routes nor netfilter
 * nor neighbours are asked. Source address and tags of the Ethernet frame are the device's.
 *
 * libnet's handle for the link layer does not serve here: it is bound to one device, and hears
 * everything there, which would slow all of this host's traffic down. */
#ifndef NATBOX_FRAMES_H
#define NATBOX_FRAMES_H

#include "../hops/hops.h"
#include "outgoing.h"

struct frames;

/* The mark is for the device's queues. Needs CAP_NET_RAW, which may be given up
 * afterwards, and for a mark before Linux 5.17 CAP_NET_ADMIN. 0 or a negative errno. */
int frames_open(const struct sender_settings *settings, struct frames **frames);
void frames_close(struct frames *frames); /* NULL is fine */

bool frames_are_full(const struct frames *frames);
bool frames_are_empty(const struct frames *frames);

/* Adds a copy of bytes, from the IP header on no longer than 65535. fields: of IPv4. There is
 * room. */
void frames_add(struct frames *frames, const struct flow *flow, const struct next_hop *hop,
	const struct ipv4_fields *fields, struct text bytes);

/* Sends all, and hands what the device refuses to refused, with the negative errno. Returns how
 * many have left. */
unsigned frames_flush(struct frames *frames,
	void (*refused)(void *context, int error, const struct flow *flow, struct text bytes),
	void *context);

#endif
