#include "outgoing.h"

#include "slots.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest UDP datagram: IPv4's total length includes its header of 20, IPv6's does not. */
enum { LENGTH_MAX_IPV4 = 65535 - 20, LENGTH_MAX_IPV6 = 65535 };

enum { CACHE_LINE = 64 };

/* Ancillary data in the order in which it is always written, TTL and TOS last so that the default
 * can be asked for by leaving them off. */
struct control_ipv4 {
	alignas(struct cmsghdr) char info[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char ttl[CMSG_SPACE(sizeof(int))], tos[CMSG_SPACE(sizeof(int))];
};
struct control_ipv6 {
	alignas(struct cmsghdr) char info[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	char ttl[CMSG_SPACE(sizeof(int))], tos[CMSG_SPACE(sizeof(int))];
};

struct outgoing {
	int socket, family;
	unsigned count;
	struct outgoing_counters counters;
	struct mmsghdr messages[RELAY_BATCH];
	struct iovec spans[RELAY_BATCH];
	union {
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} destinations[RELAY_BATCH];
	union {
		struct control_ipv4 ipv4;
		struct control_ipv6 ipv6;
	} controls[RELAY_BATCH];
	/* Room for all, one after the other: short ones share pages and neighbouring cache lines. */
	char *copies;
	size_t copied;
};

/* A raw socket is given a copy of every UDP datagram that reaches this host, unless it is bound to
 * another address. These reach nobody: the IPv4 dummy address (RFC 7600) and the discard prefix
 * (RFC 6666). */
static int bind_out_of_the_way(int socket, int family)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};

	inet_pton(AF_INET, "192.0.0.8", &ipv4.sin_addr);
	inet_pton(AF_INET6, "100::8", &ipv6.sin6_addr);
	if (family == AF_INET)
		return bind(socket, (struct sockaddr *)&ipv4, sizeof(ipv4));
	return bind(socket, (struct sockaddr *)&ipv6, sizeof(ipv6));
}

static int set_options(int socket, int family, uint32_t mark)
{
	const int on = 1, buffer = RELAY_SOCKET_BUFFER;
	const int fragment = IP_PMTUDISC_DONT; /* IPV6_PMTUDISC_DONT is the same */
	const bool ipv4 = family == AF_INET;

	if (setsockopt(socket, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
		    ipv4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof(on)) < 0 ||
		setsockopt(socket, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
			ipv4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &fragment,
			sizeof(fragment)) < 0 ||
		setsockopt(socket, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
		setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
		bind_out_of_the_way(socket, family) < 0)
		return -errno;
	return 0;
}

static void put_control(char *at, int level, int type, const void *value, size_t length)
{
	struct cmsghdr header = {
		.cmsg_len = CMSG_LEN(length), .cmsg_level = level, .cmsg_type = type};

	memcpy(at, &header, sizeof(header));
	memcpy(at + CMSG_LEN(0), value, length);
}

static void prepare_message(struct outgoing *outgoing, unsigned i)
{
	struct msghdr *header = &outgoing->messages[i].msg_hdr;

	header->msg_name = &outgoing->destinations[i];
	header->msg_namelen = outgoing->family == AF_INET ? sizeof(struct sockaddr_in)
							  : sizeof(struct sockaddr_in6);
	header->msg_iov = &outgoing->spans[i];
	header->msg_iovlen = 1;
	header->msg_control = &outgoing->controls[i];
	if (outgoing->family == AF_INET)
		outgoing->destinations[i].ipv4.sin_family = AF_INET;
	else
		outgoing->destinations[i].ipv6.sin6_family = AF_INET6;
}

int outgoing_open(int family, uint32_t mark, struct outgoing **out)
{
	struct outgoing *outgoing = calloc(1, sizeof(*outgoing));
	int error;

	if (!outgoing)
		return -ENOMEM;
	outgoing->family = family;
	outgoing->copies = slots_new();
	outgoing->socket = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	error = outgoing->socket < 0 ? -errno : set_options(outgoing->socket, family, mark);
	if (!error && !outgoing->copies)
		error = -ENOMEM;
	if (error) {
		outgoing_close(outgoing);
		return error;
	}
	for (unsigned i = 0; i < RELAY_BATCH; i++)
		prepare_message(outgoing, i);
	*out = outgoing;
	return 0;
}

void outgoing_close(struct outgoing *outgoing)
{
	if (!outgoing)
		return;
	if (outgoing->socket >= 0)
		close(outgoing->socket);
	slots_free(outgoing->copies);
	free(outgoing);
}

static uint64_t add_bytes(uint64_t sum, const char *bytes, size_t length)
{
	uint32_t word;

	for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, bytes, length);
	return sum + word;
}

/* RFC 768, RFC 8200 8.1. The sum of 16-bit words may be taken over 32-bit words and in either byte
 * order (RFC 1071 2). A mapped address sums differently than the IPv4 address it holds. */
