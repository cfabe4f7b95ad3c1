#include "relay.h"

#include "../deputy.h"
#include "../host_watch.h"
#include "../send/batch.h"
#include "../send/sender.h"
#include "../socket_buffers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Original destination, TTL and TOS, of IPv6 the larger; and some to spare. */
enum { CONTROL_SIZE = 128 };

struct incoming {
	int socket;
	enum relay_direction direction;
};

struct relay {
	struct relay_settings settings;
	struct incoming incoming[RELAY_DESCRIPTORS_MAX];
	unsigned incoming_count;
	struct sender *sender;
	struct relay_counters counters;
	struct host_watch *watch;
	const struct host *host;

	/* The batch that is being handled, whose it is, and which socket has the next turn. */
	unsigned handled, received;
	const struct incoming *of;
	unsigned turn;
	struct mmsghdr messages[BATCH_MAX];
	struct iovec spans[BATCH_MAX];
	struct sockaddr_in6 sources[BATCH_MAX]; /* or sockaddr_in, which is smaller */
	alignas(struct cmsghdr) char controls[BATCH_MAX][CONTROL_SIZE];
	struct flow flows[BATCH_MAX];
	struct hop hops[BATCH_MAX];
	char *room;
};

static int set_options(int socket, int family)
{
	static const int ipv4[] = {IP_TRANSPARENT, IP_RECVORIGDSTADDR, IP_RECVTTL, IP_RECVTOS};
	static const int ipv6[] = {IPV6_TRANSPARENT, IPV6_RECVORIGDSTADDR, IPV6_RECVHOPLIMIT,
		IPV6_RECVTCLASS, IPV6_V6ONLY};
	const int *options = family == AF_INET ? ipv4 : ipv6;
	const size_t count =
		family == AF_INET ? sizeof(ipv4) / sizeof(*ipv4) : sizeof(ipv6) / sizeof(*ipv6);
	const int on = 1;

	for (size_t i = 0; i < count; i++)
		if (setsockopt(socket, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, options[i],
			    &on, sizeof(on)) < 0)
			return -errno;
	socket_buffer_in(socket, SOCKET_BUFFER);
	return 0;
}

static int bind_any(int socket, int family, uint16_t port)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int failed = family == AF_INET ? bind(socket, (struct sockaddr *)&ipv4, sizeof(ipv4))
				       : bind(socket, (struct sockaddr *)&ipv6, sizeof(ipv6));

	return failed < 0 ? -errno : 0;
}

static int explain(int error, enum relay_direction direction, uint16_t port, struct fault *fault)
{
	const char *key = direction == RELAY_IN ? "in-port" : "out-port";

	if (error == -EPERM || error == -EACCES)
		return fault_set_kind(fault, FAULT_LASTING, error,
			"cannot open the transparent sockets of the relay: %s; run natbox as root, "
			"or with CAP_NET_ADMIN and CAP_NET_RAW",
			strerror(-error));
	if (error == -EADDRINUSE)
		return fault_set(fault, error,
			"cannot listen on UDP port %u: it is in use (another natbox?); stop that "
			"program or set relay.%s to a free port",
			port, key);
	return fault_set(fault, error, "cannot open the relay on UDP port %u (relay.%s): %s", port,
		key, strerror(-error));
}

static int open_incoming(
	struct relay *relay, enum relay_direction direction, int family, struct fault *fault)
{
	const uint16_t port =
		direction == RELAY_IN ? relay->settings.in_port : relay->settings.out_port;
	const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return explain(-errno, direction, port, fault);
	relay->incoming[relay->incoming_count++] = (struct incoming){fd, direction};
	error = set_options(fd, family);
	if (!error)
		error = bind_any(fd, family, port);
	return error ? explain(error, direction, port, fault) : 0;
}

static int open_sockets(struct relay *relay, struct fault *fault)
{
	const struct sender_settings own = {.mark = relay->settings.own_mark};
	static const int families[] = {AF_INET, AF_INET6};
	int error = sender_open(&own, &relay->sender);
	unsigned count;

	if (error)
		return explain(error, RELAY_IN, relay->settings.in_port, fault);
	count = sender_has_ipv6(relay->sender) ? 2 : 1;
	for (unsigned i = 0; !error && i < count; i++) {
		error = open_incoming(relay, RELAY_IN, families[i], fault);
		if (!error)
			error = open_incoming(relay, RELAY_OUT, families[i], fault);
	}
	return error;
}

