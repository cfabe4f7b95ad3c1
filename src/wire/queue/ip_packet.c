#include "ip_packet.h"

#include "../send/datagram.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

/* More extension headers than a packet has that anybody sends on purpose. */
enum { IPV6_EXTENSIONS_MAX = 8 };

static uint16_t read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool is_ipv4(const struct ip_packet *packet)
{
	return packet->start[0] >> 4 == 4;
}

/* Whether options that can be read have it end at its destination: a source route may lead on from
 * there (RFC 791), and UDP's checksum is of where that ends. */
static bool ends_there(const uint8_t *ip, size_t length)
{
	size_t at = sizeof(struct iphdr), option;

	for (; at < length && ip[at] != IPOPT_EOL; at += option) {
		const bool is_route = ip[at] == IPOPT_LSRR || ip[at] == IPOPT_SSRR;

		option = 1;
		if (ip[at] == IPOPT_NOP)
			continue;
		option = at + 1 < length ? ip[at + 1] : 0;
		if (option < 2 || option > length - at)
			return false;
		if (is_route && option > 2 && ip[at + 2] <= option)
			return false;
	}
	return true;
}

/* Where UDP begins, and where the packet ends; 0 where there is no UDP. */
static size_t find_udp_ipv4(struct text bytes, struct ip_packet *packet, size_t *end)
{
	const uint8_t *ip = packet->start;
	size_t length = (size_t)(ip[0] & 15) * 4;

	if (bytes.length < sizeof(struct iphdr) || length < sizeof(struct iphdr))
		return 0;
	*end = read_u16(ip + offsetof(struct iphdr, tot_len));
	if (*end > bytes.length || length > *end || !ends_there(ip, length) ||
		ip[offsetof(struct iphdr, protocol)] != IPPROTO_UDP ||
		read_u16(ip + offsetof(struct iphdr, frag_off)) & (IP_MF | IP_OFFMASK))
		return 0;
	packet->flow.source = address_ipv4((const void *)(ip + offsetof(struct iphdr, saddr)), 0);
	packet->flow.destination =
		address_ipv4((const void *)(ip + offsetof(struct iphdr, daddr)), 0);
	return length;
}

/* Past one that says how long it is; 0: not one that a rewritten packet may have. */
static size_t extension_length(uint8_t type, const uint8_t *at)
{
	const bool is_option = type == IPPROTO_HOPOPTS || type == IPPROTO_DSTOPTS;
	const bool is_done = type == IPPROTO_ROUTING && at[3] == 0; /* no segment is left */

	return is_option || is_done ? (size_t)(at[1] + 1) * 8 : 0;
}

static size_t find_udp_ipv6(struct text bytes, struct ip_packet *packet, size_t *end)
{
	const uint8_t *ip = packet->start;
	size_t at = sizeof(struct ip6_hdr);
	uint8_t next;

	if (bytes.length < sizeof(struct ip6_hdr))
		return 0;
	next = ip[offsetof(struct ip6_hdr, ip6_nxt)];
	*end = sizeof(struct ip6_hdr) + read_u16(ip + offsetof(struct ip6_hdr, ip6_plen));
	if (*end > bytes.length)
		return 0;
	for (unsigned i = 0; next != IPPROTO_UDP; i++) {
		size_t length = at + 8 <= *end ? extension_length(next, ip + at) : 0;

		if (!length || i == IPV6_EXTENSIONS_MAX)
			return 0;
		next = ip[at];
		at += length;
	}
	packet->flow.source =
		address_ipv6((const void *)(ip + offsetof(struct ip6_hdr, ip6_src)), 0);
	packet->flow.destination =
		address_ipv6((const void *)(ip + offsetof(struct ip6_hdr, ip6_dst)), 0);
	/* An IPv4 address in an IPv6 packet is nobody's. */
	if (address_is_ipv4(&packet->flow.source) || address_is_ipv4(&packet->flow.destination))
		return 0;
	return at;
}

bool ip_packet_read(struct text bytes, struct ip_packet *packet)
{
	const uint8_t *udp;
	size_t at = 0, end = 0, length;

	packet->start = (const uint8_t *)bytes.at;
	if (bytes.length && packet->start[0] >> 4 == 4)
		at = find_udp_ipv4(bytes, packet, &end);
	else if (bytes.length && packet->start[0] >> 4 == 6)
		at = find_udp_ipv6(bytes, packet, &end);
	if (!at || at + sizeof(struct udphdr) > end)
		return false;
	udp = packet->start + at;
	length = read_u16(udp + offsetof(struct udphdr, len));
	if (length < sizeof(struct udphdr) || length > end - at)
		return false;
	packet->flow.source.port = read_u16(udp);
	packet->flow.destination.port = read_u16(udp + 2);
	packet->headers = at + sizeof(struct udphdr);
	packet->payload = (struct text){bytes.at + packet->headers, length - sizeof(struct udphdr)};
	return true;
}

bool ip_packet_is_sound(const struct ip_packet *packet)
{
	const uint8_t *udp = packet->start + packet->headers - sizeof(struct udphdr);
	uint8_t expected[DATAGRAM_UDP_LENGTH];

	if (is_ipv4(packet) && read_u16(udp + offsetof(struct udphdr, check)) == 0)
		return true;
	datagram_udp_header(&packet->flow, packet->payload, expected);
	return memcmp(expected, udp, sizeof(expected)) == 0;
}

struct hop ip_packet_hop(const struct ip_packet *packet)
{
	const uint8_t *ip = packet->start;

	if (is_ipv4(packet))
		return (struct hop){
			ip[offsetof(struct iphdr, ttl)], ip[offsetof(struct iphdr, tos)]};
	return (struct hop){ip[offsetof(struct ip6_hdr, ip6_hlim)], read_u16(ip) >> 4 & 0xff};
}

bool ip_packet_dont_fragment(const struct ip_packet *packet)
{
	return !is_ipv4(packet) ||
	       read_u16(packet->start + offsetof(struct iphdr, frag_off)) & IP_DF;
}

size_t ip_packet_length(const struct ip_packet *packet, struct text payload)
{
	return packet->headers + payload.length;
}

static void write_ipv4(
	const struct ip_packet *packet, size_t length, uint16_t identification, uint8_t *ip)
{
	write_u16(ip + offsetof(struct iphdr, tot_len), length);
	if (identification) {
		write_u16(ip + offsetof(struct iphdr, id), identification);
		write_u16(ip + offsetof(struct iphdr, frag_off), 0);
	}
	datagram_ipv4_checksum(ip, packet->headers - sizeof(struct udphdr));
}

void ip_packet_write(
	const struct ip_packet *packet, struct text payload, uint16_t identification, uint8_t *to)
{
	const size_t length = ip_packet_length(packet, payload);

	memcpy(to, packet->start, packet->headers);
	if (payload.length)
		memcpy(to + packet->headers, payload.at, payload.length);
	if (is_ipv4(packet))
		write_ipv4(packet, length, identification, to);
	else
		write_u16(to + offsetof(struct ip6_hdr, ip6_plen), length - sizeof(struct ip6_hdr));
	datagram_udp_header(&packet->flow, payload, to + packet->headers - sizeof(struct udphdr));
}
