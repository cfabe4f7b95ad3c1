/* The event stream: every line valid JSON with the keys of the contract, in their order. */
#include <natbox/endpoints.h>
#include <natbox/ops.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <unistd.h>

static char path[] = "/tmp/natbox-events-XXXXXX";
static char text[1 << 20];
static struct fault fault;
static struct events *events;

static void open_events(void)
{
	close(mkstemp(path));
	events = events_open(path, NULL, &fault);
	cr_assert(events, "%s", fault.line);
}

static void close_events(void)
{
	events_close(events, &fault);
	unlink(path);
}

static bool is_json(const char *line, size_t flags)
{
	json_t *json = json_loads(line, flags, NULL);

	json_decref(json);
	return json;
}

static struct event event_of(enum event_type type)
{
	return (struct event){.type = type,
		.time_us = 1700000000000042,
		.client = address_ipv4("\xc6\x33\x64\x07", 1024),
		.proxy = address_ipv4("\xc0\x00\x02\x01", 5060)};
}

/* What the stream holds, after a flush. */
static const char *written(void)
{
	FILE *file;

	cr_assert_eq(events_flush(events, 0, &fault), EVENTS_NO_NEWS, "%s", fault.line);
	file = fopen(path, "r");
	cr_assert(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	return text;
}

static void expect_line(const struct event *event, const char *name, const char *details)
{
	char line[512];

	snprintf(line, sizeof(line),
		"{\"time\":1700000000.000042,\"event\":\"%s\",\"client\":\"198.51.100.7:1024\","
		"\"proxy\":\"192.0.2.1:5060\",%s}\n",
		name, details);
	cr_assert_eq(truncate(path, 0), 0);
	events_write(events, event);
	cr_expect_str_eq(written(), line);
	cr_expect(is_json(text, JSON_REJECT_DUPLICATES));
}

TestSuite(events, .init = open_events, .fini = close_events);

Test(events, endpoint_lines_have_the_keys_of_the_contract)
{
	struct event add = event_of(EVENT_ENDPOINT_ADD), remove = event_of(EVENT_ENDPOINT_REMOVE);

	expect_line(&add, "endpoint-add", "\"nat\":[]");
	add.nat = NAT_VIA_SOURCE | NAT_SDP_PRIVATE;
	expect_line(&add, "endpoint-add", "\"nat\":[\"via-source\",\"sdp-private\"]");
	add.class = "office";
	expect_line(&add, "endpoint-add",
		"\"nat\":[\"via-source\",\"sdp-private\"],\"class\":\"office\"");
	remove.why = "expired";
	expect_line(&remove, "endpoint-remove", "\"why\":\"expired\"");
	remove.aor = TEXT("sip:alice@example.com");
	expect_line(
		&remove, "endpoint-remove", "\"why\":\"expired\",\"id\":\"sip:alice@example.com\"");
}

Test(events, lines_of_what_was_restored_say_so_in_their_last_key)
{
	struct event add = event_of(EVENT_ENDPOINT_ADD), reason = event_of(EVENT_REASON_ADD);

	add.restored = reason.restored = true;
	expect_line(&add, "endpoint-add", "\"nat\":[],\"restored\":true");
	reason.reason.id = TEXT("sip:alice@example.com");
	reason.reason.expires = 3600;
	expect_line(&reason, "reason-add",
		"\"reason\":\"registration\","
		"\"id\":\"sip:alice@example.com\",\"expires\":3600,\"restored\":true");
}

Test(events, reason_lines_have_the_keys_of_the_contract)
{
	struct event event = event_of(EVENT_REASON_ADD);

	event.reason.id = TEXT("sip:alice@example.com");
	event.reason.expires = 3600;
	event.reason.why = "ended";
	expect_line(&event, "reason-add",
		"\"reason\":\"registration\","
		"\"id\":\"sip:alice@example.com\",\"expires\":3600");
	event.type = EVENT_REASON_REFRESH;
	event.reason.kind = REASON_SUBSCRIPTION;
	expect_line(&event, "reason-refresh",
		"\"reason\":\"subscription\","
		"\"id\":\"sip:alice@example.com\",\"expires\":3600");
	event.type = EVENT_REASON_END;
	event.reason.kind = REASON_DIALOG;
	expect_line(&event, "reason-end",
		"\"reason\":\"dialog\","
		"\"id\":\"sip:alice@example.com\",\"why\":\"ended\"");
}

Test(events, rewrite_lines_have_the_keys_of_the_contract)
{
	struct event event = event_of(EVENT_REWRITE);

	event.rewrite.in = true;
	event.rewrite.method = TEXT("REGISTER");
	event.rewrite.fields = REWRITTEN_VIA | REWRITTEN_CONTACT;
	expect_line(&event, "rewrite",
		"\"dir\":\"in\",\"what\":\"REGISTER\","
		"\"fields\":[\"contact\",\"via\"]");
	event.rewrite.in = false;
	event.rewrite.status = 200;
	event.rewrite.fields = REWRITTEN_RURI | REWRITTEN_OTHER;
	expect_line(&event, "rewrite",
		"\"dir\":\"out\",\"what\":\"200 REGISTER\","
		"\"fields\":[\"ruri\",\"other\"]");
}

Test(events, keepalive_lines_have_the_keys_of_the_contract)
{
	struct event keepalive = event_of(EVENT_KEEPALIVE), reply = event_of(EVENT_REPLY);
	struct event lost = event_of(EVENT_LOST), found = event_of(EVENT_FOUND);

	keepalive.method = "NOTIFY";
	expect_line(&keepalive, "keepalive", "\"method\":\"NOTIFY\"");
	reply.reply.status = 489;
	reply.reply.rtt_us = 12034;
	expect_line(&reply, "reply", "\"status\":489,\"rtt\":12.034");
	lost.missed = 3;
	expect_line(&lost, "lost", "\"missed\":3");
	lost.aor = TEXT("sip:\"a\"@b");
	expect_line(&lost, "lost", "\"missed\":3,\"id\":\"sip:\\\"a\\\"@b\"");
	found.silent_s = 90;
	expect_line(&found, "found", "\"silent\":90");
	found.aor = TEXT("sip:a@b");
	expect_line(&found, "found", "\"silent\":90,\"id\":\"sip:a@b\"");
}

Test(events, malformed_and_refused_say_why)
{
	struct event event = event_of(EVENT_MALFORMED);

	event.why = "no Via";
	expect_line(&event, "malformed", "\"why\":\"no Via\"");
	event.type = EVENT_REFUSED;
	event.why = "endpoints";
	expect_line(&event, "refused", "\"why\":\"endpoints\"");
}

Test(events, ipv6_addresses_stand_in_brackets)
{
	struct event event = event_of(EVENT_LOST);
	uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	event.client = address_ipv6(ip, 5061);
	events_write(events, &event);
	cr_expect(strstr(written(), "\"client\":\"[2001:db8::1]:5061\""));
}

Test(events, summary_is_the_counters_in_order)
{
	struct engine_counters counters = {.packets = 1,
		.sip = 2,
		.requests = 3,
		.responses = 4,
		.malformed = 5,
		.rewritten = 6,
		.endpoints = 7,
		.endpoints_max = 8,
		.keepalives = 9,
		.other = 99};

	events_write_summary(events, 90000000, &counters);
	cr_expect_str_eq(written(),
		"{\"time\":90.000000,\"event\":\"summary\",\"packets\":1,\"sip\":2,\"requests\":3,"
		"\"responses\":4,\"malformed\":5,\"rewritten\":6,\"endpoints\":7,"
		"\"endpoints_max\":8,\"keepalives\":9}\n");
}

Test(events, offset_turns_the_engines_clock_into_wall_clock)
{
	struct event event = event_of(EVENT_LOST);

	event.time_us = 5000001;
	events_set_offset(events, 1700000000000000);
	events_write(events, &event);
	events_set_offset(events, -10000000);
	events_write(events, &event);
	cr_expect_eq(strncmp(written(), "{\"time\":1700000005.000001,", 26), 0);
	cr_expect(strstr(text, "\n{\"time\":0.000000,"));
}

/* Writes an event with these bytes as its id and gives back what a reader finds there. */
static const char *id_of(const char *bytes, size_t length)
{
	static char id[64];
	struct event event = event_of(EVENT_REASON_ADD);
	json_error_t error;
	json_t *line;

	event.reason.id = (struct text){bytes, length};
	cr_assert_eq(truncate(path, 0), 0);
	events_write(events, &event);
	line = json_loads(written(), JSON_ALLOW_NUL, &error);
	cr_assert(line, "%s: %s", error.text, text);
	snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(line, "id")));
	json_decref(line);
	return id;
}

