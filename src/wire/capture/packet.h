/* Packets: one captured frame taken apart, down to the UDP datagram it carries. Reads in place:
 * nothing is allocated or copied, every text points into the frame.
 *
 * Link layers: Ethernet with any VLAN tags (802.1Q, 802.1ad), Linux cooked v1 and v2, raw IP, BSD
 * loopback. IPv4 with options; IPv6 with hop-by-hop, routing, destination options, fragment and
 * authentication headers. Checksums are not verified: what a host sends itself is captured before
 * its network card has filled them in. */
#ifndef NATBOX_PACKET_H
#define NATBOX_PACKET_H

#include <natbox/engine.h>

enum packet_kind {
	PACKET_OTHER,     /* not UDP over IP: nothing for us */
	PACKET_DATAGRAM,  /* a whole UDP datagram */
	PACKET_FRAGMENT,  /* a piece of an IP packet that may be one, for fragments_add */
	PACKET_CUT,       /* might have been either, but the capture kept only its beginning */
	PACKET_MALFORMED, /* a header or a length that cannot be */
};

/* What a frame carried. Only kind is set where there is no datagram and no fragment. */
struct packet {
	enum packet_kind kind;
	struct flow flow;  /* the ports are 0 in a fragment */
	struct text bytes; /* of a datagram its payload, of a fragment all it brings */
	uint32_t id;       /* identification: IPv4, or of the IPv6 fragment header, else 0 */
	uint32_t offset;   /* fragment: where its bytes go; a multiple of 8 */
	bool more;         /* fragment: it is not the last one */
	uint8_t protocol;  /* fragment: IP protocol number of the whole; at offset 0 it counts */
};

/* Whether frames of this link type (a DLT_ value as from pcap_datalink) can be taken apart. */
bool packet_knows_link_type(int link_type);

/* cut: the frame was longer on the wire than what is here of it. */
void packet_decode(int link_type, struct text frame, bool cut, struct packet *packet);

/* Takes apart what was reassembled from fragments: sets kind (PACKET_DATAGRAM, _OTHER or
 * _MALFORMED), the ports of flow, and bytes; the addresses of flow stay. */
void packet_decode_whole(uint8_t protocol, struct text bytes, struct packet *packet);

#endif
