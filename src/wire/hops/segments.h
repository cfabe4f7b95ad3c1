/* Segments: parts of the address space in which the kernel's routing cannot tell one destination
 * from another, as no prefix of any of its tables and rules begins or ends within. Whatever is in
 * those tables, however rules choose among them, and whichever prefix is the longest: what the
 * kernel answers for one destination of a segment, and one source, it answers for all. So it is
 * asked once for each, and its routes need not be understood here. */
#ifndef NATBOX_SEGMENTS_H
#define NATBOX_SEGMENTS_H

#include <natbox/base.h>

enum {
	/* A border host has a few dozen. With as many as these to be sorted the loop is held up
	 * for about 2 ms. */
	SEGMENTS_PREFIXES_MAX = 8192,
	/* What segments_find answers where each destination may have a way of its own. */
	SEGMENT_NONE = -1,
};

/* An address as a number. */
struct segment_point {
	uint64_t high, low;
};

/* Where a prefix begins, and where the first address after it is. */
struct segment_edge {
	struct segment_point at;
	int apart; /* prefixes that tell apart: 1 begins, -1 ends, 0: it is none */
};

/* Zeroed it has none. */
struct segments {
	unsigned edge_count; /* of added prefixes; the same, each point once, when sealed */
	bool is_sealed;
	struct segment_edge edges[2 * SEGMENTS_PREFIXES_MAX];
};

/* Begins anew: there are no segments until they are sealed. */
void segments_clear(struct segments *segments);

/* A prefix of length bits, 0 to 128, of an address as struct address has it: 96 more in IPv4. Where
 * its destinations are told apart all the same, as by a route of several next hops, none of what it
 * covers is in a segment. False: there are too many. */
bool segments_add(
	struct segments *segments, const uint8_t ip[static 16], unsigned length, bool tells_apart);

/* All prefixes are there. */
void segments_seal(struct segments *segments);

/* The number of a destination's segment, or SEGMENT_NONE. */
int segments_find(const struct segments *segments, const uint8_t ip[static 16]);

#endif
