#include <natbox/ops.h>

#include "control_command.h"
#include "control_lines.h"
#include "control_socket.h"
#include "control_trace.h"
#include "control_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Who has taken nothing of what waits for so long is dropped. */
	STALL_US = 30 * 1000000,
	/* What is said in one turn of the loop at most. */
	EVENTS_AT_ONCE = CONTROL_CLIENTS_MAX + 1,
	LISTENER = CONTROL_CLIENTS_MAX, /* what epoll calls it */
};

struct control *control_open(
	const char *path, const char *group, const struct identity *identity, struct fault *fault)
{
	struct control *control = calloc(1, sizeof(*control));
	int result = 0;

	if (!control) {
		fault_set(fault, -ENOMEM, "no memory to listen for control");
		return NULL;
	}
	control->listener = -1;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i] = (struct control_client){.control = control, .fd = -1};
	memcpy(control->path, path, strnlen(path, sizeof(control->path) - 1));
	control->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (control->epoll < 0)
		result = fault_set(fault, -errno, "cannot listen for control: %s", strerror(errno));
	if (result == 0)
		result = control_find_group(control, group, fault);
	if (result == 0)
		result = control_listen(control, identity, fault);
	if (result == 0)
		return control;
	control_close(control);
	return NULL;
}

static void wait_for(
	const struct control *control, int operation, int fd, uint32_t events, unsigned number)
{
	struct epoll_event event = {.events = events, .data.u32 = number};

	epoll_ctl(control->epoll, operation, fd, &event);
}

static void listen_again(struct control *control)
{
	if (control->is_listening)
		return;
	control->is_listening = true;
	wait_for(control, EPOLL_CTL_ADD, control->listener, EPOLLIN, LISTENER);
}

void control_start(struct control *control, struct engine *engine, const struct control_host *host,
	struct control_interest *interest)
{
	control->engine = engine;
	control->host = *host;
	control->interest = interest;
	listen_again(control);
}

static void drop(struct control_client *client)
{
	struct control *control = client->control;

	if (client->fd < 0)
		return;
	close(client->fd);
	free(client->output);
	*client = (struct control_client){.control = control, .fd = -1};
	control_note_interest(control);
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		drop(&control->clients[i]);
	if (control->listener >= 0) {
		control_unlink(control);
		close(control->listener);
	}
	if (control->epoll >= 0)
		close(control->epoll);
	free(control);
}

int control_descriptor(const struct control *control)
{
	return control->epoll;
}

/* The one line that somebody gets who is no client. */
static void refuse(int fd, const char *line)
{
	send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static struct control_client *find_free(struct control *control)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	}
	return NULL;
}

static void welcome(struct control *control, int fd)
{
	struct control_client *client = find_free(control);
	char *output;

	if (!control_may_ask(control, fd)) {
		refuse(fd, "{\"failed\":\"you may not control this natbox: root may, its user, and "
			   "members of metrics.group\",\"status\":1}\n");
		return;
	}
	output = client ? malloc(OUTPUT_MAX) : NULL;
	if (!output) {
		refuse(fd, "{\"failed\":\"natbox has as many clients as it takes: end one of "
			   "them\",\"status\":1}\n");
		return;
	}
	*client = (struct control_client){.control = control,
		.fd = fd,
		.output = output,
		.polled = EPOLLIN,
		.moved_us = control->now_us};
	wait_for(control, EPOLL_CTL_ADD, fd, client->polled, (unsigned)(client - control->clients));
}

static void accept_clients(struct control *control)
{
	errno = 0;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			welcome(control, fd);
		else if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
	/* Without a free descriptor epoll would tell of them for ever. */
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		control->is_listening = false;
		wait_for(control, EPOLL_CTL_DEL, control->listener, 0, LISTENER);
	}
}

static void hear(struct control_client *client)
{
	const size_t room = sizeof(client->input) - client->asked;
	ssize_t length = room ? read(client->fd, client->input + client->asked, room) : -1;

	if (length > 0)
		client->asked += (size_t)length;
	else if (length == 0)
		client->has_ended = true;
	else if (room && errno != EAGAIN && errno != EINTR)
		client->is_gone = true;
}

/* Runs the next line that it has said, once the one before has been answered and taken. */
static void listen_to(struct control_client *client)
{
	char line[CONTROL_REQUEST_MAX];
	const char *end;
	size_t length;

	if (client->job != JOB_NONE || client->is_closing || client_is_owed(client))
		return;
	end = memchr(client->input, '\n', client->asked);
	if (!end && client->asked == sizeof(client->input)) {
		client_fail(
			client, EXIT_USAGE, "a request has %d bytes at most", CONTROL_REQUEST_MAX);
		client->is_closing = true;
		return;
	}
	client->is_closing = !end && client->has_ended;
	if (!end)
		return;
	length = (size_t)(end - client->input);
	memcpy(line, client->input, length);
	client->asked -= length + 1;
	memmove(client->input, end + 1, client->asked);
	command_run(client, (struct text){line, length});
}