Test(events, text_comes_back_as_it_was)
{
	cr_expect_str_eq(id_of("a\"b\\c\n\x01\x7f/", 9), "a\"b\\c\n\x01\x7f/");
	cr_expect_str_eq(id_of("\u00fc\u20ac\U0001f4de", 9), "\u00fc\u20ac\U0001f4de");
}

Test(events, no_byte_is_a_control_of_any_terminal)
{
	static const char *const texts[] = {("\xc2\x9b"
					     "2J"),
		"\u16db", "\u00c4", "\U0001f4de"};

	for (unsigned i = 0; i < 4; i++) {
		cr_expect_str_eq(id_of(texts[i], strlen(texts[i])), texts[i]);
		for (const char *at = text; *at; at++)
			cr_expect(
				(unsigned char)*at < 0x80 || (unsigned char)*at > 0x9f, "%s", text);
	}
}

Test(events, bytes_that_are_no_utf8_become_replacement_characters)
{
	cr_expect_str_eq(id_of("a\x80z", 3), "a\ufffdz");
	cr_expect_str_eq(id_of("\xc3", 1), "\ufffd");
	cr_expect_str_eq(id_of("\xc0\xaf", 2), "\ufffd\ufffd");
	cr_expect_str_eq(id_of("\xe2\x82z", 3), "\ufffd\ufffdz");
	cr_expect_str_eq(id_of("\xed\xa0\x80", 3), "\ufffd\ufffd\ufffd");
	cr_expect_str_eq(id_of("\xf4\x90\x80\x80", 4), "\ufffd\ufffd\ufffd\ufffd");
	cr_expect_str_eq(id_of("\xf0\x8f\xbf\xbf", 4), "\ufffd\ufffd\ufffd\ufffd");
}

