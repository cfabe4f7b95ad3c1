/* What natboxctl is told of endpoints and messages, as the programs read it that take JSON. */
#include "ops/control/control_lines.h"
#include "dialogs.h"
#include "ops/control/control_client.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

static char bytes[SHOW_LINE_MAX];

TestSuite(control_lines, .init = dialog_setup, .fini = own_border_close);

/* Of one endpoint, as show has it. */
static const char *shown(const char *client)
{
	struct endpoints *endpoints = engine_endpoints(border->engine);
	const struct address address = at(client);
	const uint32_t endpoint = endpoint_find(endpoints, &address, 0);
	struct json json = {.bytes = bytes};
	struct endpoint_view view;

	cr_assert(endpoint);
	endpoint_view(endpoints, endpoint, &view);
	json_put_char(&json, '{');
	line_endpoint(&json, &view);
	line_reasons(&json, endpoints, endpoint);
	json_put_char(&json, '}');
	json_put_char(&json, 0);
	return bytes;
}

static void expect_shown(const char *client, const char *line)
{
	cr_expect_str_eq(shown(client), line, "%s", bytes);
}

#define HEAD  "{\"client\":\"" PHONE "\",\"proxy\":\"198.51.100.1:5060\","
#define NAT   "\"nat\":[\"via-source\",\"contact-private\"],"
#define ALIVE "\"proven\":true,\"lost\":false,\"missed\":0,"

Test(control_lines, a_phone_that_is_registered_has_all_that_is_known_of_it)
{
	struct phone_class *class =
		&border->settings.classes.list[border->settings.classes.count++];

	*class = (struct phone_class){.name = "second", .aors = "*"};
	border_bind(border, PHONE,
		(struct registration){
			.expires = "600", .contact = "<sip:line1@192.168.1.10:5060>"});
	border_wait(border, 10);
	expect_shown(PHONE, HEAD
		"\"aor\":\"sip:alice@example.com\",\"user\":\"line1\",\"class\":\"second\"," NAT
		"\"registrations\":1,\"subscriptions\":0,\"dialogs\":0,\"expires\":590," ALIVE
		"\"quiet\":10,\"next\":15,\"reasons\":[{\"reason\":\"registration\","
		"\"id\":\"sip:alice@example.com\",\"user\":\"line1\",\"expires\":590}]}");
}

#define CALLING HEAD NAT "\"registrations\":0,\"subscriptions\":0,\"dialogs\":1,"

Test(control_lines, a_call_is_early_while_it_rings)
{
	border_wait(border, 0); /* the engine is there from then on */
	engine_hold_keepalives(border->engine, true);
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 180, "INVITE", tagged("a", "b", 1));
	expect_shown(PHONE,
		CALLING "\"expires\":180," ALIVE "\"quiet\":0,\"reasons\":[{\"reason\":\"dialog\","
			"\"id\":\"call\",\"early\":true,\"expires\":180}]}");
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	expect_shown(PHONE, CALLING "\"expires\":43200," ALIVE
				    "\"quiet\":0,\"reasons\":[{\"reason\":\"dialog\","
				    "\"id\":\"call\",\"expires\":43200}]}");
}

Test(control_lines, keepalives_are_held_before_they_are_off_and_on_only_where_some_are_sent)
{
	border_wait(border, 0);
	cr_expect_str_eq(line_keepalives(border->engine), "on");
	border->settings.keepalive.rules.scope = KEEPALIVE_OFF;
	engine_reconfigure(border->engine, &border->settings);
	engine_hold_keepalives(border->engine, true);
	cr_expect_str_eq(line_keepalives(border->engine), "held");
	engine_hold_keepalives(border->engine, false);
	cr_expect_str_eq(line_keepalives(border->engine), "off");
}

Test(control_lines, of_many_reasons_64_are_shown_and_the_others_counted)
{
	char call_id[16];

	for (unsigned i = 0; i < 67; i++) {
		snprintf(call_id, sizeof(call_id), "call%u", i);
		phone_asks(border, PHONE, "INVITE", (struct exchange){.call_id = call_id});
		proxy_answers(border, PHONE, 180, "INVITE",
			(struct exchange){.call_id = call_id, .to_tag = "b"});
		if (i == 63)
			cr_expect_null(strstr(shown(PHONE), "\"more\""));
	}
	cr_expect(strstr(shown(PHONE), "}],\"more\":3}"), "%s", bytes);
}

