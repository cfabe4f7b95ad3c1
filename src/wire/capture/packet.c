#include "packet.h"

#include <linux/if_ether.h>
#include <linux/ppp_defs.h>
#include <netinet/in.h>
#include <pcap/dlt.h>

enum {
	LINKTYPE_RAW = 101, /* as files have it; DLT_RAW differs by system */
	DLT_RAW_OPENBSD = 14,
	ETHERNET_LENGTH = 14,
	VLAN_TAG_CONTROL = 2,
	MPLS_LABEL_LENGTH = 4,
	PPPOE_LENGTH = 6,
	COOKED_LENGTH = 16,
	COOKED2_LENGTH = 20,
	IPV4_LEAST = 20,
	IPV6_LENGTH = 40,
	UDP_LENGTH = 8,
	FRAGMENT_UNIT = 8,
	/* Each header may stand once and destination options twice (RFC 8200 4.1): six. A chain
	 * twice as long is not a packet that a proxy would get. */
	EXTENSIONS_MAX = 12,
};

/* What is left to read. */
struct rest {
	const uint8_t *at;
	size_t length;
};

static const uint8_t *take(struct rest *rest, size_t length)
{
	const uint8_t *at = rest->at;

	if (length > rest->length)
		return NULL;
	rest->at += length;
	rest->length -= length;
	return at;
}

static uint16_t read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t read_u32(const uint8_t *at)
{
	return (uint32_t)read_u16(at) << 16 | read_u16(at + 2);
}

static struct text rest_text(struct rest rest)
{
	return (struct text){(const char *)rest.at, rest.length};
}

static enum packet_kind decode_udp(struct rest rest, struct packet *packet)
{
	const uint8_t *udp = take(&rest, UDP_LENGTH);
	size_t length;

	if (!udp)
		return PACKET_MALFORMED;
	length = read_u16(udp + 4);
	if (length < UDP_LENGTH || length - UDP_LENGTH > rest.length)
		return PACKET_MALFORMED;
	rest.length = length - UDP_LENGTH;
	packet->flow.source.port = read_u16(udp);
	packet->flow.destination.port = read_u16(udp + 2);
	packet->bytes = rest_text(rest);
	return PACKET_DATAGRAM;
}

/* An extension header of IPv6, or the authentication header in IPv4, and how long it is: its second
 * byte counts units of 8 bytes after the first 8, in AH of 4 after the first 8 (RFC 4302 2.2). */
static bool skip_extension(struct rest *rest, uint8_t *protocol)
{
	size_t unit = *protocol == IPPROTO_AH ? 4 : 8;

	if (rest->length < 8)
		return false;
	*protocol = rest->at[0];
	return take(rest, 8 + rest->at[1] * unit) != NULL;
}

/* most: how long the whole may be, which its header's length field cannot say beyond. */
static enum packet_kind decode_fragment(
	struct rest rest, size_t most, bool complete, uint8_t protocol, struct packet *packet)
{
	if (!complete || rest.length == 0)
		return PACKET_MALFORMED;
	/* All but the last are whole units (RFC 791 3.2, RFC 8200 4.5). */
	if (packet->more && rest.length % FRAGMENT_UNIT)
		return PACKET_MALFORMED;
	if (packet->offset + rest.length > most)
		return PACKET_MALFORMED;
	packet->protocol = protocol;
	packet->bytes = rest_text(rest);
	return PACKET_FRAGMENT;
}

static bool may_lead_to_udp(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
		return true;
	default:
		return false;
	}
}

/* Walks the headers after the IP header. complete: rest holds all that the IP header announced.
 * whole: it was reassembled, so it must not be a fragment again. */