Test(events, every_pair_of_bytes_makes_valid_json)
{
	unsigned lines = 0;
	FILE *file;

	for (unsigned pair = 0; pair < 65536; pair++) {
		struct event event = event_of(EVENT_REASON_END);
		char bytes[2] = {(char)(pair >> 8), (char)pair};

		event.reason.id = (struct text){bytes, 2};
		event.reason.why = "ended";
		events_write(events, &event);
	}
	cr_assert_eq(events_flush(events, 0, &fault), EVENTS_NO_NEWS);
	file = fopen(path, "r");
	cr_assert(file);
	for (; fgets(text, sizeof(text), file); lines++)
		cr_assert(is_json(text, JSON_ALLOW_NUL), "%s", text);
	cr_expect_eq(lines, 65536);
	fclose(file);
}

Test(events, texts_are_as_long_as_a_datagram_at_most_and_lines_are_whole)
{
	static char bytes[70000];
	struct event event = event_of(EVENT_REASON_ADD);

	memset(bytes, 1, sizeof(bytes));
	event.reason.id = (struct text){bytes, sizeof(bytes)};
	cr_assert_eq(truncate(path, 0), 0);
	events_write(events, &event);
	events_write(events, &event);
	cr_assert(is_json(written(), JSON_DISABLE_EOF_CHECK));
	cr_expect_eq(strlen(text) % 2, 0);
	cr_expect_lt(strlen(text) / 2, 6 * 65535 + 200, "no longer than a datagram may be");
	cr_expect(is_json(text + strlen(text) / 2, 0));
}

Test(events, reopening_goes_on_in_a_new_file)
{
	struct event event = event_of(EVENT_LOST);
	char moved[64];

	snprintf(moved, sizeof(moved), "%s.1", path);
	events_write(events, &event);
	rename(path, moved);
	cr_assert_eq(events_reopen(events, &fault), 0);
	cr_expect_str_eq(written(), "");
	events_write(events, &event);
	cr_expect_str_neq(written(), "");
	unlink(moved);
}

static void write_malformed(unsigned count, uint64_t time_us)
{
	struct event event = event_of(EVENT_MALFORMED);

	event.why = "no Via";
	event.time_us = time_us;
	while (count--)
		events_write(events, &event);
}

static unsigned count_lines(const char *all)
{
	unsigned lines = 0;

	for (; (all = strchr(all, '\n')); all++)
		lines++;
	return lines;
}

Test(events, malformed_ones_are_a_few_a_second_and_the_rest_is_counted)
{
	write_malformed(100, 5000000);
	cr_expect_eq(count_lines(written()), LOG_LIMIT_PER_SECOND);
	write_malformed(1, 6000000);
	cr_expect_eq(count_lines(written()), LOG_LIMIT_PER_SECOND + 1);
	cr_expect(strstr(text, "\"no Via\",\"left_out\":96}\n"), "%s", text);
	write_malformed(1, 6000001);
	cr_expect_null(strstr(strstr(written(), "left_out") + 1, "left_out"));
}

