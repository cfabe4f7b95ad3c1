/* IP packets as the kernel hands them over whole, from the IP header on: read in place, and written
 * anew around another payload. */
#ifndef NATBOX_IP_PACKET_H
#define NATBOX_IP_PACKET_H

#include "../send/outgoing.h"

#include <natbox/address.h>
#include <natbox/base.h>

/* A UDP datagram in its packet. */
struct ip_packet {
	const uint8_t *start;
	size_t headers; /* bytes before the payload: IP with options or extensions, UDP */
	struct flow flow;
	struct text payload;
};

/* True where the packet is a whole UDP datagram that may be rewritten: no fragment, no source route
 * that is not at its end, nothing that authenticates it. IPv6 with hop-by-hop, destination and
 * routing headers. */
bool ip_packet_read(struct text bytes, struct ip_packet *packet);

/* Whether its checksum is that of its bytes. One that has none, in IPv4, is sound. */
bool ip_packet_is_sound(const struct ip_packet *packet);

/* TTL and TOS, or hop limit and traffic class. */
struct hop ip_packet_hop(const struct ip_packet *packet);

/* Whether it asks not to be fragmented; IPv6 always does. */
bool ip_packet_dont_fragment(const struct ip_packet *packet);

/* How long it is with this payload. */
size_t ip_packet_length(const struct ip_packet *packet, struct text payload);

/* Writes it with another payload: as many bytes as ip_packet_length says, at most 65535. All that
 * its headers say stays, but for lengths and checksums. identification, if not 0: of an IPv4 packet
 * that may be fragmented from here on though it asked not to be. */
void ip_packet_write(
	const struct ip_packet *packet, struct text payload, uint16_t identification, uint8_t *to);

#endif
