/* Events as lines for people, in the log at level debug. */
#include "ops/log/log.h"

#include "ops/config/config_parsers.h"

#include <natbox/settings.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char line[EVENT_LINE_MAX];

static struct event event_of(enum event_type type)
{
	return (struct event){.type = type,
		.client = address_ipv4("\xcb\x00\x71\x01", 5061),
		.proxy = address_ipv4("\xc6\x33\x64\x01", 5060)};
}

static void expect_line(const struct event *event, const char *expected)
{
	static const char ends[] = " 203.0.113.1:5061 at 198.51.100.1:5060: ";
	const char *details;

	event_line(event, line);
	cr_expect_eq(
		strncmp(line, event_type_names[event->type], strlen(event_type_names[event->type])),
		0, "%s", line);
	details = strstr(line, ends);
	cr_assert(details, "%s", line);
	cr_expect_str_eq(details + strlen(ends), expected);
}

Test(event_line, reason_has_its_kind_its_id_and_its_seconds_or_its_end)
{
	struct event event = event_of(EVENT_REASON_ADD);

	event.reason.kind = REASON_REGISTRATION;
	event.reason.id = TEXT("sip:alice@example.com");
	event.reason.expires = 3600;
	event.reason.why = "moved";
	cr_expect_str_eq(event_line(&event, line),
		"reason-add 203.0.113.1:5061 at 198.51.100.1:5060: registration "
		"sip:alice@example.com, 3600 s");
	event.type = EVENT_REASON_REFRESH;
	expect_line(&event, "registration sip:alice@example.com, 3600 s");
	event.type = EVENT_REASON_END;
	expect_line(&event, "registration sip:alice@example.com, moved");
}

Test(event_line, every_event_has_what_the_event_stream_has)
{
	struct event add = event_of(EVENT_ENDPOINT_ADD), end = event_of(EVENT_ENDPOINT_REMOVE);
	struct event keepalive = event_of(EVENT_KEEPALIVE), reply = event_of(EVENT_REPLY);
	struct event lost = event_of(EVENT_LOST), malformed = event_of(EVENT_MALFORMED);
	struct event refused = event_of(EVENT_REFUSED), found = event_of(EVENT_FOUND);

	expect_line(&add, "no test hits");
	add.nat = NAT_VIA_SOURCE | NAT_SDP_PRIVATE;
	expect_line(&add, "via-source, sdp-private");
	add.class = "office";
	expect_line(&add, "via-source, sdp-private, class office");
	add.restored = true;
	expect_line(&add, "via-source, sdp-private, class office, restored");
	end.why = "expired";
	expect_line(&end, "expired");
	end.aor = TEXT("sip:alice@example.com");
	expect_line(&end, "expired, sip:alice@example.com");
	keepalive.method = "OPTIONS";
	expect_line(&keepalive, "OPTIONS");
	reply.reply.status = 489;
	reply.reply.rtt_us = 12034;
	expect_line(&reply, "489 after 12.034 ms");
	lost.missed = 3;
	expect_line(&lost, "3 keepalives in a row without an answer");
	lost.aor = TEXT("sip:a@b");
	expect_line(&lost, "3 keepalives in a row without an answer, sip:a@b");
	found.silent_s = 90;
	found.aor = TEXT("sip:a@b");
	expect_line(&found, "after 90 s without a sign of life, sip:a@b");
	malformed.why = "no Via";
	expect_line(&malformed, "no Via");
	refused.why = "endpoints";
	expect_line(&refused, "limits.endpoints is reached");
}

/* What the log holds of an event, behind the time. */
static void expect_logged(const struct event *event, const char *begin)
{
	char path[] = "/tmp/natbox-event-line-XXXXXX";
	int fd = mkstemp(path);
	struct fault fault;

	cr_assert_eq(log_open(path, NULL, &fault), 0);
	log_set_level(LOG_LEVEL_DEBUG);
	event_log(event);
	log_close();
	line[read(fd, line, sizeof(line) - 1)] = 0;
	cr_expect(strstr(line, begin), "%s", line);
	close(fd);
	unlink(path);
}

Test(event_line, what_is_refused_is_a_warning_also_at_level_debug)
{
	struct event refused = event_of(EVENT_REFUSED), found = event_of(EVENT_FOUND);

	refused.why = "endpoints";
	expect_logged(&refused, "Z warning: refused 203.0.113.1:5061 at");
	expect_logged(&found, "Z debug: found 203.0.113.1:5061 at");
}

static bool is_key(const char *section, const char *name)
{
	for (unsigned i = 0; i < CONFIG_KEYS; i++) {
		if (strcmp(config_keys[i].section, section) == 0 &&
			strcmp(config_keys[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Who reads it goes and looks for that key. */
Test(event_line, every_refusal_is_explained_and_names_only_keys_that_exist)
{
	for (unsigned i = 0; i < REFUSALS; i++) {
		struct event event = event_of(EVENT_REFUSED);
		const char *text, *key;
		char name[64] = "";

		event.why = refusal_names[i];
		text = event_refusal(&event);
		cr_expect_str_neq(text, event.why);
		key = strstr(text, "limits.");
		if (!key)
			continue;
		sscanf(key, "limits.%63[a-z-]", name);
		cr_expect(is_key("limits", name), "%s", text);
	}
}

Test(event_line, rewrite_has_direction_message_and_fields)
{
	struct event event = event_of(EVENT_REWRITE);

	event.rewrite.in = true;
	event.rewrite.method = TEXT("REGISTER");
	event.rewrite.fields = REWRITTEN_CONTACT | REWRITTEN_VIA;
	expect_line(&event, "in, REGISTER: contact, via");
	event.rewrite.in = false;
	event.rewrite.status = 200;
	event.rewrite.fields = REWRITTEN_OTHER;
	expect_line(&event, "out, 200 REGISTER: other");
}

Test(event_line, long_texts_are_cut_before_what_stands_behind_them)
{
	static char bytes[70000];
	struct event event = event_of(EVENT_REASON_END);

	memset(bytes, 'x', sizeof(bytes));
	event.reason.id = (struct text){bytes, sizeof(bytes)};
	event.reason.why = "ended";
	event_line(&event, line);
	cr_expect(strstr(line, "xxx, ended"));
	event = event_of(EVENT_REWRITE);
	event.rewrite.method = (struct text){bytes, sizeof(bytes)};
	event.rewrite.fields = REWRITTEN_VIA;
	event_line(&event, line);
	cr_expect(strstr(line, "xxx: via"));
}
