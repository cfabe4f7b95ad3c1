#include "control_command.h"

#include "../log/log.h"
#include "control_lines.h"
#include "control_walk.h"

#include <time.h>

/* A line that is logged while a client has the configuration read again. */
static void on_logged(void *context, enum log_level level, const char *line)
{
	struct control_client *client = context;
	struct json *json = line_start(client);

	json_put_member(json, "level", log_level_names[level]);
	json_put_text_member(json, "line", text_from(line));
	line_end(client);
}

/* The line that was composed is all of the answer. */
static void answer(struct control_client *client)
{
	line_end(client);
	line_start_done(client);
	client_done(client);
}

static void reload(struct control_client *client)
{
	const struct control_host *host = &client->control->host;
	const char *kept;

	log_info("control: the configuration is to be read again");
	log_listen(on_logged, client);
	kept = host->reload(host->context);
	log_listen(NULL, NULL);
	if (kept) {
		client_fail(client, 1, "%s", kept);
		return;
	}
	line_start_done(client);
	client_done(client);
}

static void status(struct control_client *client)
{
	const struct control_host *host = &client->control->host;
	struct metrics_snapshot snapshot;

	host->figures(host->context, &snapshot);
	line_status(line_start(client), client->control->engine, host, &snapshot,
		clock_us(CLOCK_BOOTTIME));
	answer(client);
}

static void stats(struct control_client *client)
{
	const struct control_host *host = &client->control->host;
	const struct endpoints *endpoints = engine_endpoints(client->control->engine);
	struct metrics_snapshot snapshot;
	struct json *line;

	host->figures(host->context, &snapshot);
	line = line_start(client);
	line_figures(line, &snapshot);
	line_classes(line, endpoints);
	line_spread(line, endpoints);
	answer(client);
}

static void keepalive(struct control_client *client)
{
	struct engine *engine = client->control->engine;
	const bool on = client->request.on;

	if (on == engine_holds_keepalives(engine))
		log_warning("control: keepalives are %s", on ? "held no longer" : "held");
	engine_hold_keepalives(engine, !on);
	json_put_member(line_start_done(client), "keepalives", line_keepalives(engine));
	client_done(client);
}

static void set_level(struct control_client *client)
{
	const char *name = log_level_names[client->request.level];

	log_info("control: from now on level %s is logged", name);
	log_set_level(client->request.level);
	json_put_member(line_start_done(client), "level", name);
	client_done(client);
}

static void version(struct control_client *client)
{
	json_put_member(line_start(client), "version", NATBOX_VERSION);
	answer(client);
}

/* Who looks for a class or a proxy that there is not has mistaken its name. */
static void list(struct control_client *client)
{
	const char *missing = control_filter_lacks(
		&client->request.filter, engine_endpoints(client->control->engine));

	if (missing)
		client_fail(client, 1, "there is no such %s", missing);
	else
		walk_start(client);
}

static void watch(struct control_client *client)
{
	client->job = JOB_WATCH;
	client->lost = 0;
	control_note_interest(client->control);
}

static void trace(struct control_client *client)
{
	client->traced_count = 0;
	walk_start(client);
	control_note_interest(client->control);
}

static void share(struct control_client *client)
{
	client_fail(client, 1, "this natbox shares nothing: this version does not know how to");
}

static void (*const handlers[CONTROL_COMMANDS])(struct control_client *) = {
	[COMMAND_STATUS] = status,
	[COMMAND_ENDPOINTS] = list,
	[COMMAND_SHOW] = walk_start,
	[COMMAND_LOST] = list,
	[COMMAND_EVENTS] = watch,
	[COMMAND_TRACE] = trace,
	[COMMAND_STATS] = stats,
	[COMMAND_KEEPALIVE] = keepalive,
	[COMMAND_FLUSH] = walk_start,
	[COMMAND_SHARE] = share,
	[COMMAND_RELOAD] = reload,
	[COMMAND_LOG] = set_level,
	[COMMAND_VERSION] = version,
};

void command_run(struct control_client *client, struct text line)
{
	struct fault fault;

	if (control_request_parse(line, &client->request, &fault) != 0) {
		client_fail(client, EXIT_USAGE, "%s", fault.line);
		return;
	}
	handlers[client->request.command](client);
}
