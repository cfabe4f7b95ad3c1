/* Decoder: captured frames in, whole UDP datagrams out. Joins taking frames apart, putting
 * fragments together and leaving out what was captured twice; the same for files and live. Its
 * clock is the time of the frames. After decoder_new it allocates nothing. */
#ifndef NATBOX_DECODER_H
#define NATBOX_DECODER_H

#include "fragments.h"

struct decoder;

struct datagram {
	uint64_t time_us; /* of the frame that completed it, since the epoch */
	struct flow flow;
	struct text
		bytes; /* the UDP payload; lives until the decoder is used again, as its frame */
};

/* Frames since decoder_new, by what became of them. */
struct decoder_counters {
	uint64_t frames;
	uint64_t datagrams;  /* given out */
	uint64_t repeated;   /* seen before on another interface (duplicates.h) */
	uint64_t other;      /* not UDP over IP */
	uint64_t unreadable; /* of those, the ones of a link type that packet.h does not know */
	uint64_t cut;        /* captured with too short a snapshot length */
	uint64_t malformed;  /* a header or a length that cannot be */
	struct fragments_counters fragments;
};

/* For frames of this link type. seed keys the hashes: random when
 * live, constant in a replay. NULL when memory is short. */
struct decoder *decoder_new(int link_type, const uint8_t seed[static 16]);
void decoder_free(struct decoder *decoder);

/* The link type of the frames from now on: of a file that has several. Where it is none that
 * packet_knows_link_type, the frames are only counted. */
void decoder_set_link_type(struct decoder *decoder, int link_type);

/* One frame, captured at time_us. cut: it was longer on the wire. True when it gave a datagram. */
bool decoder_add(struct decoder *decoder, uint64_t time_us, struct text frame, bool cut,
	struct datagram *datagram);

struct decoder_counters decoder_counters(const struct decoder *decoder);

#endif
