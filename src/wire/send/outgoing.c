#include "outgoing.h"

#include "../hops/hops.h"
#include "../socket_buffers.h"
#include "batch.h"
#include "identification.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libnet.h>
#include <linux/filter.h>
#include <linux/in6.h> /* IPV6_FLOWINFO_SEND */
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_LINE = 64 };

/* Ancillary data in the order in which it is always written, what is not always needed last. */
struct control_ipv4 {
	alignas(struct cmsghdr) char info[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char tos[CMSG_SPACE(sizeof(int))], ttl[CMSG_SPACE(sizeof(int))];
};
struct control_ipv6 {
	alignas(struct cmsghdr) char info[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	char ttl[CMSG_SPACE(sizeof(int))], tos[CMSG_SPACE(sizeof(int))];
};

struct outgoing {
	int socket, family; /* AF_PACKET: of frames */
	struct sender_settings settings;
	struct sent_counters *counters;
	libnet_t *libnet; /* IPv4: a socket for datagrams with their header; else NULL */
	int default_ttl;  /* IPv4 */
	struct identifications identifications;
	unsigned count, limit; /* limit: of what is handed over at once */
	struct mmsghdr messages[BATCH_MAX];
	struct iovec spans[BATCH_MAX];
	union {
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
		struct sockaddr_ll frame;
	} destinations[BATCH_MAX];
	union {
		struct control_ipv4 ipv4;
		struct control_ipv6 ipv6;
	} controls[BATCH_MAX];
	/* Room for all, one after the other: short ones share pages and neighbouring cache
	 * lines. */
	char *copies;
	size_t copied;
	/* Of frames: as they were added, and whom those that the device refuses are handed to. */
	struct {
		struct flow flow;
		struct text bytes;
	} datagrams[BATCH_MAX];
	void (*refused)(void *context, int error, const struct flow *flow, struct text bytes);
	void *context;
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

/* Of a socket that only sends: a large buffer, the mark if not 0, and a filter that lets it hear
 * nothing, locked, so that it stays so, whoever may have taken natbox over: be it a packet socket,
 * which hears nothing with protocol 0, that is bound to another one. 0 or a negative errno. */
static int prepare_socket(int socket, uint32_t mark)
{
	struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog program = {1, nothing};
	const int on = 1;

	socket_buffer_out(socket, SOCKET_BUFFER);
	if ((mark && setsockopt(socket, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) ||
		setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
		setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static int set_options(int socket, int family, uint32_t mark)
{
	const int on = 1, off = 0;
	const int fragment = IP_PMTUDISC_DONT; /* IPV6_PMTUDISC_DONT is the same */
	const bool ipv4 = family == AF_INET;
	const int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;

	if (setsockopt(socket, level, ipv4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof(on)) <
			0 ||
		setsockopt(socket, level, ipv4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &fragment,
			sizeof(fragment)) < 0 ||
		setsockopt(socket, SOL_SOCKET, SO_BROADCAST, &off, sizeof(off)) < 0)
		return -errno;
	return prepare_socket(socket, mark);
}

/* But for frames the kernel writes the IP header. */
static int open_socket(struct outgoing *outgoing)
{
	const int family = outgoing->family, on = 1, minimum = IPV6_MTU_MIN;
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	int error;

	outgoing->socket = family == AF_PACKET ? socket(family, SOCK_DGRAM | flags, 0)
					       : socket(family, SOCK_RAW | flags, IPPROTO_UDP);
	if (outgoing->socket < 0)
		return -errno;
	if (family == AF_PACKET)
		return prepare_socket(outgoing->socket, outgoing->settings.mark);
	error = set_options(outgoing->socket, family, outgoing->settings.mark);
	if (!error && bind_out_of_the_way(outgoing->socket, family) < 0)
		error = -errno;
	/* Fragments that no path is too small for (RFC 8200 5): of a smaller one the source is
	 * told, which is another host. */
	if (!error && family == AF_INET6 &&
		setsockopt(outgoing->socket, IPPROTO_IPV6, IPV6_MTU, &minimum, sizeof(minimum)) < 0)
		error = -errno;
	if (!error && family == AF_INET6 && outgoing->settings.label &&
		setsockopt(outgoing->socket, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, &on, sizeof(on)) < 0)
		error = -errno;
	return error;
}

/* For datagrams with their header. libnet loses errno on its way out, but what it does here has
 * been done once already. */
static int open_libnet(struct outgoing *outgoing)
{
	char why[LIBNET_ERRBUF_SIZE];
	socklen_t length = sizeof(outgoing->default_ttl);
	int fd, flags;

	outgoing->libnet = libnet_init(LIBNET_RAW4_ADV, NULL, why);
	if (!outgoing->libnet)
		return -EIO;
	fd = libnet_getfd(outgoing->libnet);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC) ||
		getsockopt(fd, IPPROTO_IP, IP_TTL, &outgoing->default_ttl, &length))
		return -errno;
	return set_options(fd, AF_INET, outgoing->settings.mark);
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

	*header = (struct msghdr){.msg_name = &outgoing->destinations[i],
		.msg_namelen = sizeof(struct sockaddr_in),
		.msg_iov = &outgoing->spans[i],
		.msg_iovlen = 1,
		.msg_control = &outgoing->controls[i]};
	/* The first member of all of them. */
	outgoing->destinations[i].ipv4.sin_family = (sa_family_t)outgoing->family;
	if (outgoing->family == AF_PACKET) {
		header->msg_namelen = sizeof(struct sockaddr_ll);
		outgoing->destinations[i].frame.sll_halen = 6;
	} else if (outgoing->family == AF_INET6) {
		header->msg_namelen = sizeof(struct sockaddr_in6);
		outgoing->destinations[i].ipv6.sin6_flowinfo = htonl(outgoing->settings.label);
	}
}

int outgoing_open(int family, const struct sender_settings *settings,
	struct sent_counters *counters, struct outgoing **out)
{
	struct outgoing *outgoing = calloc(1, sizeof(*outgoing));
	int error;

	if (!outgoing)
		return -ENOMEM;
	outgoing->family = family;
	outgoing->limit = BATCH_MAX;
	outgoing->settings = *settings;
	outgoing->counters = counters;
	outgoing->copies = batch_new();
	error = open_socket(outgoing);
	if (!error && !outgoing->copies)
		error = -ENOMEM;
	if (!error && family == AF_INET)
		error = open_libnet(outgoing);
	if (!error && family == AF_INET)
		error = identifications_prepare(&outgoing->identifications);
	if (error) {
		outgoing_close(outgoing);
		return error;
	}
	for (unsigned i = 0; i < BATCH_MAX; i++)
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
	if (outgoing->libnet)
		libnet_destroy(outgoing->libnet);
	batch_free(outgoing->copies);
	free(outgoing);
}

struct ipv4_fields outgoing_ipv4_fields(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop)
{
	const uint16_t label = outgoing->settings.label;

	return (struct ipv4_fields){
		.ttl = (uint8_t)(hop.ttl < 0 ? outgoing->default_ttl : hop.ttl),
		.tos = (uint8_t)(hop.tos < 0 ? 0 : hop.tos),
		.identification =
			label ? label : identification_next(&outgoing->identifications, flow),
		.dont_fragment = label != 0,
	};
}

/* The control message of the TOS is for routes and queues that look at it. */
static size_t put_ipv4(struct outgoing *outgoing, const struct flow *flow, struct hop hop)
{
	struct control_ipv4 *control = &outgoing->controls[outgoing->count].ipv4;
	struct in_pktinfo info = {0};

	memcpy(&outgoing->destinations[outgoing->count].ipv4.sin_addr, flow->destination.ip + 12,
		4);
	memcpy(&info.ipi_spec_dst, flow->source.ip + 12, 4);
	put_control(control->info, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	if (hop.tos <= 0)
		return offsetof(struct control_ipv4, tos);
	put_control(control->tos, IPPROTO_IP, IP_TOS, &hop.tos, sizeof(hop.tos));
	return offsetof(struct control_ipv4, ttl);
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
	return bytes.length <= (outgoing->family == AF_INET ? DATAGRAM_PAYLOAD_IPV4_MAX
							    : DATAGRAM_PAYLOAD_IPV6_MAX);
}

/* Writes into the headroom, which is as long as both headers of IPv4. */
static void put(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes)
{
	struct msghdr *header = &outgoing->messages[outgoing->count].msg_hdr;
	char *udp = (char *)bytes.at - DATAGRAM_UDP_LENGTH, *start = udp;
	struct ipv4_fields fields;

	datagram_udp_header(flow, bytes, (uint8_t *)udp);
	if (outgoing->family == AF_INET) {
		start -= DATAGRAM_IPV4_LENGTH;
		fields = outgoing_ipv4_fields(outgoing, flow, hop);
		datagram_ipv4_header(flow, &fields, (uint8_t *)start);
		header->msg_controllen = put_ipv4(outgoing, flow, hop);
	} else {
		header->msg_controllen = put_ipv6(outgoing, flow, hop);
	}
	outgoing->spans[outgoing->count++] =
		(struct iovec){start, (size_t)(bytes.at - start) + bytes.length};
}

bool outgoing_make_room(struct outgoing *outgoing)
{
	if (outgoing->count >= outgoing->limit)
		outgoing_flush(outgoing);
	return outgoing->count == 0;
}

/* Behind so much room for headers. */
static struct text copy(struct outgoing *outgoing, size_t headers, struct text bytes)
{
	char *to = outgoing->copies + outgoing->copied + headers;

	outgoing->copied += (headers + bytes.length + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	if (bytes.length)
		memcpy(to, bytes.at, bytes.length);
	return (struct text){to, bytes.length};
}

int outgoing_add_in_place(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes)
{
	if (!fits(outgoing, bytes))
		return -EMSGSIZE;
	outgoing_make_room(outgoing);
	put(outgoing, flow, hop, bytes);
	return 0;
}

int outgoing_add(
	struct outgoing *outgoing, const struct flow *flow, struct hop hop, struct text bytes)
{
	if (!fits(outgoing, bytes))
		return -EMSGSIZE;
	outgoing_make_room(outgoing);
	put(outgoing, flow, hop, copy(outgoing, OUTGOING_HEADROOM, bytes));
	return 0;
}

void outgoing_add_frame(struct outgoing *frames, const struct flow *flow,
	const struct next_hop *hop, const struct ipv4_fields *fields, struct text bytes)
{
	const bool ipv4 = address_is_ipv4(&flow->destination);
	const size_t ip_length = ipv4 ? DATAGRAM_IPV4_LENGTH : DATAGRAM_IPV6_LENGTH;
	const size_t headers = ip_length + DATAGRAM_UDP_LENGTH;
	const size_t length = DATAGRAM_UDP_LENGTH + bytes.length;
	const struct text copied = copy(frames, headers, bytes);
	const unsigned i = frames->count++;
	struct sockaddr_ll *destination = &frames->destinations[i].frame;
	uint8_t *ip = (uint8_t *)copied.at - headers;

	datagram_udp_header(flow, bytes, ip + ip_length);
	if (ipv4)
		datagram_ipv4_whole_header(flow, fields, length, ip);
	else
		datagram_ipv6_header(flow, hop->hop_limit, frames->settings.label, length, ip);
	frames->spans[i] = (struct iovec){ip, headers + bytes.length};
	destination->sll_protocol = htons(ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	destination->sll_ifindex = (int)hop->interface;
	memcpy(destination->sll_addr, hop->mac, sizeof(hop->mac));
	frames->datagrams[i].flow = *flow;
	frames->datagrams[i].bytes = copied;
}

void outgoing_hand_back(struct outgoing *frames,
	void (*refused)(void *context, int error, const struct flow *flow, struct text bytes),
	void *context)
{
	frames->refused = refused;
	frames->context = context;
}

/* What is longer than the interface's MTU, with the header left to the kernel. */
static bool send_in_fragments(struct outgoing *outgoing, unsigned i)
{
	const struct iovec *whole = &outgoing->spans[i];
	struct iovec span = {(char *)whole->iov_base + DATAGRAM_IPV4_LENGTH,
		whole->iov_len - DATAGRAM_IPV4_LENGTH};
	struct msghdr header = outgoing->messages[i].msg_hdr;
	struct control_ipv4 *control = &outgoing->controls[i].ipv4;
	struct libnet_ipv4_hdr ip;
	int ttl, tos;

	memcpy(&ip, whole->iov_base, sizeof(ip));
	ttl = ip.ip_ttl;
	tos = ip.ip_tos;
	put_control(control->tos, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	put_control(control->ttl, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	header.msg_controllen = sizeof(*control);
	header.msg_iov = &span;
	return sendmsg(outgoing->socket, &header, 0) >= 0;
}

static void refuse(struct outgoing *outgoing, unsigned i, int error)
{
	const bool ipv4 = outgoing->family == AF_INET;
	const char *udp = (char *)outgoing->spans[i].iov_base + (ipv4 ? DATAGRAM_IPV4_LENGTH : 0);
	struct libnet_udp_hdr header;
	uint16_t port;

	if (outgoing->family == AF_PACKET) {
		outgoing->refused(outgoing->context, error, &outgoing->datagrams[i].flow,
			outgoing->datagrams[i].bytes);
		return;
	}
	memcpy(&header, udp, sizeof(header));
	port = ntohs(header.uh_dport);
	outgoing->counters->errors++;
	outgoing->counters->last_error = error;
	outgoing->counters->last_refused =
		ipv4 ? address_ipv4(&outgoing->destinations[i].ipv4.sin_addr, port)
		     : address_ipv6(&outgoing->destinations[i].ipv6.sin6_addr, port);
}

static void hand_over(struct outgoing *outgoing)
{
	const int fd = outgoing->libnet ? libnet_getfd(outgoing->libnet) : outgoing->socket;

	for (unsigned done = 0; done < outgoing->count;) {
		int sent = sendmmsg(fd, outgoing->messages + done, outgoing->count - done, 0);

		if (sent < 0 && errno == EMSGSIZE && outgoing->libnet &&
			send_in_fragments(outgoing, done))
			sent = 1;
		if (sent > 0) {
			outgoing->counters->sent += (unsigned)sent;
			done += (unsigned)sent;
		} else if (errno != EINTR) {
			refuse(outgoing, done++, -errno);
		}
	}
}

/* A few say little of how long a batch takes. */
void outgoing_flush(struct outgoing *outgoing)
{
	const bool tells = outgoing->count >= BATCH_MIN;
	const uint64_t begun_us = tells ? clock_us(CLOCK_MONOTONIC) : 0;

	hand_over(outgoing);
	if (tells)
		outgoing->limit =
			batch_limit(outgoing->count, clock_us(CLOCK_MONOTONIC) - begun_us);
	outgoing->count = 0;
	outgoing->copied = 0;
}