static enum packet_kind decode_headers(
	struct rest rest, bool complete, bool whole, uint8_t protocol, struct packet *packet)
{
	const uint8_t *fragment;

	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		if (protocol == IPPROTO_UDP)
			return complete ? decode_udp(rest, packet) : PACKET_MALFORMED;
		if (protocol == IPPROTO_FRAGMENT && !whole) {
			fragment = take(&rest, 8);
			if (!fragment)
				return PACKET_MALFORMED;
			protocol = fragment[0];
			packet->id = read_u32(fragment + 4);
			packet->offset = read_u16(fragment + 2) & 0xfff8;
			packet->more = fragment[3] & 1;
			if (!may_lead_to_udp(protocol))
				return PACKET_OTHER;
			if (packet->offset || packet->more)
				return decode_fragment(
					rest, UINT16_MAX, complete, protocol, packet);
			/* One that is all of its packet needs no other (RFC 6946). */
			whole = true;
			continue;
		}
		if (!may_lead_to_udp(protocol))
			return PACKET_OTHER;
		if (!skip_extension(&rest, &protocol))
			return PACKET_MALFORMED;
	}
	return PACKET_MALFORMED;
}

static enum packet_kind decode_ipv4(struct rest rest, struct packet *packet)
{
	const uint8_t *ip = rest.at;
	size_t header, total;
	uint16_t fragment;
	bool complete;

	if (rest.length < IPV4_LEAST)
		return PACKET_MALFORMED;
	header = (size_t)(ip[0] & 0xf) * 4;
	total = read_u16(ip + 2);
	if (header < IPV4_LEAST || total < header || !take(&rest, header))
		return PACKET_MALFORMED;
	complete = rest.length >= total - header;
	if (complete)
		rest.length = total - header;

	packet->flow.source = address_ipv4(ip + 12, 0);
	packet->flow.destination = address_ipv4(ip + 16, 0);
	packet->id = read_u16(ip + 4);
	fragment = read_u16(ip + 6);
	packet->offset = (fragment & 0x1fff) * FRAGMENT_UNIT;
	packet->more = fragment & 0x2000;
	if (ip[9] != IPPROTO_UDP && ip[9] != IPPROTO_AH)
		return PACKET_OTHER;
	if (packet->offset || packet->more)
		return decode_fragment(rest, UINT16_MAX - header, complete, ip[9], packet);
	return decode_headers(rest, complete, true, ip[9], packet);
}

static enum packet_kind decode_ipv6(struct rest rest, struct packet *packet)
{
	const uint8_t *ip = take(&rest, IPV6_LENGTH);
	size_t total;
	bool complete;

	if (!ip)
		return PACKET_MALFORMED;
	total = read_u16(ip + 4);
	complete = rest.length >= total;
	if (complete)
		rest.length = total;
	packet->flow.source = address_ipv6(ip + 8, 0);
	packet->flow.destination = address_ipv6(ip + 24, 0);
	/* No host sends such addresses, whatever forges them does; an IPv4 address here would be
	 * taken for somebody else's. The kernel drops them too. */
	if (address_is_ipv4(&packet->flow.source) || address_is_ipv4(&packet->flow.destination))
		return PACKET_OTHER;
	return decode_headers(rest, complete, false, ip[6], packet);
}

static enum packet_kind decode_ip(struct rest rest, struct packet *packet)
{
	if (rest.length == 0)
		return PACKET_MALFORMED;
	switch (rest.at[0] >> 4) {
	case 4:
		return decode_ipv4(rest, packet);
	case 6:
		return decode_ipv6(rest, packet);
	default:
		return PACKET_MALFORMED;
	}
}

/* Past the labels of MPLS, the last of which is marked. Nothing there says what follows them: where
 * it does not begin as IP does it is something else (RFC 4928 3). */
static enum packet_kind decode_mpls(struct rest rest, struct packet *packet)
{
	const uint8_t *label;

	do {
		label = take(&rest, MPLS_LABEL_LENGTH);
		if (!label)
			return PACKET_MALFORMED;
	} while (!(label[2] & 1));
	if (rest.length && rest.at[0] >> 4 != 4 && rest.at[0] >> 4 != 6)
		return PACKET_OTHER;
	return decode_ip(rest, packet);
}

/* A session of PPPoE, whose protocol may be written in one byte (RFC 1661 6.5). */
static enum packet_kind decode_pppoe(struct rest rest, struct packet *packet)
{
	const uint8_t *protocol;