static void prepare_batch(struct relay *relay)
{
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		batch_back(batch_at(relay->room, i), BATCH_USUAL);
		relay->spans[i] = (struct iovec){batch_at(relay->room, i) + OUTGOING_HEADROOM,
			BATCH_ROOM - OUTGOING_HEADROOM};
		relay->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &relay->sources[i],
			.msg_namelen = sizeof(relay->sources[i]),
			.msg_iov = &relay->spans[i],
			.msg_iovlen = 1,
			.msg_control = relay->controls[i],
			.msg_controllen = CONTROL_SIZE,
		};
	}
}

int relay_open(const struct relay_settings *settings, struct relay **out, struct fault *fault)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	int error;

	if (!relay)
		return fault_set(fault, -ENOMEM, "cannot open the relay: out of memory");
	relay->settings = *settings;
	relay->room = batch_new();
	error = relay->room ? host_watch_open(DEPUTY_PATIENCE_MS, &relay->watch) : -ENOMEM;
	if (error)
		fault_set(fault, error, "cannot open the relay: %s", strerror(-error));
	else
		error = open_sockets(relay, fault);
	if (error) {
		relay_close(relay);
		return error;
	}
	prepare_batch(relay);
	*out = relay;
	return 0;
}

void relay_close(struct relay *relay)
{
	if (!relay)
		return;
	for (unsigned i = 0; i < relay->incoming_count; i++)
		close(relay->incoming[i].socket);
	sender_close(relay->sender);
	host_watch_close(relay->watch);
	batch_free(relay->room);
	free(relay);
}

unsigned relay_descriptors(const struct relay *relay, int list[static RELAY_DESCRIPTORS_MAX])
{
	for (unsigned i = 0; i < relay->incoming_count; i++)
		list[i] = relay->incoming[i].socket;
	return relay->incoming_count;
}

static struct address address_of(const void *socket_address)
{
	const struct sockaddr_in6 *ipv6 = socket_address;
	const struct sockaddr_in *ipv4 = socket_address;

	if (ipv4->sin_family == AF_INET)
		return address_ipv4(&ipv4->sin_addr, ntohs(ipv4->sin_port));
	return address_ipv6(&ipv6->sin6_addr, ntohs(ipv6->sin6_port));
}

/* Of what set_options has asked for no two types are the same. */
static void read_control(const struct cmsghdr *control, struct flow *flow, struct hop *hop)
{
	switch (control->cmsg_type) {
	case IP_TTL:
	case IPV6_HOPLIMIT:
		memcpy(&hop->ttl, CMSG_DATA(control), sizeof(int));
		break;
	case IP_TOS: /* a byte; all others are an int */
		hop->tos = *CMSG_DATA(control);
		break;
	case IPV6_TCLASS:
		memcpy(&hop->tos, CMSG_DATA(control), sizeof(int));
		break;
	case IP_ORIGDSTADDR:
	case IPV6_ORIGDSTADDR:
		flow->destination = address_of(CMSG_DATA(control));
		break;
	default:
		break;
	}
}

/* What the kernel tells about a datagram, whose header is then as before. */
static void read_arrival(struct msghdr *header, struct flow *flow, struct hop *hop)
{
	*flow = (struct flow){.source = address_of(header->msg_name)};
	*hop = (struct hop){0};
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
		control = CMSG_NXTHDR(header, control))
		read_control(control, flow, hop);
	header->msg_namelen = sizeof(struct sockaddr_in6);
	header->msg_controllen = CONTROL_SIZE;
}

/* A proxy that is made to answer to a relay port of ours, by a forged Contact say, would have its
 * answer go round for ever. */
static bool to_relay_port(const struct relay *relay, const struct address *destination)
{
	return (destination->port == relay->settings.in_port ||
		       destination->port == relay->settings.out_port) &&
	       host_has(relay->host, destination);
}

static bool is_proxy(const struct relay *relay, const struct address *address)
{
	return proxies_find(relay->settings.proxies, address) != PROXY_NONE;
}

static bool is_misdirected(
	const struct relay *relay, enum relay_direction direction, const struct flow *flow)
{
	if (direction == RELAY_IN)
		return !is_proxy(relay, &flow->destination);
	return !is_proxy(relay, &flow->source) || to_relay_port(relay, &flow->destination);
}

/* True when the datagram may go on. */
static bool take_hop(const struct relay *relay, enum relay_direction direction,
	const struct flow *flow, struct hop *hop)
{
	if (host_has(relay->host, direction == RELAY_IN ? &flow->destination : &flow->source))
		return true;
	return --hop->ttl > 0;
}

