#include "ipv6_fragments.h"

#include "datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <stdalign.h>
#include <sys/socket.h>
#include <unistd.h>

struct fragment_header {
	struct ip6_hdr ip;
	struct ip6_frag fragment;
};

/* Of the datagram in each: whole eights of bytes. */
enum { PART_MAX = (IPV6_MTU_MIN - sizeof(struct fragment_header)) & ~7u };

int ipv6_fragments_open(uint32_t mark)
{
	const int descriptor = socket(
		AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW); /* hears nothing */
	const int on = 1;
	int error;

	if (descriptor < 0)
		return -errno;
	if (setsockopt(descriptor, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)) == 0 &&
		setsockopt(descriptor, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0)
		return descriptor;
	error = -errno;
	close(descriptor);
	return error;
}

static struct fragment_header write_header(
	const struct flow *flow, struct hop hop, uint32_t identification)
{
	struct fragment_header header = {
		.ip = {.ip6_flow = htonl(6u << 28 | (uint32_t)hop.tos << 20),
			.ip6_nxt = IPPROTO_FRAGMENT,
			.ip6_hlim = (uint8_t)hop.ttl},
		.fragment = {.ip6f_nxt = IPPROTO_UDP, .ip6f_ident = htonl(identification)},
	};

	memcpy(&header.ip.ip6_src, flow->source.ip, sizeof(header.ip.ip6_src));
	memcpy(&header.ip.ip6_dst, flow->destination.ip, sizeof(header.ip.ip6_dst));
	return header;
}

/* The source once more, for routes that look at it. */
static ssize_t send_packet(int socket, const struct flow *flow, struct iovec *spans, size_t count)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
	struct sockaddr_in6 destination = {.sin6_family = AF_INET6};
	struct msghdr message = {.msg_name = &destination,
		.msg_namelen = sizeof(destination),
		.msg_iov = spans,
		.msg_iovlen = count,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *info = CMSG_FIRSTHDR(&message);

	memcpy(&destination.sin6_addr, flow->destination.ip, sizeof(destination.sin6_addr));
	info->cmsg_level = IPPROTO_IPV6;
	info->cmsg_type = IPV6_PKTINFO;
	info->cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo));
	memcpy(CMSG_DATA(info), flow->source.ip, sizeof(flow->source.ip));
	return sendmsg(socket, &message, 0);
}

int ipv6_fragments_send(int socket, const struct flow *flow, struct hop hop,
	uint32_t identification, struct text bytes)
{
	struct fragment_header header = write_header(flow, hop, identification);
	const size_t length = DATAGRAM_UDP_LENGTH + bytes.length;
	uint8_t udp[DATAGRAM_UDP_LENGTH];

	datagram_udp_header(flow, bytes, udp);
	for (size_t at = 0, part; at < length; at += part) {
		/* The UDP header is in the first alone. */
		const size_t udp_part = at ? 0 : sizeof(udp);
		const char *payload = bytes.at + at + udp_part - sizeof(udp);
		const bool is_last = length - at <= PART_MAX;

		part = is_last ? length - at : PART_MAX;
		header.ip.ip6_plen = htons((uint16_t)(sizeof(header.fragment) + part));
		header.fragment.ip6f_offlg = htons((uint16_t)at) | (is_last ? 0 : IP6F_MORE_FRAG);
		struct iovec spans[] = {{&header, sizeof(header)}, {udp, udp_part},
			{(char *)payload, part - udp_part}};
		if (send_packet(socket, flow, spans, 3) < 0)
			return -errno;
	}
	return 0;
}
