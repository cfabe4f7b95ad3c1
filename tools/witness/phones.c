#include "message.h"

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

enum {
	PORT_FIRST = 10000,
	PORT_LAST = 59999,
	STEP_US = 6000000,  /* the longest time from one step of a story to the next */
	RESEND_US = 500000, /* RFC 3261 17.1.1.1: T1 */
	SENDINGS_MAX = 8,
	TOLD_MAX = 10,
};

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
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

/* A phone at a port that none has had for long. NULL when there are too many. */
static struct phone *phone_open(struct phones *phones, struct story *story, const char *role)
{
	static uint16_t port = PORT_LAST;
	struct phone *phone = phones->list;
	struct epoll_event event = {.events = EPOLLIN};
	struct sockaddr_in own;

	while (phone < phones->list + PHONES_MAX && phone->fd >= 0)
		phone++;
	if (phone == phones->list + PHONES_MAX)
		return NULL;
	port = port == PORT_LAST ? PORT_FIRST : port + 1;
	own = socket_address(&phones->client, port);
	*phone = (struct phone){.port = port, .role = role, .story = story};
	phone->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	event.data.ptr = phone;
	if (phone->fd < 0 || bind(phone->fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
		epoll_ctl(phones->poll, EPOLL_CTL_ADD, phone->fd, &event) < 0)
		die("cannot open a phone");
	return phone;
}

static void phone_close(struct phone *phone)
{
	close(phone->fd);
	*phone = (struct phone){.fd = -1};
}

static void phone_send(struct phones *phones, struct phone *phone, const char *message)
{
	struct sockaddr_in proxy = socket_address(&phones->proxy, phones->proxy.port);

	/* What is lost, as while natbox is dead, is sent again. */
	(void)!sendto(
		phone->fd, message, strlen(message), 0, (struct sockaddr *)&proxy, sizeof(proxy));
	phone->last_us = now_us();
}

/* Something of its own, not the answer to a keepalive: that refreshes its binding, so that its next
 * keepalive is due later, and proves nothing any more about a restart. */
static void phone_speak(struct phones *phones, struct phone *phone, const char *message)
{
	if (phone->expected == ALIVE)
		phone->expected = UNKNOWN;
	phone_send(phones, phone, message);
}

static void phone_becomes(struct phone *phone, enum liveness liveness)
{
	if (phone->liveness == liveness)
		return;
	phone->liveness = liveness;
	phone->since_us = now_us();
	phone->expected = UNKNOWN;
}

void phones_open(struct phones *phones, const struct address *client, const struct address *proxy,
	bool is_repaired, int poll)
{
	phones->client = *client;
	phones->proxy = *proxy;
	phones->is_repaired = is_repaired;
	phones->poll = poll;
	for (unsigned i = 0; i < PHONES_MAX; i++)
		phones->list[i].fd = -1;
}

static void story_pause(struct story *story)
{
	story->due_us = now_us() + (uint64_t)rand() % STEP_US;
}

static void story_over(struct story *story)
{
	if (story->phone)
		story->phone->story = NULL;
	if (story->callee)
		story->callee->story = NULL;
	*story = (struct story){0};
	story_pause(story);
}

/* Nobody can tell what natbox knows of its phones, and they have no way to make it forget them. */
static void story_abandon(struct story *story)
{
	struct phone *phone = story->phone, *callee = story->callee;

	story_over(story);
	phone_close(phone);
	if (callee)
		phone_close(callee);
}

static void take_step(
	struct phones *phones, struct story *story, enum step step, struct phone *sender)
{
	story->step = step;
	story->sender = sender;
	story->waits = true;
	story->sendings = 1;
	story->resend_us = now_us() + RESEND_US;
	request_write(phones, story);
	phone_speak(phones, sender, story->request);
}

static void begin(struct phones *phones, struct story *story)
{
	static const char *const roles[PLOTS] = {"notifier", "phone", "subscriber", "caller"};

	story->number = phones->begun++;
	story->plot = story->number ? (enum plot)(1 + rand() % (PLOTS - 1)) : NOTIFIER;
	story->phone = phone_open(phones, story, roles[story->plot]);
	if (story->plot == CALL)
		story->callee = phone_open(phones, story, "callee");
	if (!story->phone || (story->plot == CALL && !story->callee)) {
		errno = ENFILE;
		die("too many phones");
	}
}

static void move(struct phones *phones, struct story *story)
{
	struct phone *phone = phone_open(phones, story, story->phone->role);

	if (phone)
		take_step(phones, story, MOVE, phone);
	else
		story_pause(story);
}

static void go_on_registered(struct phones *phones, struct story *story)
{
	unsigned choice = story->ends ? 0 : (unsigned)rand() % 3;

	if (!story->is_registered || choice == 1)
		take_step(phones, story, REGISTER, story->phone);
	else if (choice == 2)
		move(phones, story);
	else
		take_step(phones, story, UNREGISTER, story->phone);
}

/* A callee may be registered no longer while it is still in the call. */
static void go_on_calling(struct phones *phones, struct story *story)
{
	bool hangs_up = story->ends || rand() % 2;

	if (story->has_dialog && (hangs_up || !story->is_registered))
		take_step(phones, story, BYE, story->phone);
	else if (story->has_dialog || story->ends)
		take_step(phones, story, UNREGISTER, story->callee);
	else if (story->is_registered)
		take_step(phones, story, INVITE, story->phone);
	else
		take_step(phones, story, REGISTER, story->callee);
}

static void go_on(struct phones *phones, struct story *story)
{
	if (!story->phone)
		begin(phones, story);
	switch (story->plot) {
	case NOTIFIER:
		take_step(phones, story, REGISTER, story->phone);
		break;
	case SUBSCRIPTION:
		take_step(phones, story, story->has_dialog ? UNSUBSCRIBE : SUBSCRIBE, story->phone);
		break;
	case CALL:
		go_on_calling(phones, story);
		break;
	default:
		go_on_registered(phones, story);
		break;
	}
}

/* One of its reasons has ended; a callee may have another. */
static void lose_reason(struct story *story, struct phone *phone)
{
	story->lost_us = now_us();
	if (phone != story->callee || (!story->has_dialog && !story->is_registered))
		phone_becomes(phone, GONE);
}

static void moved(struct story *story)
{
	phone_becomes(story->phone, GONE);
	story->phone->story = NULL;
	story->phone = story->sender;
}

static void dialog_opened(struct phones *phones, struct story *story, const char *response)
{
	char ack[MESSAGE_MAX];

	dialog_read(story, response);
	story->has_dialog = true;
	if (story->step != INVITE)
		return;
	ack_write(phones, story, ack);
	phone_speak(phones, story->sender, ack);
}

/* What a 2xx means. */
static void step_done(struct phones *phones, struct story *story, const char *response)
{
	switch (story->step) {
	case REGISTER:
		story->is_registered = true;
		phone_becomes(story->sender, ALIVE);
		break;
	case MOVE:
		moved(story);
		phone_becomes(story->phone, ALIVE);
		break;
	case SUBSCRIBE:
	case INVITE:
		dialog_opened(phones, story, response);
		phone_becomes(story->sender, ALIVE);
		break;
	case UNREGISTER:
		story->is_registered = false;
		lose_reason(story, story->sender);
		break;
	case UNSUBSCRIBE:
	case BYE:
		story->has_dialog = false;
		lose_reason(story, story->phone);
		if (story->callee)
			lose_reason(story, story->callee);
		break;
	}
	if (!story->is_registered && !story->has_dialog)
		story_over(story);
}

/* The request may have done its work, or not. */
static void step_lost(struct story *story)
{
	story->waits = false;
	story->ends = story->plot != NOTIFIER;
	if (story->step == SUBSCRIBE || story->step == INVITE) {
		story_abandon(story);
		return;
	}
	if (story->step == MOVE) {
		/* Its registration ends wherever it is now. */
		phone_close(story->phone);
		story->phone = story->sender;
	}
	if (story->step == REGISTER || story->step == MOVE)
		story->is_registered = true;
	phone_becomes(story->phone, UNKNOWN);
	if (story->callee)
		phone_becomes(story->callee, UNKNOWN);
	story_pause(story);
}

static void step_failed(struct phones *phones, struct story *story, const char *what)
{
	static const int shown = 60;

	phones->failed++;
	printf("# %.*s: %.*s\n", shown, story->request, shown, what);
	step_lost(story);
}

/* The first few times. */
static void tell(const struct phones *phones, const struct phone *phone, const char *what)
{
	if (phones->missing + phones->returned <= TOLD_MAX)
		printf("# the %s at port %u %s, %.1f s after it was %s\n", phone->role, phone->port,
			what, (double)(now_us() - phone->since_us) / 1e6,
			phone->liveness == ALIVE ? "reachable" : "gone");
}

static void on_keepalive(struct phones *phones, struct phone *phone)
{
	uint64_t silence_us = now_us() - phone->last_us;

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
}

static void on_request(struct phones *phones, struct phone *phone, const char *request)
{
	char answer[MESSAGE_MAX];

	if (strncmp(request, "ACK ", 4) == 0)
		return;
	answer_write(phones, phone, request, answer);
	if (strstr(request, "\r\nEvent: keep-alive\r\n")) {
		on_keepalive(phones, phone);
		phone_send(phones, phone, answer);
	} else {
		phone_speak(phones, phone, answer);
	}
}

static void on_response(struct phones *phones, struct story *story, const char *response)
{
	unsigned status, number, sequence;

	if (sscanf(response, "SIP/2.0 %u", &status) != 1 || status < 200 ||
		sscanf(strstr(response, "\r\n"), "\r\nVia: SIP/2.0/UDP %*[^;];branch=z9hG4bK%u-%u",
			&number, &sequence) != 2)
		return;
	if (!story || !story->waits || number != story->number || sequence != story->sequence)
		return;
	story->waits = false;
	story_pause(story);
	if (status < 300)
		step_done(phones, story, response);
	else
		step_failed(phones, story, response);
}

void phone_receive(struct phones *phones, struct phone *phone)
{
	char message[MESSAGE_MAX];
	ssize_t length = recv(phone->fd, message, sizeof(message) - 1, 0);

	if (length <= 0)
		return;
	message[length] = 0;
	if (strncmp(message, "SIP/2.0 ", 8) == 0)
		on_response(phones, phone->story, message);
	else
		on_request(phones, phone, message);
}

static void wait_for_answer(struct phones *phones, struct story *story, uint64_t time_us)
{
	if (time_us < story->resend_us)
		return;
	if (story->sendings == SENDINGS_MAX) {
		step_failed(phones, story, "no answer");
		return;
	}
	story->sendings++;
	story->resend_us = time_us + RESEND_US;
	phone_speak(phones, story->sender, story->request);
}

void phones_go_on(struct phones *phones)
{
	uint64_t time_us = now_us();

	for (unsigned i = 0; i < STORIES; i++) {
		struct story *story = &phones->stories[i];

		if (story->waits)
			wait_for_answer(phones, story, time_us);
		else if (time_us >= story->due_us)
			go_on(phones, story);
	}
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
	if (phone->story)
		phone->story->ends = phone->story->plot != NOTIFIER;
}

/* What has just ended may have come back beside what goes on. */
static void story_interrupt(struct story *story, uint64_t settled_us)
{
	if (!story->phone)
		return;
	if (now_us() - story->lost_us < settled_us)
		story_abandon(story);
	else if (story->waits)
		step_lost(story);
}

void phones_expect(struct phones *phones, uint64_t settled_us)
{
	for (unsigned i = 0; i < STORIES; i++)
		story_interrupt(&phones->stories[i], settled_us);
	for (unsigned i = 0; i < PHONES_MAX; i++) {
		if (phones->list[i].fd >= 0)
			expect(&phones->list[i], settled_us);
	}
}

static void compare(struct phones *phones, struct phone *phone)
{
	if (phone->expected == ALIVE && !phone->heard) {
		phones->missing++;
		tell(phones, phone, "is missing");
	} else if (phone->expected == GONE) {
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