	if (!take(&rest, PPPOE_LENGTH) || !(protocol = take(&rest, 1)))
		return PACKET_MALFORMED;
	if (*protocol == 0 && !(protocol = take(&rest, 1)))
		return PACKET_MALFORMED;
	if (*protocol != PPP_IP && *protocol != PPP_IPV6)
		return PACKET_OTHER;
	return decode_ip(rest, packet);
}

/* From an EtherType on, past any number of VLAN tags, outer ones from before 802.1ad as well. */
static enum packet_kind decode_ethertype(
	uint16_t ethertype, struct rest rest, struct packet *packet)
{
	while (ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD || ethertype == ETH_P_QINQ1) {
		const uint8_t *tag = take(&rest, VLAN_TAG_CONTROL + 2);

		if (!tag)
			return PACKET_MALFORMED;
		ethertype = read_u16(tag + VLAN_TAG_CONTROL);
	}
	switch (ethertype) {
	case ETH_P_IP:
	case ETH_P_IPV6:
		return decode_ip(rest, packet);
	case ETH_P_MPLS_UC:
		return decode_mpls(rest, packet);
	case ETH_P_PPP_SES:
		return decode_pppoe(rest, packet);
	default:
		return PACKET_OTHER;
	}
}

/* A header of that length, which has an EtherType in it. */
static enum packet_kind decode_header(
	struct rest rest, size_t length, size_t ethertype_at, struct packet *packet)
{
	const uint8_t *header = take(&rest, length);

	if (!header)
		return PACKET_MALFORMED;
	return decode_ethertype(read_u16(header + ethertype_at), rest, packet);
}

/* Address families: 2 is IPv4 everywhere; IPv6 is 10 on Linux, 24, 28 or 30 on the BSDs. Written
 * in the byte order of the host that captured, with values below 256: so either end tells. */
static enum packet_kind decode_loopback(struct rest rest, struct packet *packet)
{
	const uint8_t *family = take(&rest, 4);

	if (!family)
		return PACKET_MALFORMED;
	switch (family[0] | family[3]) {
	case 2:
	case 10:
	case 24:
	case 28:
	case 30:
		return decode_ip(rest, packet);
	default:
		return PACKET_OTHER;
	}
}

bool packet_knows_link_type(int link_type)
{
	switch (link_type) {
	case DLT_EN10MB:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_RAW:
	case DLT_RAW_OPENBSD:
	case LINKTYPE_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_NULL:
	case DLT_LOOP:
		return true;
	default:
		return false;
	}
}

static enum packet_kind decode_link(int link_type, struct rest rest, struct packet *packet)
{
	switch (link_type) {
	case DLT_EN10MB:
		return decode_header(rest, ETHERNET_LENGTH, ETHERNET_LENGTH - 2, packet);
	case DLT_LINUX_SLL:
		return decode_header(rest, COOKED_LENGTH, COOKED_LENGTH - 2, packet);
	case DLT_LINUX_SLL2:
		return decode_header(rest, COOKED2_LENGTH, 0, packet);
	case DLT_NULL:
	case DLT_LOOP:
		return decode_loopback(rest, packet);
	default:
		return packet_knows_link_type(link_type) ? decode_ip(rest, packet) : PACKET_OTHER;
	}
}

void packet_decode(int link_type, struct text frame, bool cut, struct packet *packet)
{
	struct rest rest = {(const uint8_t *)frame.at, frame.length};

	memset(packet, 0, sizeof(*packet));
	packet->kind = decode_link(link_type, rest, packet);
	/* Whatever is missing in a frame that was cut is missing for that reason. */
	if (packet->kind == PACKET_MALFORMED && cut)
		packet->kind = PACKET_CUT;
}

void packet_decode_whole(uint8_t protocol, struct text bytes, struct packet *packet)
{
	struct rest rest = {(const uint8_t *)bytes.at, bytes.length};

	packet->kind = decode_headers(rest, true, true, protocol, packet);
}