static uint16_t udp_checksum(const struct flow *flow, const char *packet, size_t length)
{
	const size_t skip = address_is_ipv4(&flow->source) ? 12 : 0;
	uint64_t sum = htons(IPPROTO_UDP) + (uint64_t)htonl((uint32_t)length);

	sum = add_bytes(sum, (const char *)flow->source.ip + skip, 16 - skip);
	sum = add_bytes(sum, (const char *)flow->destination.ip + skip, 16 - skip);
	sum = add_bytes(sum, packet, length);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum; /* 0 would mean: none */
}

static void put_udp_header(char *packet, const struct flow *flow, size_t length)
{
	struct udphdr header = {
		.source = htons(flow->source.port),
		.dest = htons(flow->destination.port),
		.len = htons((uint16_t)length),
	};

	memcpy(packet, &header, sizeof(header));
	header.check = udp_checksum(flow, packet, length);
	memcpy(packet, &header, sizeof(header));
}

static size_t put_ipv4(struct outgoing *outgoing, const struct flow *flow, struct hop hop)
{
	struct control_ipv4 *control = &outgoing->controls[outgoing->count].ipv4;
	struct in_pktinfo info = {0};

	memcpy(&outgoing->destinations[outgoing->count].ipv4.sin_addr, flow->destination.ip + 12,
		4);
	memcpy(&info.ipi_spec_dst, flow->source.ip + 12, 4);
	put_control(control->info, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	if (hop.ttl < 0)
		return sizeof(control->info);
	put_control(control->ttl, IPPROTO_IP, IP_TTL, &hop.ttl, sizeof(hop.ttl));
	put_control(control->tos, IPPROTO_IP, IP_TOS, &hop.tos, sizeof(hop.tos));
	return sizeof(*control);
}

static size_t put_ipv6(struct outgoing *outgoing, const struct flow *flow, struct hop hop)
{
	struct control_ipv6 *control = &outgoing->controls[outgoing->count].ipv6;
	struct in6_pktinfo info = {0};

	memcpy(&outgoing->destinations[outgoing->count].ipv6.sin6_addr, flow->destination.ip, 16);
	memcpy(&info.ipi6_addr, flow->source.ip, 16);
	put_control(control->info, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	if (hop.ttl < 0)
		return sizeof(control->info);
	put_control(control->ttl, IPPROTO_IPV6, IPV6_HOPLIMIT, &hop.ttl, sizeof(hop.ttl));
	put_control(control->tos, IPPROTO_IPV6, IPV6_TCLASS, &hop.tos, sizeof(hop.tos));
	return sizeof(*control);
}

static bool fits(const struct outgoing *outgoing, struct text bytes)
{
	const size_t most = outgoing->family == AF_INET ? LENGTH_MAX_IPV4 : LENGTH_MAX_IPV6;

	return bytes.length + OUTGOING_HEADROOM <= most;
}

/* packet: headroom and bytes. */
static void put(struct outgoing *outgoing, const struct flow *flow, struct hop hop, char *packet,
	size_t length)
{
	struct msghdr *header = &outgoing->messages[outgoing->count].msg_hdr;

	put_udp_header(packet, flow, length);
	outgoing->spans[outgoing->count] = (struct iovec){packet, length};
	header->msg_controllen = outgoing->family == AF_INET ? put_ipv4(outgoing, flow, hop)
							     : put_ipv6(outgoing, flow, hop);
	outgoing->count++;
}

int outgoing_add_in_place(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes)
{
	if (!fits(outgoing, bytes))
		return -EMSGSIZE;
	if (outgoing->count == RELAY_BATCH)
		outgoing_flush(outgoing);
	put(outgoing, flow, hop, (char *)bytes.at - OUTGOING_HEADROOM,
		bytes.length + OUTGOING_HEADROOM);
	return 0;
}

int outgoing_add(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes)
{
	char *copy;

	if (!fits(outgoing, bytes))
		return -EMSGSIZE;
	if (outgoing->count == RELAY_BATCH)
		outgoing_flush(outgoing);
	copy = outgoing->copies + outgoing->copied;
	outgoing->copied +=
		(OUTGOING_HEADROOM + bytes.length + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	memcpy(copy + OUTGOING_HEADROOM, bytes.at, bytes.length);
	put(outgoing, flow, hop, copy, bytes.length + OUTGOING_HEADROOM);
	return 0;
}

void outgoing_flush(struct outgoing *outgoing)
{
	for (unsigned done = 0; done < outgoing->count;) {
		int sent = sendmmsg(
			outgoing->socket, outgoing->messages + done, outgoing->count - done, 0);

		if (sent > 0) {
			outgoing->counters.sent += (unsigned)sent;
			done += (unsigned)sent;
		} else if (sent < 0 && errno == EINTR) {
			continue;
		} else {
			outgoing->counters.errors++;
			outgoing->counters.last_error = -errno;
			done++;
		}
	}
	outgoing->count = 0;
	outgoing->copied = 0;
}

struct outgoing_counters outgoing_counters(const struct outgoing *outgoing)
{
	return outgoing->counters;
}
