#include "identification.h"

#include <errno.h>
#include <sys/random.h>

int identifications_prepare(struct identifications *identifications)
{
	uint16_t *counters = identifications->counters;

	if (getrandom(&identifications->key, sizeof(identifications->key), 0) !=
			sizeof(identifications->key) ||
		getrandom(counters, sizeof(identifications->counters), 0) < 0)
		return -errno;
	identifications->key |= 1;
	return 0;
}

uint16_t identification_next(struct identifications *identifications, const struct flow *flow)
{
	uint32_t destination;
	uint16_t *counter;

	memcpy(&destination, flow->destination.ip + 12, sizeof(destination));
	counter = &identifications->counters[destination * identifications->key >>
					     (32 - IDENTIFICATION_BITS)];
	if (++*counter == 0)
		++*counter;
	return *counter;
}
