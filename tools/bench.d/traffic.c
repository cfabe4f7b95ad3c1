#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOCKET_BUFFER = 64 << 20 };

_Noreturn void traffic_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

double traffic_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double first_thread_seconds(long pid)
{
	char path[64];
	unsigned long long nanoseconds;
	FILE *stream;
	int read;

	snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid);
	stream = fopen(path, "re");
	if (!stream)
		traffic_die(path);
	read = fscanf(stream, "%llu", &nanoseconds);
	fclose(stream);
	return read == 1 ? (double)nanoseconds / 1e9 : 0;
}

struct traffic_cpu traffic_cpu(long pid)
{
	struct timespec spent;
	clockid_t clock;

	errno = clock_getcpuclockid((pid_t)pid, &clock);
	if (errno || clock_gettime(clock, &spent) < 0)
		traffic_die("cannot read a process's clock");
	return (struct traffic_cpu){
		.all_s = (double)spent.tv_sec + (double)spent.tv_nsec / 1e9,
		.first_s = first_thread_seconds(pid),
	};
}

void traffic_enter(long pid)
{
	char path[64];
	int namespace;

	snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		traffic_die(path);
	close(namespace);
}

struct sockaddr_in traffic_sockaddr(const struct address *address)
{
	struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(address->port)};

	memcpy(&out.sin_addr, address->ip + 12, 4);
	return out;
}

int traffic_socket(const struct address *address)
{
	const int size = SOCKET_BUFFER;
	const struct sockaddr_in own = traffic_sockaddr(address);
	const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (descriptor < 0 ||
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
		setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0 ||
		bind(descriptor, (const struct sockaddr *)&own, sizeof(own)) < 0)
		traffic_die("cannot open a socket");
	return descriptor;
}

void traffic_write(struct traffic_message *message, long user, const struct address *proxy)
{
	char host[ADDRESS_TEXT_MAX], own[32];

	address_format_host(proxy, host);
	snprintf(own, sizeof(own), "192.168.%ld.%ld:5060", user / 250 % 250 + 1, user % 250 + 1);
	message->length = (size_t)snprintf(message->bytes, sizeof(message->bytes),
		"REGISTER sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s;rport;branch=z9hG4bK0000000000%07ld\r\n"
		"Max-Forwards: 70\r\n"
		"From: \"User %ld\" <sip:user%07ld@%s>;tag=8f3a%07ld\r\n"
		"To: \"User %ld\" <sip:user%07ld@%s>\r\n"
		"Call-ID: 3c26700857a87f84%07ld@%s\r\n"
		"CSeq: 0000000000 REGISTER\r\n"
		"Contact: <sip:user%07ld@%s;line=ab12cd34>;q=1.0;expires=3600;"
		"+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-%012ld>\"\r\n"
		"User-Agent: load/1.0 (benchmark of a relay, phone of a common length)\r\n"
		"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, INFO, UPDATE\r\n"
		"Supported: path, gruu, outbound, timer, replaces\r\n"
		"Expires: 3600\r\n"
		"Content-Length: 0\r\n\r\n",
		host, own, user, user, user, host, user, user, user, host, user, host, user, own,
		user);
	if (message->length >= sizeof(message->bytes)) {
		errno = EMSGSIZE;
		traffic_die("cannot write a message");
	}
	message->branch_at =
		(size_t)(strstr(message->bytes, "z9hG4bK") + strlen("z9hG4bK") - message->bytes);
	message->cseq_at =
		(size_t)(strstr(message->bytes, "CSeq: ") + strlen("CSeq: ") - message->bytes);
}

static void put_number(char *digits, long number)
{
	for (int i = TRAFFIC_DIGITS - 1; i >= 0; i--, number /= 10)
		digits[i] = (char)('0' + number % 10);
}

void traffic_number(struct traffic_message *message, long number)
{
	put_number(message->bytes + message->cseq_at, number);
	put_number(message->bytes + message->branch_at, number);
}

long traffic_number_of(const char *bytes, size_t length)
{
	static const char name[] = "\r\nCSeq: ";
	const size_t name_length = sizeof(name) - 1;
	const char *at = memmem(bytes, length, name, name_length);

	if (!at || length - (size_t)(at - bytes) < name_length + TRAFFIC_DIGITS)
		return -1;
	return strtol(at + name_length, NULL, 10);
}

struct iovec traffic_answer(char *bytes, size_t length)
{
	static const char status[] = "SIP/2.0 200 OK";
	const size_t status_length = sizeof(status) - 1;
	const char *end = memchr(bytes, '\r', length);
	const size_t line = end ? (size_t)(end - bytes) : 0;
	const size_t start = line < status_length ? 0 : line - status_length;

	memcpy(bytes + start, status, status_length);
	return (struct iovec){bytes + start, length - start};
}

bool traffic_is_repaired(const char *bytes, size_t length)
{
	static const char private[] = "@192.168.";

	return !memmem(bytes, length, private, sizeof(private) - 1);
}

bool traffic_read_number(const char *text, long least, long most, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return !errno && !*end && *number >= least && *number <= most;
}

bool traffic_read_address(const char *text, struct address *address)
{
	return address_parse(text_from(text), 5060, address) == 0 && address_is_ipv4(address);
}
