/* UDP peers for the tests of the kernel side, which have to see source, TTL and TOS of what
 * arrives.
 *
 *     peer echo ADDRESS:PORT [COUNT]
 *         Answers each datagram with its own bytes, and prints a line for it: "FROM BYTES TTL TOS".
 *         Ends after COUNT, if given.
 *     peer ask [-x] [-g BYTES] [-t TOS] [-l TTL] [-k MARK] [-m MILLISECONDS]
 *              ADDRESS:PORT ADDRESS:PORT BYTES [COUNT [PAUSE_MS]]
 *         From the first address, whoever has it, sends to the second and waits for the same bytes
 *         to come back. A line for each answer: "FROM BYTES TTL TOS". Status 1 when an answer stays
 *         out. -x: with an IPv6 extension header. -g: the kernel makes datagrams of so many bytes
 *         each of it, as late as it can (UDP_SEGMENT). With COUNT and PAUSE_MS prints at the end
 *         "longest gap MILLISECONDS", between two answers.
 *     peer forge [-xoz] [-p BYTES] [-g BYTES] ADDRESS:PORT ADDRESS:PORT BYTES|-
 *         Sends one datagram whose source is the first address, whoever has it. -: of what
 *         standard input has. -x and -g: as above. -o: with IPv4 options. -z: without a UDP
 *         checksum. -p: with so many bytes in its packet behind what UDP says is its end.
 *     peer queue NUMBER
 *         Has the kernel's queue of that number, until it is ended. */
#include "wire/queue/queue.h"
#include "wire/send/datagram.h"

#include <natbox/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 65507, DEFAULT_WAIT_MS = 2000 };

struct received {
	struct sockaddr_storage source;
	socklen_t source_length;
	ssize_t length;
	int ttl, tos;
	char bytes[DATAGRAM_MAX];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct address to_address(const char *text)
{
	struct address address = {0};

	if (address_parse(text_from(text), 0, &address) < 0) {
		errno = EINVAL;
		die(text);
	}
	return address;
}

static socklen_t to_socket_address(const char *text, struct sockaddr_storage *storage)
{
	struct sockaddr_in *ipv4 = (void *)storage;
	struct sockaddr_in6 *ipv6 = (void *)storage;
	const struct address address = to_address(text);

	memset(storage, 0, sizeof(*storage));
	if (address_is_ipv4(&address)) {
		*ipv4 = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(address.port)};
		memcpy(&ipv4->sin_addr, address.ip + 12, 4);
		return sizeof(*ipv4);
	}
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons(address.port);
	memcpy(&ipv6->sin6_addr, address.ip, 16);
	return sizeof(*ipv6);
}

static void set(int descriptor, int level, int option, int value)
{
	if (setsockopt(descriptor, level, option, &value, sizeof(value)) < 0)
		die("setsockopt");
}

/* transparent: may be bound to an address of another host. */
static int open_bound(const char *text, bool transparent)
{
	struct sockaddr_storage own;
	const socklen_t length = to_socket_address(text, &own);
	const bool ipv4 = own.ss_family == AF_INET;
	const int descriptor = socket(own.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (descriptor < 0)
		die("socket");
	if (transparent)
		set(descriptor, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
			ipv4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1);
	set(descriptor, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1);
	set(descriptor, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
	if (bind(descriptor, (struct sockaddr *)&own, length) < 0)
		die(text);
	return descriptor;
}

static void read_control(struct msghdr *header, struct received *received)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
		control = CMSG_NXTHDR(header, control)) {
		const bool ipv4 = control->cmsg_level == IPPROTO_IP;

		if (control->cmsg_type == (ipv4 ? IP_TTL : IPV6_HOPLIMIT))
			memcpy(&received->ttl, CMSG_DATA(control), sizeof(int));
		else if (control->cmsg_type == (ipv4 ? IP_TOS : IPV6_TCLASS))
			received->tos = *CMSG_DATA(control);
	}
}

static bool receive(int descriptor, int wait_ms, struct received *received)
{
	struct pollfd polled = {.fd = descriptor, .events = POLLIN};
	alignas(struct cmsghdr) char control[256];
	struct iovec span = {received->bytes, sizeof(received->bytes)};
	struct msghdr header = {.msg_name = &received->source,
		.msg_namelen = sizeof(received->source),
		.msg_iov = &span,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};

	if (poll(&polled, 1, wait_ms) <= 0)
		return false;
	received->length = recvmsg(descriptor, &header, 0);
	received->source_length = header.msg_namelen;
	if (received->length < 0)
		return false;
	read_control(&header, received);
	return true;
}

