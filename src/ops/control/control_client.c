#include "control_client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

/* What one client is given in one turn of the loop at most: to copy it takes some ten
 * microseconds. */
enum { FLUSH_BYTES = 64 * 1024 };

bool client_has_room(const struct control_client *client, size_t bytes)
{
	return OUTPUT_MAX - (client->used - client->taken) >= bytes;
}

bool client_put(struct control_client *client, const struct json *line)
{
	if (client->is_gone || !client_has_room(client, line->used + 1))
		return false;
	if (OUTPUT_MAX - client->used < line->used + 1) {
		client->used -= client->taken;
		memmove(client->output, client->output + client->taken, client->used);
		client->taken = 0;
	}
	memcpy(client->output + client->used, line->bytes, line->used);
	client->used += line->used;
	client->output[client->used++] = '\n';
	return true;
}

void client_flush(struct control_client *client, uint64_t now_us)
{
	size_t bytes = client->used - client->taken;
	ssize_t sent;

	if (!bytes || client->is_gone)
		return;
	if (bytes > FLUSH_BYTES)
		bytes = FLUSH_BYTES;
	sent = send(client->fd, client->output + client->taken, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	client->is_blocked = sent < 0 && (errno == EAGAIN || errno == EINTR);
	client->is_gone = sent < 0 && !client->is_blocked;
	if (sent <= 0)
		return;
	client->moved_us = now_us;
	client->taken += (size_t)sent;
	if (client->taken == client->used)
		client->taken = client->used = 0;
}

struct json *line_start(struct control_client *client)
{
	struct json *line = &client->control->line;

	*line = (struct json){.bytes = client->control->bytes};
	json_put_char(line, '{');
	return line;
}

struct json *line_start_done(struct control_client *client)
{
	struct json *line = line_start(client);

	json_put_truth_member(line, "done", true);
	return line;
}

bool line_end(struct control_client *client)
{
	json_put_char(&client->control->line, '}');
	return client_put(client, &client->control->line);
}

/* What follows is another request. Who left no room for this line has left room for none. */
void client_done(struct control_client *client)
{
	client->is_gone |= !line_end(client);
	client->job = JOB_NONE;
	control_note_interest(client->control);
}

void client_fail(struct control_client *client, int status, const char *format, ...)
{
	struct fault fault;
	struct json *line;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault.line, sizeof(fault.line), format, arguments);
	va_end(arguments);
	line = line_start(client);
	json_put_text_member(line, "failed", text_from(fault.line));
	json_put_number_member(line, "status", (uint64_t)status);
	client_done(client);
}

void control_note_interest(struct control *control)
{
	bool traces = false;

	if (!control->interest)
		return;
	control->interest->packets = false;
	control->watched = 0;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct control_client *client = &control->clients[i];

		if (client->is_gone)
			continue;
		if (client->job == JOB_WATCH)
			control->watched |= client->request.events;
		traces |= client->job != JOB_NONE && client->request.command == COMMAND_TRACE;
		control->interest->packets |= client->job == JOB_TRACE;
	}
	/* A trace of an address of record follows where it registers. */
	control->interest->events = control->watched | (traces ? 1u << EVENT_REASON_ADD : 0);
}
