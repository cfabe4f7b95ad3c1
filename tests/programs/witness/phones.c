#include "phones.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT_FIRST = 10000, PORT_LAST = 59999, TOLD_MAX = 10 };

uint64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "witness: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct sockaddr_in socket_address(const struct address *address, uint16_t port)
{
	struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons(port)};

	memcpy(&result.sin_addr, address->ip + 12, 4);
	return result;
}

struct phone *phone_open(struct phones *phones, struct story *story, const char *role)
{
	static uint16_t port = PORT_LAST;
	struct phone *phone = phones->list;
	struct epoll_event event = {.events = EPOLLIN};
	struct sockaddr_in own;

	while (phone < phones->list + PHONES_MAX && phone->fd >= 0)
		phone++;
	if (phone == phones->list + PHONES_MAX) {
		errno = ENFILE;
		die("cannot open a phone");
	}
	port = port == PORT_LAST ? PORT_FIRST : port + 1;
	own = socket_address(&phones->client, port);
	*phone = (struct phone){.port = port,
		.home = (uint8_t)(port % 250 + 1),
		.role = role,
		.story = story,
		.liveness = GONE};
	phone->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	event.data.ptr = phone;
	if (phone->fd < 0 || bind(phone->fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
		epoll_ctl(phones->poll, EPOLL_CTL_ADD, phone->fd, &event) < 0)
		die("cannot open a phone");
	return phone;
}

void phone_close(struct phone *phone)
{
	close(phone->fd);
	*phone = (struct phone){.fd = -1};
}

void phones_close(struct phones *phones)
{
	for (unsigned i = 0; i < PHONES_MAX; i++) {
		if (phones->list[i].fd >= 0)
			phone_close(&phones->list[i]);
	}
}

static void phone_send(struct phones *phones, struct phone *phone, const char *message)
{
	struct sockaddr_in proxy = socket_address(&phones->proxy, phones->proxy.port);

	/* What is lost, as while natbox is dead, is sent again. */
	(void)!sendto(
		phone->fd, message, strlen(message), 0, (struct sockaddr *)&proxy, sizeof(proxy));
	phone->last_us = now_us();
}

void phone_speak(struct phones *phones, struct phone *phone, const char *message)
{
	phone->expected = UNKNOWN;
	phone_send(phones, phone, message);
}

void phone_becomes(struct phone *phone, enum liveness liveness)
{
	if (phone->liveness == liveness)
		return;
	phone->liveness = liveness;
	phone->since_us = now_us();
	phone->expected = UNKNOWN;
}

void phones_open(
	struct phones *phones, const struct address *client, const struct address *proxy, int poll)
{
	phones->client = *client;
	phones->proxy = *proxy;
	phones->poll = poll;
	for (unsigned i = 0; i < PHONES_MAX; i++)
		phones->list[i].fd = -1;
}

/* The first few times. */
static void tell(const struct phones *phones, const struct phone *phone, const char *what)
{
	if (phones->missing + phones->returned <= TOLD_MAX)
		printf("# the %s at port %u %s; it was %s %.1f s before the kill, that was %.1f s "
		       "ago\n",
			phone->role, phone->port, what,
			phone->liveness == ALIVE ? "reachable" : "gone",
			(double)(phones->killed_us - phone->since_us) / 1e6,
			(double)(now_us() - phones->killed_us) / 1e6);
}

void phone_kept_alive(struct phones *phones, struct phone *phone, const char *answer)
{
	uint64_t silence_us = now_us() - phone->last_us;

	if (phone->last_us >= phones->ready_us && silence_us > phones->late_us)
		phones->late_us = silence_us;
	if (phone->expected == GONE) {
		phones->returned++;
		tell(phones, phone, "came back");
		phone_becomes(phone, UNKNOWN);
	} else if (phone->expected == ALIVE && !phone->heard) {
		phones->kept++;
		if (silence_us > phones->longest_silence_us)
			phones->longest_silence_us = silence_us;
	}
	phone->heard = true;
	phone_send(phones, phone, answer);
}

void phones_begin(struct phones *phones)
{
	phones->ready_us = now_us();
	phones->late_us = 0;
}

uint64_t phones_latest_us(const struct phones *phones)
{
	uint64_t latest_us = phones->late_us, time_us = now_us();

	for (unsigned i = 0; i < PHONES_MAX; i++) {
		const struct phone *phone = &phones->list[i];

		if (phone->fd < 0 || phone->liveness != ALIVE || !phone->heard ||
			phone->last_us < phones->ready_us)
			continue;
		if (time_us - phone->last_us > latest_us)
			latest_us = time_us - phone->last_us;
	}
	return latest_us;
}

static void drain(const struct phone *phone)
{
	char message[MESSAGE_MAX];

	while (recv(phone->fd, message, sizeof(message), 0) >= 0)
		;
}

static void expect(struct phone *phone, uint64_t settled_us)
{
	bool is_settled = now_us() - phone->since_us >= settled_us;

	drain(phone);
	phone->heard = false;
	phone->expected = is_settled ? phone->liveness : UNKNOWN;
	if (is_settled || phone->liveness == UNKNOWN)
		return;
	/* Gone only just, it may be back. */
	if (phone->liveness == GONE && !phone->story) {
		phone_close(phone);
		return;
	}
	phone->liveness = UNKNOWN;
}

void phones_expect(struct phones *phones, uint64_t settled_us)
{
	phones->killed_us = now_us();
	for (unsigned i = 0; i < PHONES_MAX; i++) {
		if (phones->list[i].fd >= 0)
			expect(&phones->list[i], settled_us);
	}
}

bool phones_are_heard(const struct phones *phones)
{
	for (unsigned i = 0; i < PHONES_MAX; i++) {
		const struct phone *phone = &phones->list[i];

		if (phone->fd >= 0 && phone->expected == ALIVE && !phone->heard)
			return false;
	}
	return true;
}

static void compare(struct phones *phones, struct phone *phone)
{
	if (phone->expected == ALIVE && !phone->heard) {
		phones->missing++;
		tell(phones, phone, "is missing");
	} else if (phone->expected == GONE && !phone->story) {
		phones->left++;
	}
	if (!phone->story && (phone->expected == GONE || phone->liveness == UNKNOWN))
		phone_close(phone);
	else
		phone->expected = UNKNOWN;
}

void phones_compare(struct phones *phones)
{
	for (unsigned i = 0; i < PHONES_MAX; i++) {
		if (phones->list[i].fd >= 0)
			compare(phones, &phones->list[i]);
	}
}