static void relay_one(
	struct relay *relay, uint64_t now_us, const struct wire_handler *handler, unsigned i)
{
	const enum relay_direction direction = relay->of->direction;
	const struct flow *flow = &relay->flows[i];
	struct hop hop = relay->hops[i];
	struct text bytes = {relay->spans[i].iov_base, relay->messages[i].msg_len};
	struct outcome outcome;
	int error = 0;

	relay->counters.received[direction]++;
	if (is_misdirected(relay, direction, flow)) {
		relay->counters.misdirected++;
		return;
	}
	if (!take_hop(relay, direction, flow, &hop)) {
		relay->counters.expired++;
		return;
	}
	outcome = handler->datagram(handler->context, now_us, flow, bytes);
	if (outcome.verdict == VERDICT_PASS)
		error = sender_add_in_place(relay->sender, flow, hop, bytes);
	else if (outcome.verdict == VERDICT_REWRITE)
		error = sender_add(relay->sender, flow, hop, outcome.bytes);
	if (error) {
		relay->counters.send_errors++;
		relay->counters.last_send_error = error;
	}
}

bool relay_has_rest(const struct relay *relay)
{
	return relay->handled < relay->received;
}

/* To its end, or until as many bytes have been handled, or its time is up, when none are left to
 * be. Returns how many datagrams. */
static unsigned handle_batch(struct relay *relay, uint64_t now_us,
	const struct wire_handler *handler, size_t *bytes_left)
{
	unsigned count = 0;

	while (relay_has_rest(relay) && *bytes_left) {
		const unsigned i = relay->handled++;
		const size_t length = relay->messages[i].msg_len;

		relay_one(relay, now_us, handler, i);
		*bytes_left -= length < *bytes_left ? length : *bytes_left;
		if (wire_is_to_ask(++count, length) && !wire_has_time(handler))
			*bytes_left = 0;
	}
	if (count)
		sender_flush(relay->sender);
	return count;
}

/* Appends as many as there are, until the batch has so many. */
static void take(struct relay *relay, unsigned until)
{
	const int count = recvmmsg(relay->of->socket, relay->messages + relay->received,
		until - relay->received, 0, NULL);

	for (const unsigned end = relay->received + (count > 0 ? (unsigned)count : 0);
		relay->received < end; relay->received++)
		read_arrival(&relay->messages[relay->received].msg_hdr,
			&relay->flows[relay->received], &relay->hops[relay->received]);
}

/* A few first: where they are long, all of a batch would take milliseconds to be copied. */
static void take_batch(struct relay *relay)
{
	enum { FEW = 8, FEW_BYTES = FEW * WIRE_ASK_BYTES };
	size_t bytes = 0;

	relay->of = &relay->incoming[relay->turn];
	relay->turn = (relay->turn + 1) % relay->incoming_count;
	relay->handled = relay->received = 0;
	take(relay, FEW);
	if (relay->received < FEW)
		return;
	for (unsigned i = 0; i < FEW; i++)
		bytes += relay->messages[i].msg_len;
	if (bytes < FEW_BYTES)
		take(relay, BATCH_MAX);
}

unsigned relay_receive(struct relay *relay, uint64_t now_us, const struct wire_handler *handler)
{
	size_t bytes_left = WIRE_TURN_BYTES_MAX;
	unsigned count;

	relay->host = host_watch_now(relay->watch);
	count = handle_batch(relay, now_us, handler, &bytes_left);
	for (unsigned i = 0; i < relay->incoming_count && bytes_left; i++) {
		take_batch(relay);
		wire_expect(handler, relay->flows, relay->received);
		count += handle_batch(relay, now_us, handler, &bytes_left);
	}
	sender_flush(relay->sender);
	return count;
}

struct sender *relay_sender(const struct relay *relay)
{
	return relay->sender;
}

static uint32_t overruns(int socket)
{
	uint32_t information[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(information);

	if (getsockopt(socket, SOL_SOCKET, SO_MEMINFO, information, &length) < 0)
		return 0;
	return information[SK_MEMINFO_DROPS];
}

struct relay_counters relay_counters(const struct relay *relay)
{
	struct relay_counters counters = relay->counters;
	const struct sent_counters sent = sender_counters(relay->sender);

	counters.sent += sent.sent;
	counters.send_errors += sent.errors;
	if (sent.last_error)
		counters.last_send_error = sent.last_error;
	for (unsigned i = 0; i < relay->incoming_count; i++)
		counters.overruns += overruns(relay->incoming[i].socket);
	return counters;
}
