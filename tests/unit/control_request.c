/* What those who control natbox may ask, and whom it is about: words become a request, or one line
 * says what is wrong with them. */
#include "ops/control/control_request.h"
#include "border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ALICE "203.0.113.1:5061"
#define BOB   "203.0.113.2:5062"

static struct control_request asked;
static struct fault fault;

static int parse(const char *line)
{
	fault.line[0] = 0;
	return control_request_parse(text_from(line), &asked, &fault);
}

static void expect_refused(const char *line, const char *why)
{
	cr_expect_lt(parse(line), 0, "%s is taken", line);
	cr_expect(strstr(fault.line, why), "%s: %s", line, fault.line);
	cr_expect_null(strchr(fault.line, '\n'));
}

Test(control_request, each_command_is_known_by_its_name)
{
	static const char *const with[CONTROL_COMMANDS] = {
		[COMMAND_SHOW] = " alice",
		[COMMAND_TRACE] = " alice",
		[COMMAND_FLUSH] = " alice",
		[COMMAND_KEEPALIVE] = " on",
		[COMMAND_LOG] = " info",
	};

	for (unsigned i = 0; i < CONTROL_COMMANDS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "  %s%s \r", control_command_names[i],
			with[i] ? with[i] : "");
		cr_expect_eq(parse(line), 0, "%s: %s", line, fault.line);
		cr_expect_eq(asked.command, i);
	}
}

Test(control_request, what_is_no_command_is_refused)
{
	expect_refused("", "\"\" is no command");
	expect_refused("frobnicate", "\"frobnicate\" is no command");
	expect_refused("STATUS", "no command");
	expect_refused("\x01\x02", "no command");
	cr_expect_lt(control_request_parse((struct text){"status\0", 7}, &asked, &fault), 0);
}

Test(control_request, words_too_many_are_refused)
{
	expect_refused("status now", "unexpected argument now");
	expect_refused("show alice bob", "unexpected argument bob");
	expect_refused("reload x", "unexpected argument x");
	expect_refused("events lost found", "unexpected argument found");
}

Test(control_request, what_a_command_needs_is_asked_for)
{
	expect_refused("show", "is needed");
	expect_refused("flush", "is needed");
	expect_refused("trace", "is needed");
	expect_refused("keepalive", "on or off");
	expect_refused("keepalive maybe", "on or off");
	expect_refused("log", "error, warning, info or debug");
	expect_refused("log loud", "error, warning, info or debug");
	expect_refused("share all", "yield");
}

Test(control_request, filters_are_read)
{
	cr_assert_eq(parse("endpoints network=203.0.113.0/24 proxy=198.51.100.1 aor=al* "
			   "reason=dialog lost quiet>10m"),
		0, "%s", fault.line);
	cr_expect(asked.filter.has_network && asked.filter.network.bits == 96 + 24);
	cr_expect(asked.filter.has_proxy && asked.filter.proxy.port == 0);
	cr_expect_str_eq(asked.filter.aor, "al*");
	cr_expect_eq(asked.filter.reasons, 1 << REASON_DIALOG);
	cr_expect(asked.filter.is_lost);
	cr_expect_eq(asked.filter.quiet_us, 600000000);
	cr_assert_eq(parse("lost"), 0);
	cr_expect(asked.filter.is_lost);
}

Test(control_request, a_bad_filter_is_refused)
{
	expect_refused("endpoints network=10.0.0.1/8", "not a network");
	expect_refused("endpoints network=", "not a network");
	expect_refused("endpoints proxy=somewhere", "not an address");
	expect_refused("endpoints aor=", "pattern");
	expect_refused("endpoints reason=love", "none of registration");
	expect_refused("endpoints class=", "name of a class");
	expect_refused("endpoints quiet>soon", "not a time");
	expect_refused("endpoints quiet=5s", "no filter");
	expect_refused("lost everything", "no filter");
}