/* A client that has said enough for now is not read, and that it has gone shows all the same. */
static void poll_client(struct control_client *client)
{
	uint32_t events = 0;

	if (!client->has_ended && !client->is_closing && client->job == JOB_NONE &&
		!client_is_owed(client))
		events |= EPOLLIN;
	if (client->is_blocked)
		events |= EPOLLOUT;
	if (events == client->polled)
		return;
	client->polled = events;
	wait_for(client->control, EPOLL_CTL_MOD, client->fd, events,
		(unsigned)(client - client->control->clients));
}

static void serve(struct control_client *client, uint64_t until_us)
{
	listen_to(client);
	walk_run(client, until_us);
	if (client_is_owed(client) && !client->is_blocked)
		client_flush(client, client->control->now_us);
	if (client->is_gone || (client->is_closing && !client_is_owed(client))) {
		drop(client);
		return;
	}
	poll_client(client);
}

static void take_news(struct control *control)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(control->epoll, events, EVENTS_AT_ONCE, 0);

	for (int i = 0; i < count; i++) {
		struct control_client *client = &control->clients[events[i].data.u32];

		if (events[i].data.u32 == LISTENER) {
			accept_clients(control);
			continue;
		}
		if (events[i].events & EPOLLOUT)
			client->is_blocked = false;
		if (events[i].events & EPOLLIN)
			hear(client);
		if (events[i].events & (EPOLLHUP | EPOLLERR))
			client->is_gone |= !(events[i].events & EPOLLIN);
	}
}

static bool has_work(const struct control_client *client)
{
	if (client->fd < 0 || client->is_gone)
		return client->fd >= 0;
	if (client_is_owed(client) && !client->is_blocked)
		return true;
	if (client->job == JOB_WALK)
		return walk_can_run(client);
	/* Of one that has ended there are lines yet, or it is to be dropped. */
	return client->job == JOB_NONE && !client_is_owed(client) &&
	       (client->is_closing || client->has_ended ||
		       memchr(client->input, '\n', client->asked));
}

bool control_has_work(const struct control *control)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (has_work(&control->clients[i]))
			return true;
	}
	return false;
}

static void set_time(struct control *control, uint64_t now_us)
{
	control->now_us = now_us;
	control->offset_us = (int64_t)(clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME));
}

/* What walks has a share of the time each. */
void control_run(struct control *control, uint64_t now_us, uint64_t budget_us)
{
	unsigned walks = 1;

	set_time(control, now_us);
	take_news(control);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		walks += control->clients[i].job == JOB_WALK;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd >= 0)
			serve(&control->clients[i], clock_us(CLOCK_MONOTONIC) + budget_us / walks);
	}
}

void control_inspect(struct control *control, uint64_t now_us)
{
	static struct log_limit limit;

	set_time(control, now_us);
	listen_again(control);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];

		if (client->fd < 0)
			continue;
		if (client->job == JOB_TRACE)
			trace_inspect(client);
		if (!client_is_owed(client))
			client->moved_us = now_us;
		if (now_us - client->moved_us < STALL_US)
			continue;
		log_limited(&limit, now_us, LOG_LEVEL_WARNING,
			"control: a client did not read for %d s and is dropped",
			STALL_US / 1000000);
		drop(client);
	}
}

/* One that is slow is told how many lines it has not got, before the next that it gets. */
static void put_lost(struct control_client *client)
{
	const struct control *control = client->control;
	struct json *line = line_start(client);

	json_put_time_member(line, (int64_t)control->now_us + control->offset_us);
	json_put_member(line, "event", "lines-lost");
	json_put_number_member(line, "lines", client->lost);
	client->lost = 0;
	line_end(client);
}

static bool is_told(const struct control_client *client, const struct event *event)
{
	return client->job == JOB_WATCH && client->request.events >> event->type & 1;
}

/* In the last of the room there is how much was lost. */
enum { LOST_LINE_MAX = 128 };

static void tell_watchers(struct control *control, const struct event *event)
{
	struct json line = {.bytes = control->bytes};

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];

		if (!is_told(client, event))
			continue;
		if (client->lost && client_has_room(client, EVENT_JSON_MAX + LOST_LINE_MAX))
			put_lost(client);
		line.used = 0;
		event_json(&line, (int64_t)event->time_us + control->offset_us, event, 0);
		line.used--; /* its line end, which client_put adds */
		if (client->lost || !client_has_room(client, line.used + LOST_LINE_MAX) ||
			!client_put(client, &line))
			client->lost++;
	}
}

void control_event(struct control *control, const struct event *event)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];

		if (client->job != JOB_NONE && client->request.command == COMMAND_TRACE)
			trace_event(client, event);
	}
	if (control->watched >> event->type & 1)
		tell_watchers(control, event);
}

void control_packet(struct control *control, uint64_t now_us, const struct flow *flow,
	struct text bytes, const struct outcome *outcome)
{
	control->now_us = now_us;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].job == JOB_TRACE)
			trace_packet(&control->clients[i], flow, bytes, outcome);
	}
}