static void print(const struct received *received)
{
	const struct sockaddr_in *ipv4 = (const void *)&received->source;
	const struct sockaddr_in6 *ipv6 = (const void *)&received->source;
	char text[ADDRESS_TEXT_MAX];
	const struct address address =
		received->source.ss_family == AF_INET
			? address_ipv4(&ipv4->sin_addr, ntohs(ipv4->sin_port))
			: address_ipv6(&ipv6->sin6_addr, ntohs(ipv6->sin6_port));

	address_format(&address, text);
	printf("%s %zd %d %#x\n", text, received->length, received->ttl, (unsigned)received->tos);
	fflush(stdout);
}

static int echo(const char *own, long count)
{
	static struct received received;
	const int descriptor = open_bound(own, false);

	for (long i = 0; !count || i < count; i++) {
		if (!receive(descriptor, -1, &received))
			continue;
		print(&received);
		sendto(descriptor, received.bytes, (size_t)received.length, 0,
			(struct sockaddr *)&received.source, received.source_length);
	}
	return 0;
}

struct question {
	const char *own, *other;
	size_t length;
	long count, pause_ms;
	int tos, ttl, mark, segment, wait_ms, padding;
	bool is_extended, has_options, is_unchecked;
};

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void set_options(int descriptor, int family, const struct question *question)
{
	static const char padding[] = {0, 0, 1, 4, 0, 0, 0, 0};
	static const char router_alert[] = {(char)0x94, 4, 0, 0};
	const bool ipv4 = family == AF_INET;
	const int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;

	if (question->tos >= 0)
		set(descriptor, level, ipv4 ? IP_TOS : IPV6_TCLASS, question->tos);
	if (question->segment)
		set(descriptor, IPPROTO_UDP, UDP_SEGMENT, question->segment);
	if (question->is_extended &&
		setsockopt(descriptor, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof(padding)) < 0)
		die("destination options");
	if (question->has_options && setsockopt(descriptor, IPPROTO_IP, IP_OPTIONS, router_alert,
					     sizeof(router_alert)) < 0)
		die("options");
	if (question->is_unchecked)
		set(descriptor, SOL_SOCKET, SO_NO_CHECK, 1);
	if (question->mark)
		set(descriptor, SOL_SOCKET, SO_MARK, question->mark);
	if (question->ttl > 0)
		set(descriptor, level, ipv4 ? IP_TTL : IPV6_UNICAST_HOPS, question->ttl);
}

/* The bytes say which question they are, so that a late answer is not taken for the next. */
static void write_question(char *bytes, size_t length, long number)
{
	char text[32];
	const int used = snprintf(text, sizeof(text), "question %ld ", number);

	for (size_t i = 0; i < length; i++)
		bytes[i] = i < (size_t)used ? text[i] : (char)('a' + i % 26);
}

static bool await_answer(int descriptor, const char *bytes, const struct question *question)
{
	static struct received received;

	while (receive(descriptor, question->wait_ms, &received))
		if ((size_t)received.length == question->length &&
			memcmp(received.bytes, bytes, question->length) == 0) {
			print(&received);
			return true;
		}
	return false;
}

static int ask(const struct question *question)
{
	static char bytes[DATAGRAM_MAX];
	struct sockaddr_storage other;
	const socklen_t length = to_socket_address(question->other, &other);
	const int descriptor = open_bound(question->own, true);
	double last = milliseconds(), longest = 0;
	bool answered = true;

	set_options(descriptor, other.ss_family, question);
	for (long i = 0; i < question->count; i++) {
		write_question(bytes, question->length, i);
		sendto(descriptor, bytes, question->length, 0, (struct sockaddr *)&other, length);
		answered = await_answer(descriptor, bytes, question);
		if (answered || i + 1 == question->count) {
			const double now = milliseconds();

			longest = now - last > longest ? now - last : longest;
			last = now;
		}
		usleep((useconds_t)question->pause_ms * 1000);
	}
	if (question->count > 1)
		printf("longest gap %.0f\n", longest);
	return answered ? 0 : 1;
}

static size_t read_length(const char *text)
{
	const long length = strtol(text, NULL, 10);

	return length < 0 || length > DATAGRAM_MAX ? DATAGRAM_MAX : (size_t)length;
}