Test(control_request, one_of_two_filters_of_a_kind_is_not_left_out_in_silence)
{
	expect_refused(
		"endpoints network=10.0.0.0/8 network=192.0.2.0/24", "network= stands there twice");
	expect_refused(
		"endpoints proxy=192.0.2.1 lost proxy=192.0.2.1", "proxy= stands there twice");
	expect_refused("lost aor=alice aor=bob", "aor= stands there twice");
	expect_refused("lost class=a class=b", "class= stands there twice");
	expect_refused("lost quiet>1m quiet>2m", "quiet> stands there twice");
	cr_assert_eq(parse("lost lost reason=dialog reason=registration"), 0, "%s", fault.line);
	cr_expect_eq(asked.filter.reasons, 1 << REASON_DIALOG | 1 << REASON_REGISTRATION);
}

Test(control_request, kinds_of_events_are_a_list)
{
	cr_assert_eq(parse("events"), 0);
	cr_expect_eq(asked.events >> EVENT_KEEPALIVE & 1, 0);
	cr_expect_eq(asked.events >> EVENT_LOST & 1, 1);
	cr_assert_eq(parse("events lost,found"), 0);
	cr_expect_eq(asked.events, 1 << EVENT_LOST | 1 << EVENT_FOUND);
	cr_assert_eq(parse("events all"), 0);
	cr_expect_eq(asked.events >> EVENT_KEEPALIVE & 1, 1);
	expect_refused("events lost,,found", "no kind of event");
	expect_refused("events losts", "\"losts\" is no kind of event");
}

Test(control_request, a_trace_is_bounded)
{
	cr_assert_eq(parse("trace alice"), 0);
	cr_expect_eq(asked.time_us, TRACE_TIME_DEFAULT_S * 1000000ull);
	cr_expect_eq(asked.count, TRACE_COUNT_DEFAULT);
	cr_assert_eq(parse("trace alice time=5m count=7"), 0);
	cr_expect_eq(asked.time_us, 300000000);
	cr_expect_eq(asked.count, 7);
	expect_refused("trace alice time=2h", "lasts 1s to 1h");
	expect_refused("trace alice time=0", "lasts 1s to 1h");
	expect_refused("trace alice time=999ms", "lasts 1s to 1h");
	cr_assert_eq(parse("trace alice time=1s count=1"), 0);
	expect_refused("trace alice count=0", "1 to 100000 messages");
	expect_refused("trace alice count=100001", "1 to 100000 messages");
	expect_refused("trace alice for=ever", "unexpected argument");
}

Test(control_request, a_target_is_an_address_or_a_name)
{
	cr_assert_eq(parse("show 203.0.113.1:5061"), 0);
	cr_expect(asked.target.is_address && asked.target.address.port == 5061);
	cr_assert_eq(parse("show [2001:db8::1]"), 0);
	cr_expect(asked.target.is_address && asked.target.address.port == 0);
	cr_assert_eq(parse("show alice@example.com"), 0);
	cr_expect_not(asked.target.is_address);
	cr_assert_eq(parse("flush all"), 0);
	cr_expect(asked.target.is_all);
	cr_assert_eq(parse("show all"), 0);
	cr_expect_not(asked.target.is_all);
}

static struct border *two_phones(void)
{
	struct border *border = border_new();
	struct registration alice = {.call_id = "a", .aor = "sip:alice@example.com"};
	struct registration bob = {.call_id = "b", .aor = "sip:bob@example.net"};

	border_bind(border, ALICE, alice);
	border_bind(border, BOB, bob);
	return border;
}

