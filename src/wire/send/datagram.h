/* Datagrams as they go on the wire: the IP and UDP headers for a flow and its payload. The same
 * flow and payload give the same headers every time. */
#ifndef NATBOX_DATAGRAM_H
#define NATBOX_DATAGRAM_H

#include <natbox/address.h>
#include <natbox/base.h>

enum {
	DATAGRAM_UDP_LENGTH = 8,
	DATAGRAM_IPV4_LENGTH = 20,
	DATAGRAM_IPV6_LENGTH = 40,
	DATAGRAM_HEADERS_MAX = 48,         /* IPv6 40, UDP 8 */
	DATAGRAM_PAYLOAD_IPV4_MAX = 65507, /* 65535 less both headers (RFC 791 3.1) */
	DATAGRAM_PAYLOAD_IPV6_MAX =
		65527, /* IPv6's length leaves its own header out (RFC 8200 3) */
};

/* In the byte order of headers. */
static inline void write_u16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Writes the headers that stand before bytes: TTL 64, identification 0 with DF in IPv4 (RFC 6864
 * 4.1), checksums. Returns their length, 28 or 48; -EMSGSIZE when no packet can carry that much,
 * -EINVAL when the flow has an IPv4 and an IPv6 end. */
int datagram_headers(
	const struct flow *flow, struct text bytes, uint8_t headers[static DATAGRAM_HEADERS_MAX]);

/* What an IPv4 header says besides whence and where to. */
struct ipv4_fields {
	uint8_t ttl, tos;
	uint16_t identification;
	bool dont_fragment;
};

/* Writes the IPv4 header as raw sockets want it: all but total length and checksum, which the
 * kernel adds. */
void datagram_ipv4_header(const struct flow *flow, const struct ipv4_fields *fields,
	uint8_t ip[static DATAGRAM_IPV4_LENGTH]);

/* The same with both, before length bytes. */
void datagram_ipv4_whole_header(const struct flow *flow, const struct ipv4_fields *fields,
	size_t length, uint8_t ip[static DATAGRAM_IPV4_LENGTH]);

/* Writes the IPv6 header before length bytes of UDP, traffic class 0. label: of 20 bits. */
void datagram_ipv6_header(const struct flow *flow, uint8_t hop_limit, uint32_t label, size_t length,
	uint8_t ip[static DATAGRAM_IPV6_LENGTH]);

/* Writes the checksum of an IPv4 header that says everything else, options included. length: of it,
 * as its first byte has it. */
void datagram_ipv4_checksum(uint8_t *ip, size_t length);

/* Writes the UDP header alone, its checksum too. No end of the flow may be of another IP version,
 * and bytes no longer than a datagram can be. */
void datagram_udp_header(
	const struct flow *flow, struct text bytes, uint8_t udp[static DATAGRAM_UDP_LENGTH]);

#endif