Test(events, the_last_of_a_flood_is_written_when_no_other_follows)
{
	write_malformed(100, 5000000);
	for (unsigned i = 0; i < 10; i++)
		cr_expect_eq(events_flush(events, 5900000, &fault), EVENTS_NO_NEWS);
	cr_expect_eq(count_lines(written()), LOG_LIMIT_PER_SECOND);
	cr_expect_eq(events_flush(events, 6000000, &fault), EVENTS_NO_NEWS);
	cr_expect(strstr(written(), "{\"time\":5.000000,"));
	cr_expect(strstr(text, "\"left_out\":95}\n"), "%s", text);
}

/* By then somebody else's may stand where it stood. */
Test(events, the_last_of_a_flood_keeps_its_address_of_record)
{
	char aor[] = "sip:alice@example.com";
	struct event event = event_of(EVENT_MALFORMED);

	event.why = "no Via";
	event.time_us = 5000000;
	event.aor = text_from(aor);
	write_malformed(LOG_LIMIT_PER_SECOND, 5000000);
	events_write(events, &event);
	memset(aor, 'x', sizeof(aor));
	cr_expect_eq(events_flush(events, 6000000, &fault), EVENTS_NO_NEWS);
	cr_expect(strstr(written(), "\"no Via\",\"id\":\"sip:alice@example.com\"}\n"), "%s", text);
}

/* One that is longer than names are kept. */
Test(events, and_no_more_of_it_than_there_is_room_for)
{
	char aor[LABEL_MAX + 100];
	struct event event = event_of(EVENT_MALFORMED);
	const char *id;

	event.why = "no Via";
	event.time_us = 5000000;
	event.aor = (struct text){memset(aor, 'a', sizeof(aor)), sizeof(aor)};
	write_malformed(LOG_LIMIT_PER_SECOND, 5000000);
	events_write(events, &event);
	cr_expect_eq(events_flush(events, 6000000, &fault), EVENTS_NO_NEWS);
	id = strstr(written(), "\"id\":\"");
	cr_assert(id);
	cr_expect_eq(strspn(id + 6, "a"), LABEL_MAX);
}

Test(events, more_than_can_wait_in_one_turn_is_written_in_between)
{
	struct event event = event_of(EVENT_LOST);

	for (unsigned i = 0; i < 5000; i++)
		events_write(events, &event);
	cr_expect_eq(count_lines(written()), 5000);
}

/* One of each kind; returns how many were written. */
static unsigned write_all_kinds(unsigned chosen)
{
	events_choose(events, chosen);
	cr_assert_eq(truncate(path, 0), 0);
	for (unsigned type = 0; type < EVENT_TYPES; type++) {
		struct event event = event_of(type);

		if (type == EVENT_KEEPALIVE)
			event.method = "NOTIFY";
		else if (type == EVENT_REASON_END)
			event.reason.why = "ended";
		else if (type == EVENT_ENDPOINT_REMOVE || type == EVENT_MALFORMED ||
			 type == EVENT_REFUSED)
			event.why = "limit";
		event.time_us = 5000000;
		events_write(events, &event);
	}
	return count_lines(written());
}

Test(events, only_the_kinds_that_are_chosen_are_written)
{
	cr_expect_eq(write_all_kinds(1 << EVENT_LOST | 1 << EVENT_FOUND), 2);
	cr_expect(strstr(text, "\"lost\"") && strstr(text, "\"found\""), "%s", text);
	cr_expect_eq(write_all_kinds(0), 0);
	cr_expect_eq(write_all_kinds(EVENTS_ALL), EVENT_TYPES);
}

Test(events, by_themselves_they_are_all_but_those_of_every_message_and_keepalive)
{
	cr_expect_eq(write_all_kinds(EVENTS_AUTO), EVENT_TYPES - 3);
	cr_expect_null(strstr(text, "\"keepalive\""));
	cr_expect_null(strstr(text, "\"reply\""));
	cr_expect_null(strstr(text, "\"rewrite\""));
	cr_expect_eq(write_all_kinds(EVENTS_AUTO | 1 << EVENT_REPLY), EVENT_TYPES - 2);
	cr_expect_eq(
		events_chosen(events), EVENTS_ALL & ~(1u << EVENT_KEEPALIVE | 1u << EVENT_REWRITE));
}