/* Which of the two a request is about, as "alice", "bob", "both" or "none". */
static const char *asked_for(struct border *border, const char *line)
{
	struct endpoints *endpoints = engine_endpoints(border->engine);
	const struct address alice = at(ALICE), bob = at(BOB);
	const uint32_t found[2] = {
		endpoint_find(endpoints, &alice, 0), endpoint_find(endpoints, &bob, 0)};
	bool matches[2];

	cr_assert_eq(parse(line), 0, "%s: %s", line, fault.line);
	cr_assert(found[0] && found[1]);
	for (unsigned i = 0; i < 2; i++)
		matches[i] = asked.command == COMMAND_SHOW
				     ? control_target_matches(&asked.target, endpoints, found[i])
				     : control_filter_matches(&asked.filter, endpoints, found[i]);
	if (matches[0] && matches[1])
		return "both";
	return matches[0] ? "alice" : matches[1] ? "bob" : "none";
}

Test(control_request, filters_let_through_what_they_say)
{
	struct border *border = two_phones();

	cr_expect_str_eq(asked_for(border, "endpoints"), "both");
	cr_expect_str_eq(asked_for(border, "endpoints network=203.0.113.1/32"), "alice");
	cr_expect_str_eq(asked_for(border, "endpoints network=203.0.113.0/24"), "both");
	cr_expect_str_eq(asked_for(border, "endpoints proxy=198.51.100.1:5060"), "both");
	cr_expect_str_eq(asked_for(border, "endpoints proxy=198.51.100.1:5061"), "none");
	cr_expect_str_eq(asked_for(border, "endpoints aor=*example.net"), "bob");
	cr_expect_str_eq(asked_for(border, "endpoints aor=ALICE"), "none");
	cr_expect_str_eq(asked_for(border, "endpoints aor=sip:*@example.*"), "both");
	cr_expect_str_eq(asked_for(border, "endpoints aor=sips:*"), "none");
	cr_expect_str_eq(asked_for(border, "endpoints aor=carol,bob"), "bob");
	cr_expect_str_eq(asked_for(border, "endpoints class=second"), "none");
	cr_expect_str_eq(asked_for(border, "endpoints aor=al?ce"), "alice");
	cr_expect_str_eq(asked_for(border, "endpoints reason=registration"), "both");
	cr_expect_str_eq(asked_for(border, "endpoints reason=dialog"), "none");
	cr_expect_str_eq(asked_for(border, "lost"), "none");
	cr_expect_str_eq(asked_for(border, "endpoints quiet>10s"), "none");
	border_wait(border, 15);
	cr_expect_str_eq(asked_for(border, "endpoints quiet>10s"), "both");
	cr_expect_str_eq(asked_for(border, "endpoints quiet>10s aor=bob"), "bob");
	border_free(border);
}

Test(control_request, a_target_is_found_by_address_and_by_each_form_of_its_name)
{
	struct border *border = two_phones();

	cr_expect_str_eq(asked_for(border, "show " ALICE), "alice");
	cr_expect_str_eq(asked_for(border, "show 203.0.113.2"), "bob");
	cr_expect_str_eq(asked_for(border, "show 203.0.113.2:5063"), "none");
	cr_expect_str_eq(asked_for(border, "show sip:alice@example.com"), "alice");
	cr_expect_str_eq(asked_for(border, "show bob@example.net"), "bob");
	cr_expect_str_eq(asked_for(border, "show bob"), "bob");
	cr_expect_str_eq(asked_for(border, "show b*"), "none");
	cr_expect_str_eq(asked_for(border, "show sip:bob"), "none");
	border_free(border);
}

Test(control_request, a_target_is_found_whatever_the_case_of_all_but_its_user)
{
	struct border *border = two_phones();

	cr_expect_str_eq(asked_for(border, "show alice@Example.COM"), "alice");
	cr_expect_str_eq(asked_for(border, "show SIP:alice@EXAMPLE.com"), "alice");
	cr_expect_str_eq(asked_for(border, "show Alice@example.com"), "none");
	cr_expect_str_eq(asked_for(border, "show sip:Alice@example.com"), "none");
	cr_expect_str_eq(asked_for(border, "show Alice"), "none");
	border_free(border);
}
