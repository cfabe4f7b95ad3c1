/* Fragments: packets put together again, IPv4 (RFC 791 3.2) and IPv6 (RFC 8200 4.5), as the host
 * does that they are sent to. One allocation at the start; a fragment costs no more than looking at
 * it, whatever came before. The clock is the time of the packets, which may jump either way. */
#ifndef NATBOX_FRAGMENTS_H
#define NATBOX_FRAGMENTS_H

#include "packet.h"
#include <natbox/base.h>

enum {
	/* Packets under way at a time; with one more the oldest is given up. The fragments of one
	 * packet come within milliseconds, so this is far beyond what phones send, and it bounds
	 * what a flood of first fragments makes us touch to 17 MB. */
	FRAGMENTS_PACKETS_MAX = 256,
	/* How long the first fragment waits for the others: RFC 791's value. RFC 8200 has 60 s, by
	 * when the sender of a SIP request has long given it up (32 s, RFC 3261 17.1). */
	FRAGMENTS_TIMEOUT_US = 15 * 1000000,
};

struct fragments;

struct fragments_counters {
	uint64_t fragments;   /* all that came */
	uint64_t reassembled; /* packets */
	uint64_t repeated; /* fragments that were here already, the same bytes at the same place */
	uint64_t overlapped;  /* packets dropped because two fragments contradict each other */
	uint64_t timed_out;   /* packets that never got whole */
	uint64_t crowded_out; /* packets given up for newer ones */
};

/* NULL when memory is short. */
struct fragments *fragments_new(const struct hash_key *key);
void fragments_free(struct fragments *fragments);

/* Adds a packet of PACKET_FRAGMENT that came at time_us. True when that makes one whole: *whole is
 * then what packet_decode_whole made of it, with bytes that live until the next call. Fragments
 * that overlap, or disagree about the length, drop their packet, with all of it that is yet to come
 * (RFC 5722 4); one that merely comes again is ignored. */
bool fragments_add(struct fragments *fragments, uint64_t time_us, const struct packet *fragment,
	struct packet *whole);

struct fragments_counters fragments_counters(const struct fragments *fragments);

#endif
