/* Duplicates: the `any` device, and a cooked capture file that came from it, show a packet once for
 * each interface it passes: on the network card and on the VLAN or bridge above it, or where it
 * comes in and where it leaves when this host routes it. It is to be counted once. */
#ifndef NATBOX_DUPLICATES_H
#define NATBOX_DUPLICATES_H

#include "packet.h"
#include <natbox/base.h>

enum {
	/* How far apart two sightings of one packet are at most. It passes a host within
	 * milliseconds; the soonest that SIP says the same again is 500 ms later (T1, RFC 3261
	 * 17.1.1.2), and that must count again. */
	DUPLICATES_WINDOW_US = 50000,
	/* Packets remembered: 160 000 a second over the window, in 128 kB. When more come, the
	 * oldest is forgotten, and its repeat passes for a retransmission. */
	DUPLICATES_PACKETS = 8192,
};

struct duplicates {
	struct hash_key key;
	struct ledger seen;
};

/* 0 or -ENOMEM. */
int duplicates_init(struct duplicates *duplicates, const struct hash_key *key);
void duplicates_free(struct duplicates *duplicates);

/* Whether this datagram or fragment was seen within the window; remembers it if not. The same is
 * what has the same addresses, ports, identification, place and bytes: TTL and checksums change on
 * the way through a host. */
bool duplicates_seen(struct duplicates *duplicates, uint64_t time_us, const struct packet *packet);

#endif