Test(events, what_can_wait_has_half_of_the_room)
{
	struct event event = event_of(EVENT_LOST);
	unsigned lines = 0;

	for (; events_have_room(events) && lines < 10000; lines++)
		events_write(events, &event);
	cr_expect_lt(lines, 10000);
	cr_expect_eq(count_lines(written()), lines, "none of them was written early");
	cr_expect(events_have_room(events));
}

Test(events, refused_ones_have_a_limit_of_their_own)
{
	struct event event = event_of(EVENT_REFUSED);

	event.why = "transactions";
	event.time_us = 5000000;
	write_malformed(100, 5000000);
	for (unsigned i = 0; i < 100; i++)
		events_write(events, &event);
	cr_expect_eq(count_lines(written()), 2 * LOG_LIMIT_PER_SECOND);
}

Test(events, replay_has_all_of_them)
{
	int saved = dup(STDOUT_FILENO);
	struct events *file = events, *whole;

	dup2(open(path, O_WRONLY | O_TRUNC), STDOUT_FILENO);
	events = whole = events_open_whole(&fault);
	events_choose(whole, EVENTS_AUTO);
	cr_expect_eq(events_chosen(whole), EVENTS_ALL);
	write_malformed(100, 5000000);
	cr_expect_eq(events_close(whole, &fault), 0);
	events = file;
	dup2(saved, STDOUT_FILENO);
	cr_expect_eq(count_lines(written()), 100);
}

/* No file may grow beyond this. */
static void set_room(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
}

static enum events_news write_lines(unsigned lines)
{
	struct event event = event_of(EVENT_LOST);

	while (lines--)
		events_write(events, &event);
	return events_flush(events, 0, &fault);
}

Test(events, write_errors_are_heard_of_and_leave_whole_lines)
{
	set_room(100);
	cr_expect_eq(write_lines(1), EVENTS_LOST);
	cr_expect(strstr(fault.line, path));
	set_room(RLIM_INFINITY);
	cr_expect_eq(write_lines(1), EVENTS_RESUMED);
	cr_expect_eq(strlen(written()), 100 + 1 + strlen(strchr(text, '\n') + 1));
	cr_expect(is_json(strchr(text, '\n'), 0));
}

Test(events, half_a_line_stays_in_the_file_that_it_is_in)
{
	char moved[64];

	snprintf(moved, sizeof(moved), "%s.1", path);
	set_room(100);
	cr_expect_eq(write_lines(1), EVENTS_LOST);
	set_room(RLIM_INFINITY);
	rename(path, moved);
	cr_assert_eq(events_reopen(events, &fault), 0);
	cr_expect_eq(write_lines(1), EVENTS_RESUMED);
	cr_expect_eq(*written(), '{', "%s", text);
	unlink(moved);
}

Test(events, loss_is_told_once_and_counted_once_it_is_over)
{
	set_room(100);
	cr_expect_eq(write_lines(2), EVENTS_LOST);
	cr_expect_eq(write_lines(3), EVENTS_NO_NEWS, "told before");
	cr_expect_eq(write_lines(0), EVENTS_NO_NEWS, "nothing is written again");
	set_room(RLIM_INFINITY);
	cr_expect_eq(write_lines(1), EVENTS_RESUMED);
	cr_expect(strstr(fault.line, " 5 were lost"), "%s", fault.line);
	cr_expect(is_json(strchr(written(), '\n'), 0), "half a line in the file is ended first");
	cr_expect_eq(write_lines(1), EVENTS_NO_NEWS);
	set_room(1);
	cr_expect_eq(write_lines(1), EVENTS_LOST, "once more");
}

Test(events, closing_tells_of_a_loss_that_nobody_was_told_of)
{
	struct events *other = events_open("/dev/full", NULL, &fault);
	struct event event = event_of(EVENT_LOST);

	events_write(other, &event);
	cr_expect_eq(events_flush(other, 0, &fault), EVENTS_LOST);
	events_write(other, &event);
	cr_expect_eq(events_close(other, &fault), 0);
	other = events_open("/dev/full", NULL, &fault);
	events_write(other, &event);
	cr_expect_eq(events_close(other, &fault), -ENOSPC);
	cr_expect(strstr(fault.line, "/dev/full"));
}

Test(events, stream_that_cannot_be_opened_is_a_fault)
{
	cr_expect_null(events_open("/nowhere/events", NULL, &fault));
	cr_expect(strstr(fault.line, "/nowhere/events"));
}
