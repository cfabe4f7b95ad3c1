#include "control_lines.h"

#include "../http/exposition.h"
#include "control_client.h"

void line_base64(struct json *json, const char *key, struct text bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = (const unsigned char *)bytes.at;

	json_put_key(json, key);
	json_put_char(json, '"');
	for (size_t left = bytes.length; left;
		at += left < 3 ? left : 3, left -= left < 3 ? left : 3) {
		const unsigned triple = (unsigned)at[0] << 16 | (left > 1 ? at[1] << 8 : 0) |
					(left > 2 ? at[2] : 0);

		json_put_char(json, digits[triple >> 18]);
		json_put_char(json, digits[triple >> 12 & 63]);
		json_put_char(json, left > 1 ? digits[triple >> 6 & 63] : '=');
		json_put_char(json, left > 2 ? digits[triple & 63] : '=');
	}
	json_put_char(json, '"');
}

static const char *const kinds_of_reasons[REASON_KINDS] = {
	[REASON_REGISTRATION] = "registrations",
	[REASON_SUBSCRIPTION] = "subscriptions",
	[REASON_DIALOG] = "dialogs",
};

void line_endpoint(struct json *json, const struct endpoint_view *view)
{
	json_put_address_member(json, "client", &view->client);
	json_put_address_member(json, "proxy", &view->proxy);
	if (view->aor.at)
		json_put_text_member(json, "aor", view->aor);
	if (view->user.length)
		json_put_text_member(json, "user", view->user);
	if (view->class.at)
		json_put_text_member(json, "class", view->class);
	json_put_set_member(json, "nat", view->nat, nat_test_names, NAT_TESTS);
	for (unsigned i = 0; i < REASON_KINDS; i++)
		json_put_number_member(json, kinds_of_reasons[i], view->reasons[i]);
	json_put_number_member(json, "expires", view->left_us / 1000000);
	json_put_truth_member(json, "proven", view->proven);
	json_put_truth_member(json, "lost", view->lost);
	json_put_number_member(json, "missed", view->missed);
	json_put_number_member(json, "quiet", view->silent_us / 1000000);
	if (view->next_us != UINT64_MAX)
		json_put_number_member(json, "next", view->next_us / 1000000);
}

static void put_reason(struct json *json, const struct reason_view *view)
{
	json_put_char(json, '{');
	json_put_member(json, "reason", reason_kind_names[view->kind]);
	json_put_text_member(json, "id", view->id);
	if (view->user.length)
		json_put_text_member(json, "user", view->user);
	if (view->early)
		json_put_truth_member(json, "early", true);
	json_put_number_member(json, "expires", view->left_us / 1000000);
	json_put_char(json, '}');
}

void line_reasons(struct json *json, const struct endpoints *endpoints, uint32_t endpoint)
{
	struct reason_view view;
	unsigned count = 0;

	json_put_key(json, "reasons");
	json_put_char(json, '[');
	for (uint32_t i = endpoint_at(endpoints, endpoint)->reasons; i;
		i = reason_at(endpoints, i)->next) {
		if (++count > REASONS_SHOWN_MAX)
			continue;
		json_next(json);
		reason_view(endpoints, i, &view);
		put_reason(json, &view);
	}
	json_put_char(json, ']');
	if (count > REASONS_SHOWN_MAX)
		json_put_number_member(json, "more", count - REASONS_SHOWN_MAX);
}

static void put_proxies(struct json *json, const struct engine *engine)
{
	const struct proxies *proxies = engine_proxies(engine);

	json_put_key(json, "proxies");
	json_put_char(json, '[');
	for (unsigned i = 0; i < proxies->count && i < CONTROL_PROXIES_SHOWN; i++) {
		json_next(json);
		json_put_address(json, &proxies->list[i]);
	}
	json_put_char(json, ']');
	json_put_number_member(json, "proxy_count", proxies->count);
}

void line_counts(struct json *json, const struct engine_counters *counters)
{
	json_put_number_member(json, "endpoints", counters->endpoints);
	json_put_number_member(json, "lost", counters->lost_now);
	json_put_number_member(json, "unproven", counters->unproven);
	for (unsigned i = 0; i < REASON_KINDS; i++)
		json_put_number_member(json, kinds_of_reasons[i], counters->reasons_of[i]);
}