/* What a UDP socket cannot send: a packet that goes on behind its datagram. */
static void send_padded(const struct question *question, struct text bytes)
{
	static char packet[DATAGRAM_UDP_LENGTH + DATAGRAM_MAX];
	const struct flow flow = {to_address(question->own), to_address(question->other)};
	struct sockaddr_storage own, other;
	const socklen_t own_length = to_socket_address(question->own, &own);
	const socklen_t length = to_socket_address(question->other, &other);
	const int descriptor = socket(own.ss_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	const size_t packet_length = DATAGRAM_UDP_LENGTH + bytes.length + (size_t)question->padding;

	((struct sockaddr_in *)&own)->sin_port = 0;
	((struct sockaddr_in *)&other)->sin_port = 0;
	if (descriptor < 0 || packet_length > sizeof(packet) ||
		bind(descriptor, (struct sockaddr *)&own, own_length) < 0)
		die("raw socket");
	datagram_udp_header(&flow, bytes, (uint8_t *)packet);
	memcpy(packet + DATAGRAM_UDP_LENGTH, bytes.at, bytes.length);
	if (sendto(descriptor, packet, packet_length, 0, (struct sockaddr *)&other, length) < 0)
		die("sendto");
}

static int forge(const struct question *question, const char *what)
{
	static char bytes[DATAGRAM_MAX];
	const bool is_given = strcmp(what, "-") == 0;
	const size_t length = is_given ? fread(bytes, 1, sizeof(bytes), stdin) : question->length;
	struct sockaddr_storage other;
	const socklen_t other_length = to_socket_address(question->other, &other);
	int descriptor;

	if (!is_given)
		write_question(bytes, length, 0);
	if (question->padding) {
		send_padded(question, (struct text){bytes, length});
		return 0;
	}
	descriptor = open_bound(question->own, true);
	set_options(descriptor, other.ss_family, question);
	if (sendto(descriptor, bytes, length, 0, (struct sockaddr *)&other, other_length) < 0)
		die("sendto");
	return 0;
}

static bool read_option(int option, struct question *question)
{
	switch (option) {
	case 't':
		question->tos = (int)strtol(optarg, NULL, 0);
		return true;
	case 'l':
		question->ttl = (int)strtol(optarg, NULL, 0);
		return true;
	case 'x':
		question->is_extended = true;
		return true;
	case 'o':
		question->has_options = true;
		return true;
	case 'z':
		question->is_unchecked = true;
		return true;
	case 'p':
		question->padding = (int)strtol(optarg, NULL, 0);
		return true;
	case 'g':
		question->segment = (int)strtol(optarg, NULL, 0);
		return true;
	case 'k':
		question->mark = (int)strtol(optarg, NULL, 0);
		return true;
	case 'm':
		question->wait_ms = (int)strtol(optarg, NULL, 0);
		return true;
	default:
		return false;
	}
}

static int as_told(const char *command, int argc, char **argv)
{
	struct question question = {.count = 1, .tos = -1, .ttl = -1, .wait_ms = DEFAULT_WAIT_MS};

	for (int option; (option = getopt(argc, argv, "xozp:g:t:l:k:m:")) != -1;)
		if (!read_option(option, &question))
			return 2;
	if (argc - optind < 3)
		return 2;
	question.own = argv[optind];
	question.other = argv[optind + 1];
	question.length = read_length(argv[optind + 2]);
	if (argc - optind > 3)
		question.count = strtol(argv[optind + 3], NULL, 10);
	if (argc - optind > 4)
		question.pause_ms = strtol(argv[optind + 4], NULL, 10);
	return strcmp(command, "forge") == 0 ? forge(&question, argv[optind + 2]) : ask(&question);
}

static int hold_queue(const char *number)
{
	const struct queue_settings settings = {(uint16_t)strtol(number, NULL, 10), 1};
	struct queue *queue;
	struct fault fault;

	if (queue_open(&settings, &queue, &fault) != 0) {
		fprintf(stderr, "peer: %s\n", fault.line);
		return 1;
	}
	return pause();
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[1] : "";

	if (strcmp(command, "echo") == 0)
		return echo(argv[2], argc > 3 ? strtol(argv[3], NULL, 10) : 0);
	if (strcmp(command, "ask") == 0 || strcmp(command, "forge") == 0)
		return as_told(command, argc - 1, argv + 1);
	if (strcmp(command, "queue") == 0)
		return hold_queue(argv[2]);
	fprintf(stderr,
		"usage: peer echo|ask|forge|queue ...; see the head of tests/programs/peer.c\n");
	return 2;
}
