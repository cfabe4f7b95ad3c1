/* The bare loop that keepalives are held against: sends the same datagrams in the cheapest plain
 * way, sendmmsg on a raw socket, and does nothing else.
 *
 *     baresend CAPTURE CLIENTS RATE SECONDS
 *
 * The first datagram in CAPTURE goes to CLIENTS addresses in turn, from the one it was sent to on;
 * to RATE of them a second, which start every 10 ms, as natbox's do. Prints microseconds of CPU a
 * datagram, and how many were sent. */
#include "wire/capture/capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, BYTES_MAX = 1400, TICKS_PER_SECOND = 100, TTL = 64 };

struct keepalive {
	struct iphdr ip; /* the kernel fills in what is left 0 */
	struct udphdr udp;
	char bytes[BYTES_MAX];
};

struct sender {
	int socket;
	uint32_t first, clients, next; /* addresses; the first in host order */
	uint32_t sum;                  /* for the UDP checksum, without the destination */
	struct keepalive packets[BATCH];
	struct sockaddr_in destinations[BATCH];
	struct iovec spans[BATCH];
	struct mmsghdr messages[BATCH];
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "baresend: %s: %s\n", what, why);
	exit(1);
}

static uint32_t ipv4_of(const struct address *address)
{
	uint32_t ip;

	memcpy(&ip, address->ip + 12, sizeof(ip));
	return ip;
}

/* Of 16-bit words in network order; bytes are padded with 0. */
static uint32_t sum_of(const void *bytes, size_t length)
{
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i < length; i += sizeof(word)) {
		word = 0;
		memcpy(&word, (const char *)bytes + i, length - i < 2 ? 1 : 2);
		sum += word;
	}
	return sum;
}

static uint16_t checksum_of(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void prepare(struct sender *sender, const struct datagram *datagram)
{
	const size_t length = datagram->bytes.length;
	const struct address *source = &datagram->flow.source;
	struct keepalive packet = {
		.ip = {.version = 4,
			.ihl = sizeof(packet.ip) / 4,
			.ttl = TTL,
			.protocol = IPPROTO_UDP,
			.saddr = ipv4_of(source)},
		.udp = {.source = htons(source->port),
			.dest = htons(datagram->flow.destination.port),
			.len = htons((uint16_t)(sizeof(packet.udp) + length))},
	};

	memcpy(packet.bytes, datagram->bytes.at, length);
	sender->first = ntohl(ipv4_of(&datagram->flow.destination));
	sender->sum = sum_of(&packet.ip.saddr, sizeof(packet.ip.saddr)) + htons(IPPROTO_UDP) +
		      packet.udp.len + sum_of(&packet.udp, sizeof(packet.udp) + length);
	for (unsigned i = 0; i < BATCH; i++) {
		sender->packets[i] = packet;
		sender->destinations[i].sin_family = AF_INET;
		sender->spans[i] = (struct iovec){
			&sender->packets[i], sizeof(packet.ip) + sizeof(packet.udp) + length};
		sender->messages[i].msg_hdr = (struct msghdr){.msg_name = &sender->destinations[i],
			.msg_namelen = sizeof(sender->destinations[i]),
			.msg_iov = &sender->spans[i],
			.msg_iovlen = 1};
	}
}

static void send_batch(struct sender *sender, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct keepalive *packet = &sender->packets[i];
		const uint32_t ip = htonl(sender->first + sender->next++ % sender->clients);

		packet->ip.daddr = ip;
		packet->udp.check = checksum_of(sender->sum + (ip & 0xffff) + (ip >> 16));
		sender->destinations[i].sin_addr.s_addr = ip;
	}
	if (sendmmsg(sender->socket, sender->messages, count, 0) != (int)count)
		die("cannot send", strerror(errno));
}

static double cpu_seconds(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

static void wait_for_tick(struct timespec *tick)
{
	tick->tv_nsec += 1000000000 / TICKS_PER_SECOND;
	tick->tv_sec += tick->tv_nsec / 1000000000;
	tick->tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, tick, NULL);
}

static void run(struct sender *sender, long rate, long seconds)
{
	const double start_s = cpu_seconds();
	struct timespec tick;
	long sent = 0;

	clock_gettime(CLOCK_MONOTONIC, &tick);
	for (long i = 1; i <= seconds * TICKS_PER_SECOND; i++) {
		for (long due; (due = rate * i / TICKS_PER_SECOND - sent) > 0;) {
			const unsigned count = due < BATCH ? (unsigned)due : BATCH;

			send_batch(sender, count);
			sent += count;
		}
		wait_for_tick(&tick);
	}
	printf("%.3f us of CPU a datagram, %ld sent\n",
		(cpu_seconds() - start_s) / (double)sent * 1e6, sent);
}

int main(int argc, char **argv)
{
	static struct sender sender;
	const long clients = argc == 5 ? strtol(argv[2], NULL, 10) : 0;
	const long rate = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
	struct capture *capture = NULL;
	struct datagram datagram;
	struct fault fault;

	if (clients <= 0 || rate <= 0) {
		fprintf(stderr, "usage: baresend CAPTURE CLIENTS RATE SECONDS\n");
		return 2;
	}
	if (capture_open_file(argv[1], &capture, &fault) != 0)
		die(argv[1], fault.line);
	if (capture_next(capture, &datagram, &fault) != 1 ||
		!address_is_ipv4(&datagram.flow.destination) || datagram.bytes.length > BYTES_MAX)
		die(argv[1], "begins with no IPv4 datagram of a keepalive's length");
	prepare(&sender, &datagram);
	capture_close(capture);
	sender.clients = (uint32_t)clients;
	sender.socket = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (sender.socket < 0)
		die("cannot open a raw socket", strerror(errno));
	run(&sender, rate, strtol(argv[4], NULL, 10));
	return 0;
}
