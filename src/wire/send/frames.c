#include "frames.h"

#include "batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_LINE = 64 };

struct frames {
	int socket;
	uint16_t label;        /* of IPv6 */
	unsigned count, limit; /* limit: of what is handed over at once */
	struct mmsghdr messages[BATCH_MAX];
	struct iovec spans[BATCH_MAX];
	struct sockaddr_ll hops[BATCH_MAX];
	struct {
		struct flow flow;
		struct text bytes;
	} datagrams[BATCH_MAX]; /* as they were added */
	/* Room for all, one after the other. */
	char *copies;
	size_t copied;
};

/* With protocol 0 a packet socket hears nothing. The locked filter keeps that so when somebody
 * binds it to another protocol. */
static int open_socket(uint32_t mark)
{
	const int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int error = fd < 0 ? -errno : outgoing_prepare_socket(fd, mark);

	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

int frames_open(const struct sender_settings *settings, struct frames **out)
{
	struct frames *frames = calloc(1, sizeof(*frames));

	if (!frames)
		return -ENOMEM;
	frames->label = settings->label;
	frames->limit = BATCH_MAX;
	frames->copies = batch_new();
	frames->socket = frames->copies ? open_socket(settings->mark) : -ENOMEM;
	if (frames->socket < 0) {
		int error = frames->socket;

		frames_close(frames);
		return error;
	}
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		frames->hops[i] = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_halen = 6};
		frames->messages[i].msg_hdr = (struct msghdr){.msg_name = &frames->hops[i],
			.msg_namelen = sizeof(frames->hops[i]),
			.msg_iov = &frames->spans[i],
			.msg_iovlen = 1};
	}
	*out = frames;
	return 0;
}

void frames_close(struct frames *frames)
{
	if (!frames)
		return;
	if (frames->socket >= 0)
		close(frames->socket);
	batch_free(frames->copies);
	free(frames);
}

bool frames_are_full(const struct frames *frames)
{
	return frames->count >= frames->limit;
}

bool frames_are_empty(const struct frames *frames)
{
	return frames->count == 0;
}

/* Copies the bytes behind their headers, of which it writes UDP's. Returns where the IP header
 * begins. */
static uint8_t *put(struct frames *frames, const struct flow *flow, const struct next_hop *hop,
	uint16_t protocol, size_t ip_length, struct text bytes)
{
	const unsigned i = frames->count++;
	uint8_t *ip = (uint8_t *)frames->copies + frames->copied, *udp = ip + ip_length;
	const size_t length = ip_length + DATAGRAM_UDP_LENGTH + bytes.length;
	char *copy = (char *)udp + DATAGRAM_UDP_LENGTH;

	frames->copied += (length + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	if (bytes.length)
		memcpy(copy, bytes.at, bytes.length);
	datagram_udp_header(flow, bytes, udp);
	frames->spans[i] = (struct iovec){ip, length};
	frames->hops[i].sll_protocol = htons(protocol);
	frames->hops[i].sll_ifindex = (int)hop->interface;
	memcpy(frames->hops[i].sll_addr, hop->mac, sizeof(hop->mac));
	frames->datagrams[i].flow = *flow;
	frames->datagrams[i].bytes = (struct text){copy, bytes.length};
	return ip;
}

void frames_add(struct frames *frames, const struct flow *flow, const struct next_hop *hop,
	const struct ipv4_fields *fields, struct text bytes)
{
	const size_t length = DATAGRAM_UDP_LENGTH + bytes.length;

	if (address_is_ipv4(&flow->destination))
		datagram_ipv4_whole_header(flow, fields, length,
			put(frames, flow, hop, ETHERTYPE_IP, DATAGRAM_IPV4_LENGTH, bytes));
	else
		datagram_ipv6_header(flow, hop->hop_limit, frames->label, length,
			put(frames, flow, hop, ETHERTYPE_IPV6, DATAGRAM_IPV6_LENGTH, bytes));
}

static unsigned hand_over(struct frames *frames,
	void (*refused)(void *context, int error, const struct flow *flow, struct text bytes),
	void *context)
{
	unsigned left = 0;

	for (unsigned done = 0; done < frames->count;) {
		const int sent =
			sendmmsg(frames->socket, frames->messages + done, frames->count - done, 0);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent > 0) {
			left += (unsigned)sent;
			done += (unsigned)sent;
			continue;
		}
		refused(context, -errno, &frames->datagrams[done].flow,
			frames->datagrams[done].bytes);
		done++;
	}
	return left;
}

/* A few say little of how long a batch takes. */
unsigned frames_flush(struct frames *frames,
	void (*refused)(void *context, int error, const struct flow *flow, struct text bytes),
	void *context)
{
	const bool tells = frames->count >= BATCH_MIN;
	const uint64_t begun_us = tells ? clock_us(CLOCK_MONOTONIC) : 0;
	const unsigned left = hand_over(frames, refused, context);

	if (tells)
		frames->limit = batch_limit(frames->count, clock_us(CLOCK_MONOTONIC) - begun_us);
	frames->count = 0;
	frames->copied = 0;
	return left;
}