const char *line_keepalives(struct engine *engine)
{
	if (engine_holds_keepalives(engine))
		return "held";
	return classes_keep_alive(&engine_endpoints(engine)->classes) ? "on" : "off";
}

/* How long ago a packet was seen, where there was one. */
static void put_last(struct json *json, const char *key, uint64_t seen_us, uint64_t now_us)
{
	if (seen_us)
		json_put_number_member(json, key, (now_us - seen_us) / 1000000);
}

void line_status(struct json *json, struct engine *engine, const struct control_host *host,
	const struct metrics_snapshot *snapshot, uint64_t now_us)
{
	const struct sightings *sightings = &snapshot->sightings;
	const struct config *config = host->config;

	json_put_member(json, "version", NATBOX_VERSION);
	json_put_member(json, "mode", mode_names[config->mode]);
	json_put_truth_member(json, "dry_run", host->is_dry_run);
	json_put_number_member(json, "since", sightings->started_us / 1000000);
	json_put_number_member(json, "up", (now_us - sightings->boot_us) / 1000000);
	json_put_text_member(json, "configuration", text_from(host->configuration));
	json_put_truth_member(json, "settling", engine_is_reviewing(engine));
	put_proxies(json, engine);
	line_counts(json, &snapshot->engine);
	json_put_member(json, "keepalives", line_keepalives(engine));
	put_last(json, "last_in", sightings->seen_us[DIRECTION_IN], now_us);
	put_last(json, "last_out", sightings->seen_us[DIRECTION_OUT], now_us);
	json_put_text_member(json, "state", text_from(host->is_dry_run ? "" : config->state.path));
	json_put_number_member(json, "state_lag", snapshot->state_lag_us / 1000000);
	json_put_text_member(json, "events", text_from(config->log.events));
	if (config->metrics.listen.port)
		json_put_address_member(json, "metrics", &config->metrics.listen);
}

/* The exposition has a figure in each line that is no comment: its name, a blank and a number. */
void line_figures(struct json *json, const struct metrics_snapshot *snapshot)
{
	static char text[EXPOSITION_MAX];
	const char *at = text;

	exposition_write(snapshot, text);
	while (*at) {
		const char *end = at + strcspn(at, "\n");
		const char *blank = memrchr(at, ' ', (size_t)(end - at));

		if (*at != '#' && blank) {
			json_next(json);
			json_put_char(json, '"');
			json_put_escaped(json, (struct text){at, (size_t)(blank - at)});
			json_put(json, "\":");
			json_put_bytes(json, blank + 1, (size_t)(end - blank - 1));
		}
		at = *end ? end + 1 : end;
	}
}

/* Endpoints whose class is gone since a reload are soon of another, or of none. */
void line_classes(struct json *json, const struct endpoints *endpoints)
{
	const struct classes *classes = &endpoints->classes;
	const struct engine_counters *counters = &endpoints->report->counters;
	uint32_t left = counters->endpoints;

	json_put_key(json, "classes");
	json_put_char(json, '{');
	for (unsigned i = 0; i < classes->settings->classes.count; i++) {
		const uint32_t count = counters->endpoints_of_class[classes->numbers[i]];

		json_put_number_member(json, classes->settings->classes.list[i].name, count);
		left -= count;
	}
	json_put_number_member(json, "", left);
	json_put_char(json, '}');
}

/* Of an hour in ticks that is a third of a millisecond, of 25 s some microseconds. */
void line_spread(struct json *json, const struct endpoints *endpoints)
{
	const uint64_t interval_us = endpoints->settings->keepalive.rules.interval_us;
	const uint32_t interval = ticks_of(interval_us), now = report_tick(endpoints->report);
	uint32_t ahead = 0;

	json_put_key(json, "spread");
	json_put_char(json, '{');
	json_put_key(json, "interval");
	json_put_decimal(json, interval_us, 6);
	json_put_key(json, "parts");
	json_put_char(json, '[');
	for (unsigned part = 1; part <= SPREAD_PARTS; part++) {
		const uint32_t end = (uint32_t)((uint64_t)interval * part / SPREAD_PARTS);
		uint64_t senders = 0;

		while (ahead < end)
			senders += wheel_senders_at(endpoints->schedule.wheel, now + ++ahead);
		json_put_item(json, senders);
	}
	json_put(json, "]}");
}
