#include "control_walk.h"

#include "../log/log.h"
#include "control_lines.h"
#include "control_trace.h"

#include <time.h>

/* Places of the table between two looks at the clock: with most of them empty that takes no longer
 * than one line. */
enum { WALK_PLACES = 16 };

static struct endpoints *endpoints_of(const struct control_client *client)
{
	return engine_endpoints(client->control->engine);
}

static size_t line_max(const struct control_client *client)
{
	return client->request.command == COMMAND_SHOW ? SHOW_LINE_MAX : ENDPOINT_LINE_MAX;
}

bool walk_can_run(const struct control_client *client)
{
	return client->job == JOB_WALK && !client->is_gone &&
	       client_has_room(client, line_max(client));
}

static bool is_wanted(const struct control_client *client, uint32_t endpoint)
{
	const struct control_request *request = &client->request;
	const struct endpoints *endpoints = endpoints_of(client);

	if (request->command == COMMAND_ENDPOINTS || request->command == COMMAND_LOST)
		return control_filter_matches(&request->filter, endpoints, endpoint);
	return control_target_matches(&request->target, endpoints, endpoint);
}

static void put_endpoint(struct control_client *client, uint32_t endpoint)
{
	const struct endpoints *endpoints = endpoints_of(client);
	struct endpoint_view view;
	struct json *line = line_start(client);

	endpoint_view(endpoints, endpoint, &view);
	line_endpoint(line, &view);
	if (client->request.command == COMMAND_SHOW)
		line_reasons(line, endpoints, endpoint);
	line_end(client);
}

/* Its events come first, so that it is gone when the client reads of it. */
static void flush(struct control_client *client, uint32_t endpoint)
{
	struct endpoints *endpoints = endpoints_of(client);
	const struct endpoint gone = *endpoint_at(endpoints, endpoint);
	struct json *line;

	if (client->found == 1)
		log_warning("control: flush %s", client->request.target.aor);
	endpoint_remove(endpoints, endpoint, "ended", "flushed");
	if (client->request.target.is_all)
		return;
	line = line_start(client);
	json_put_address_member(line, "client", &gone.client);
	json_put_address_member(line, "proxy", &endpoints->proxies->list[gone.proxy]);
	line_end(client);
}

/* Does what was asked for with one endpoint. False: there is no room for another. */
static bool on_endpoint(void *context, uint32_t endpoint)
{
	struct control_client *client = context;

	if (!is_wanted(client, endpoint))
		return true;
	client->found++;
	if (client->request.command == COMMAND_FLUSH)
		flush(client, endpoint);
	else if (client->request.command == COMMAND_TRACE)
		trace_add(client, &endpoint_at(endpoints_of(client), endpoint)->client);
	else
		put_endpoint(client, endpoint);
	return client_has_room(client, line_max(client));
}

static void end(struct control_client *client)
{
	const enum control_command command = client->request.command;
	const bool is_filtered = command == COMMAND_ENDPOINTS || command == COMMAND_LOST;

	if (command == COMMAND_TRACE) {
		trace_start(client);
		return;
	}
	if (!client->found && !is_filtered && !client->request.target.is_all) {
		client_fail(client, 1, "there is no endpoint of %s", client->request.target.aor);
		return;
	}
	json_put_number_member(line_start_done(client),
		command == COMMAND_FLUSH ? "flushed" : "endpoints", client->found);
	client_done(client);
}

/* At each proxy there may be an endpoint of that address. */
static void look_up(struct control_client *client)
{
	struct endpoints *endpoints = endpoints_of(client);

	for (uint16_t proxy = 0; proxy < endpoints->proxies->count; proxy++) {
		uint32_t endpoint =
			endpoint_find(endpoints, &client->request.target.address, proxy);

		if (endpoint && !on_endpoint(client, endpoint))
			break;
	}
	end(client);
}

void walk_start(struct control_client *client)
{
	const struct control_target *target = &client->request.target;

	client->found = 0;
	if (target->is_address && target->address.port) {
		look_up(client);
		return;
	}
	client->job = JOB_WALK;
	client->next = 1;
	client->last = endpoints_of(client)->endpoints.used;
}

/* What has come since it began it need not see: a flush would never end. */
static void step(struct control_client *client)
{
	const uint32_t left = client->last - client->next + 1;

	client->next = endpoints_walk(endpoints_of(client), client->next,
		left < WALK_PLACES ? left : WALK_PLACES, on_endpoint, client);
	if (!client->next || client->next > client->last)
		end(client);
}

void walk_run(struct control_client *client, uint64_t until_us)
{
	if (client->job == JOB_WALK && client->next > client->last)
		end(client);
	while (walk_can_run(client)) {
		step(client);
		if (clock_us(CLOCK_MONOTONIC) >= until_us)
			break;
	}
}
