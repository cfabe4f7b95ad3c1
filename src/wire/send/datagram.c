#include "datagram.h"

#include <errno.h>
#include <libnet.h>
#include <netinet/in.h>

enum { TTL = 64 };

_Static_assert((int)DATAGRAM_IPV4_LENGTH == (int)LIBNET_IPV4_H, "no options");
_Static_assert((int)DATAGRAM_UDP_LENGTH == (int)LIBNET_UDP_H, "its header");

/* The ones' complement sum of RFC 1071, four bytes at a time in the host's own byte order, which
 * its section 2 (B) allows: the result is stored in that order too. bytes need no alignment. */
static uint64_t sum_add(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint32_t word;

	for (; length >= sizeof(word); at += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	word = 0;
	if (length)
		memcpy(&word, at, length);
	return sum + word;
}

static uint16_t sum_end(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}

/* What has just been written is not read again: the processor would wait for it. */
void datagram_udp_header(
	const struct flow *flow, struct text bytes, uint8_t udp[static DATAGRAM_UDP_LENGTH])
{
	/* An IPv4 address is the end of its mapped form. */
	const size_t skip = address_is_ipv4(&flow->source) ? 12 : 0;
	struct libnet_udp_hdr header = {
		.uh_sport = htons(flow->source.port),
		.uh_dport = htons(flow->destination.port),
		.uh_ulen = htons((uint16_t)(DATAGRAM_UDP_LENGTH + bytes.length)),
	};
	uint64_t sum = header.uh_sport + header.uh_dport + header.uh_ulen;

	sum += htons(IPPROTO_UDP) + header.uh_ulen; /* of the pseudo header, as are the addresses */
	sum = sum_add(sum, flow->source.ip + skip, 16 - skip);
	sum = sum_add(sum, flow->destination.ip + skip, 16 - skip);
	header.uh_sum = sum_end(sum_add(sum, bytes.at, bytes.length));
	/* 0 would say that there is none (RFC 768). */
	if (header.uh_sum == 0)
		header.uh_sum = 0xffff;
	memcpy(udp, &header, sizeof(header));
}

void datagram_ipv4_header(const struct flow *flow, const struct ipv4_fields *fields,
	uint8_t ip[static DATAGRAM_IPV4_LENGTH])
{
	struct libnet_ipv4_hdr header = {
		.ip_v = 4,
		.ip_hl = DATAGRAM_IPV4_LENGTH / 4,
		.ip_tos = fields->tos,
		.ip_id = htons(fields->identification),
		.ip_off = fields->dont_fragment ? htons(IP_DF) : 0,
		.ip_ttl = fields->ttl,
		.ip_p = IPPROTO_UDP,
	};

	memcpy(&header.ip_src, flow->source.ip + 12, 4);
	memcpy(&header.ip_dst, flow->destination.ip + 12, 4);
	memcpy(ip, &header, sizeof(header));
}

void datagram_ipv4_checksum(uint8_t *ip, size_t length)
{
	uint8_t *checksum = ip + offsetof(struct libnet_ipv4_hdr, ip_sum);
	uint16_t sum;

	write_u16(checksum, 0);
	sum = sum_end(sum_add(0, ip, length));
	memcpy(checksum, &sum, sizeof(sum));
}

void datagram_ipv4_whole_header(const struct flow *flow, const struct ipv4_fields *fields,
	size_t length, uint8_t ip[static DATAGRAM_IPV4_LENGTH])
{
	datagram_ipv4_header(flow, fields, ip);
	write_u16(ip + offsetof(struct libnet_ipv4_hdr, ip_len), DATAGRAM_IPV4_LENGTH + length);
	datagram_ipv4_checksum(ip, DATAGRAM_IPV4_LENGTH);
}

void datagram_ipv6_header(const struct flow *flow, uint8_t hop_limit, uint32_t label, size_t length,
	uint8_t ip[static DATAGRAM_IPV6_LENGTH])
{
	ip[0] = 6 << 4;
	ip[1] = (uint8_t)(label >> 16);
	write_u16(ip + 2, label & 0xffff);
	write_u16(ip + 4, length);
	ip[6] = IPPROTO_UDP;
	ip[7] = hop_limit;
	memcpy(ip + 8, flow->source.ip, 16);
	memcpy(ip + 24, flow->destination.ip, 16);
}

int datagram_headers(
	const struct flow *flow, struct text bytes, uint8_t headers[static DATAGRAM_HEADERS_MAX])
{
	static const struct ipv4_fields fields = {.ttl = TTL, .dont_fragment = true};
	const bool ipv4 = address_is_ipv4(&flow->source);
	const int length = ipv4 ? DATAGRAM_IPV4_LENGTH : DATAGRAM_IPV6_LENGTH;
	const size_t datagram = DATAGRAM_UDP_LENGTH + bytes.length;

	if (ipv4 != address_is_ipv4(&flow->destination))
		return -EINVAL;
	if (bytes.length > (ipv4 ? DATAGRAM_PAYLOAD_IPV4_MAX : DATAGRAM_PAYLOAD_IPV6_MAX))
		return -EMSGSIZE;
	if (ipv4)
		datagram_ipv4_whole_header(flow, &fields, datagram, headers);
	else
		datagram_ipv6_header(flow, TTL, 0, datagram, headers);
	datagram_udp_header(flow, bytes, headers + length);
	return length + DATAGRAM_UDP_LENGTH;
}