/* up_us: since the start. */
static const char *status_shown(
	const struct control_host *host, struct metrics_snapshot *snapshot, uint64_t up_us)
{
	struct json json = {.bytes = bytes};

	snapshot->engine = engine_counters(border->engine);
	json_put_char(&json, '{');
	line_status(&json, border->engine, host, snapshot, snapshot->sightings.boot_us + up_us);
	json_put_char(&json, '}');
	json_put_char(&json, 0);
	return bytes;
}

#define COUNTED                                                                                    \
	"\"proxies\":[\"198.51.100.1:5060\"],\"proxy_count\":1,\"endpoints\":1,\"lost\":0,"        \
	"\"unproven\":0,\"registrations\":1,\"subscriptions\":0,\"dialogs\":0,"

Test(control_lines, status_is_what_runs_and_what_it_keeps_in_whole_seconds)
{
	static struct config config = {
		.mode = MODE_RELAY, .state.path = "/var/lib/natbox", .log.events = "-"};
	const struct control_host host = {
		.config = &config, .configuration = "/etc/natbox/natbox.ini"};
	struct metrics_snapshot snapshot = {
		.state_lag_us = 2999999,
		.sightings = {.boot_us = 1000000,
			.started_us = 1795696980999999,
			.seen_us = {61000000, 62999999}},
	};

	config.metrics.listen = at("127.0.0.1:9560");
	border_bind(border, PHONE, (struct registration){.expires = "600"});
	cr_expect_str_eq(status_shown(&host, &snapshot, 61999999),
		"{\"version\":\"" NATBOX_VERSION "\",\"mode\":\"relay\",\"dry_run\":false,"
		"\"since\":1795696980,\"up\":61,\"configuration\":\"/etc/natbox/natbox.ini\","
		"\"settling\":false," COUNTED "\"keepalives\":\"on\",\"last_in\":1,\"last_out\":0,"
		"\"state\":\"/var/lib/natbox\",\"state_lag\":2,\"events\":\"-\","
		"\"metrics\":\"127.0.0.1:9560\"}",
		"%s", bytes);
}

Test(control_lines, what_there_is_not_status_leaves_empty_or_out)
{
	static const struct config config = {.state.path = "/var/lib/natbox"};
	const struct control_host host = {
		.config = &config, .configuration = "a.ini", .is_dry_run = true};
	struct metrics_snapshot snapshot = {0};

	border_bind(border, PHONE, (struct registration){.expires = "600"});
	engine_hold_keepalives(border->engine, true);
	engine_bound_work(border->engine, 0); /* no time yet for what comes with new settings */
	engine_reconfigure(border->engine, &border->settings);
	cr_expect_str_eq(status_shown(&host, &snapshot, 0),
		"{\"version\":\"" NATBOX_VERSION "\",\"mode\":\"sniff\",\"dry_run\":true,"
		"\"since\":0,\"up\":0,\"configuration\":\"a.ini\",\"settling\":true," COUNTED
		"\"keepalives\":\"held\",\"state\":\"\",\"state_lag\":0,\"events\":\"\"}",
		"%s", bytes);
}

static const char *base64(const char *text)
{
	struct json json = {.bytes = bytes};

	json_put_char(&json, '{');
	line_base64(&json, "base64", text_from(text));
	json_put(&json, "}");
	json_put_char(&json, 0);
	return bytes;
}

/* The vectors of RFC 4648 10. */
Test(control_lines, bytes_are_base64)
{
	cr_expect_str_eq(base64(""), "{\"base64\":\"\"}");
	cr_expect_str_eq(base64("f"), "{\"base64\":\"Zg==\"}");
	cr_expect_str_eq(base64("fo"), "{\"base64\":\"Zm8=\"}");
	cr_expect_str_eq(base64("foobar"), "{\"base64\":\"Zm9vYmFy\"}");
}
