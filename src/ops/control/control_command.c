#include "control_command.h"

#include "../log/log.h"
#include "control_lines.h"
#include "control_walk.h"

struct listener {
	struct control *control;
	struct control_client *client;
};

/* A line that is logged while a client has the configuration read again. */
static void on_logged(void *context, enum log_level level, const char *line)
{
	const struct listener *listener = context;
	struct json *json = &listener->control->line;

	line_start(listener->control);
	json_put_member(json, "level", log_level_names[level]);
	json_put_text_member(json, "line", text_from(line));
	line_end(listener->control, listener->client);
}

/* The line that was composed is all of the answer. */
static void answer(struct control *control, struct control_client *client)
{
	line_end(control, client);
	line_start_done(control);
	client_done(control, client);
}

static void reload(struct control *control, struct control_client *client)
{
	struct listener listener = {control, client};
	bool is_taken;

	log_info("control: the configuration is to be read again");
	log_listen(on_logged, &listener);
	is_taken = control->host.reload(control->host.context);
	log_listen(NULL, NULL);
	if (!is_taken) {
		client_fail(control, client, 1, "the configuration stays as it was");
		return;
	}
	line_start_done(control);
	client_done(control, client);
}

static void status(struct control *control, struct control_client *client)
{
	struct control_status status = {.configuration = "", .state = "", .events = ""};

	control->host.status(control->host.context, &status);
	line_start(control);
	line_status(&control->line, control->engine, &status);
	answer(control, client);
}

static void stats(struct control *control, struct control_client *client)
{
	struct metrics_snapshot snapshot;

	control->host.figures(control->host.context, &snapshot);
	line_start(control);
	line_figures(&control->line, &snapshot);
	line_classes(&control->line, engine_endpoints(control->engine));
	line_spread(&control->line, engine_endpoints(control->engine));
	answer(control, client);
}

static void keepalive(struct control *control, struct control_client *client)
{
	const bool on = client->request.on;

	if (on == engine_holds_keepalives(control->engine))
		log_warning("control: keepalives are %s", on ? "sent again" : "held");
	engine_hold_keepalives(control->engine, !on);
	line_start_done(control);
	json_put_member(&control->line, "keepalives", on ? "on" : "held");
	client_done(control, client);
}

static void set_level(struct control *control, struct control_client *client)
{
	const char *name = log_level_names[client->request.level];

	log_info("control: from now on level %s is logged", name);
	log_set_level(client->request.level);
	line_start_done(control);
	json_put_member(&control->line, "level", name);
	client_done(control, client);
}

static void version(struct control *control, struct control_client *client)
{
	line_start(control);
	json_put_member(&control->line, "version", NATBOX_VERSION);
	answer(control, client);
}

static void watch(struct control *control, struct control_client *client)
{
	client->job = JOB_WATCH;
	client->lost = 0;
	control_note_interest(control);
}

static void flush(struct control *control, struct control_client *client)
{
	log_warning("control: flush %s", client->request.target.aor);
	walk_start(control, client);
}

static void trace(struct control *control, struct control_client *client)
{
	client->traced_count = 0;
	walk_start(control, client);
	control_note_interest(control);
}

static void share(struct control *control, struct control_client *client)
{
	client_fail(control, client, 1,
		"this natbox shares nothing: this version does not know how to");
}

static void (*const handlers[CONTROL_COMMANDS])(struct control *, struct control_client *) = {
	[COMMAND_STATUS] = status,
	[COMMAND_ENDPOINTS] = walk_start,
	[COMMAND_SHOW] = walk_start,
	[COMMAND_LOST] = walk_start,
	[COMMAND_EVENTS] = watch,
	[COMMAND_TRACE] = trace,
	[COMMAND_STATS] = stats,
	[COMMAND_KEEPALIVE] = keepalive,
	[COMMAND_FLUSH] = flush,
	[COMMAND_SHARE] = share,
	[COMMAND_RELOAD] = reload,
	[COMMAND_LOG] = set_level,
	[COMMAND_VERSION] = version,
};

void command_run(struct control *control, struct control_client *client, struct text line)
{
	struct fault fault;

	if (control_request_parse(line, &client->request, &fault) != 0) {
		client_fail(control, client, EXIT_USAGE, "%s", fault.line);
		return;
	}
	handlers[client->request.command](control, client);
}
