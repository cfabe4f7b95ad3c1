/* Identifications of IPv4 datagrams that may be fragmented on their way. RFC 6864 4.3: no two of
 * one source, destination and protocol with the same one for as long as fragments of the first may
 * be on their way. */
#ifndef NATBOX_IDENTIFICATION_H
#define NATBOX_IDENTIFICATION_H

#include <natbox/address.h>

/* Counters: each destination has one of 1024, as the one for all would be round in less than a
 * second. */
enum { IDENTIFICATION_BITS = 10 };

struct identifications {
	uint32_t key; /* odd: which destination has which counter */
	uint16_t counters[1 << IDENTIFICATION_BITS];
};

/* 0 or a negative errno. */
int identifications_prepare(struct identifications *identifications);

/* Never 0, which would ask the kernel. */
uint16_t identification_next(struct identifications *identifications, const struct flow *flow);

#endif
