#include "control_trace.h"

#include "control_lines.h"

/* Bytes of a line besides those of the message, which base64 makes a third longer. */
enum { TRACE_LINE_OTHER = 512 };

void trace_start(struct control_client *client)
{
	struct control *control = client->control;
	const enum mode mode = control->host.config->mode;
	struct json *line = line_start(client);

	client->job = JOB_TRACE;
	client->end_us = control->now_us + client->request.time_us;
	json_put_text_member(line, "tracing", text_from(client->request.target.aor));
	json_put_number_member(line, "endpoints", client->found);
	json_put_member(line, "mode", mode_names[mode]);
	line_end(client);
	client->found = 0;
	client->lost = 0;
	control_note_interest(control);
}

static void end(struct control_client *client)
{
	struct json *line = line_start_done(client);

	json_put_number_member(line, "messages", client->found);
	json_put_number_member(line, "lost_lines", client->lost);
	client_done(client);
}

static bool is_traced(const struct control_client *client, const struct address *address)
{
	if (client->request.target.is_address)
		return control_is_at(&client->request.target.address, address);
	for (unsigned i = 0; i < client->traced_count; i++) {
		if (address_equal(&client->traced[i], address))
			return true;
	}
	return false;
}

void trace_add(struct control_client *client, const struct address *address)
{
	if (!is_traced(client, address) && client->traced_count < TRACED_MAX)
		client->traced[client->traced_count++] = *address;
}

/* verdict: NULL where it has nothing to do with one. */
static void put(struct control_client *client, const char *what, const struct flow *flow,
	struct text bytes, const char *verdict)
{
	const struct control *control = client->control;
	struct json *line;

	if (!client_has_room(client, bytes.length / 3 * 4 + TRACE_LINE_OTHER)) {
		client->lost++;
		return;
	}
	line = line_start(client);
	json_put_time_member(line, (int64_t)control->now_us + control->offset_us);
	json_put_member(line, "what", what);
	json_put_address_member(line, "source", &flow->source);
	json_put_address_member(line, "destination", &flow->destination);
	if (verdict)
		json_put_member(line, "verdict", verdict);
	line_base64(line, "base64", bytes);
	line_end(client);
}

void trace_packet(struct control_client *client, const struct flow *flow, struct text bytes,
	const struct outcome *outcome)
{
	/* There is a verdict only on what passes through natbox. */
	const bool passes = client->control->host.config->mode != MODE_SNIFF;

	if (!is_traced(client, &flow->source) && !is_traced(client, &flow->destination))
		return;
	if (outcome)
		put(client, "came", flow, bytes, passes ? verdict_names[outcome->verdict] : NULL);
	else
		put(client, "sent", flow, bytes, NULL);
	if (outcome && outcome->verdict == VERDICT_REWRITE)
		put(client, "left", flow, outcome->bytes, NULL);
	if (++client->found == client->request.count)
		end(client);
}

void trace_event(struct control_client *client, const struct event *event)
{
	if (event->type == EVENT_REASON_ADD && event->reason.kind == REASON_REGISTRATION &&
		!client->request.target.is_address &&
		control_target_is_aor(&client->request.target, event->reason.id))
		trace_add(client, &event->client);
}

void trace_inspect(struct control_client *client)
{
	if (client->control->now_us >= client->end_us)
		end(client);
}
