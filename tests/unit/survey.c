/* What the status page is told of endpoints: who is lost, who is found, how keepalives are spread;
 * whatever names say, as JSON, and in steps that are short. */

#include "ops/http/survey.h"
#include "own_border.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* A step looks at so many places of the table at most. */
enum { STEP_MAX = 64 };

static struct survey survey;
static char bytes[SURVEY_ANSWER_MAX];
static struct json answer;
static unsigned steps;

static void setup(void)
{
	own_border_open();
	border->settings.limits.endpoints = border->settings.limits.endpoints_per_address = 4096;
	border_wait(border, 0); /* the engine is there from then on */
}

TestSuite(survey, .init = setup, .fini = own_border_close);

/* A registration on a port of 203.0.113.7. */
static uint32_t hold(unsigned port, struct text aor, bool lost)
{
	struct endpoints *endpoints = engine_endpoints(border->engine);
	struct reason_claim claim = {
		.client = address_ipv4("\xcb\x00\x71\x07", (uint16_t)port),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.key = port,
		.id = aor,
		.seconds = 3600,
	};

	uint32_t endpoint;

	cr_assert(reason_hold(endpoints, &claim));
	endpoint = endpoint_find(endpoints, &claim.client, 0);
	if (lost)
		endpoint_set_lost(endpoints, endpoint, true);
	return endpoint;
}

static json_t *ask(enum survey_kind kind, struct text query)
{
	struct survey_question question = {.kind = kind, .query_length = query.length};
	json_error_t error;
	json_t *said;

	if (query.length)
		memcpy(question.query, query.at, query.length);
	answer = (struct json){.bytes = bytes};
	survey_start(&survey, &question, engine_endpoints(border->engine), &answer);
	for (steps = 1; survey_step(&survey); steps++)
		;
	cr_assert_leq(answer.used, SURVEY_ANSWER_MAX);
	said = json_loadb(bytes, answer.used, JSON_ALLOW_NUL, &error);
	cr_assert(said, "%s: %.*s", error.text, (int)answer.used, bytes);
	return said;
}

static const char *aor_of(const json_t *said, const char *list, size_t i)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(said, list), i), "aor"));
}

static size_t count_of(const json_t *said, const char *list)
{
	return json_array_size(json_object_get(said, list));
}

static size_t found(const char *query)
{
	json_t *said = ask(SURVEY_SEARCH, text_from(query));
	const size_t count = count_of(said, "found");

	json_decref(said);
	return count;
}

Test(survey, a_part_of_an_aor_finds_it_whatever_its_capitals)
{
	json_t *said;

	hold(5060, TEXT("sip:Alice.Smith@example.com"), false);
	hold(5061, TEXT("sip:bob@example.com"), false);
	said = ask(SURVEY_SEARCH, TEXT("aLICE"));
	cr_assert_eq(count_of(said, "found"), 1);
	cr_expect_str_eq(aor_of(said, "found", 0), "sip:Alice.Smith@example.com");
	cr_expect(json_is_false(json_object_get(said, "more")));
	json_decref(said);
	cr_expect_eq(found("EXAMPLE.com"), 2);
	cr_expect_eq(found("carol"), 0);
	cr_expect_eq(found("*"), 0, "it is no pattern");
}

Test(survey, a_part_of_an_address_finds_it)
{
	hold(5060, TEXT("sip:alice@example.com"), false);
	hold(5061, TEXT("sip:bob@example.com"), false);
	cr_expect_eq(found("203.0.113.7"), 2);
	cr_expect_eq(found("203.0.113.7:5061"), 1);
	cr_expect_eq(found("203.0.113.8"), 0);
}

Test(survey, of_several_registrations_the_one_that_is_looked_for_is_told)
{
	struct reason_claim claim = {.client = address_ipv4("\xcb\x00\x71\x07", 5060),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.key = 1,
		.id = TEXT("sip:zoe@example.com"),
		.seconds = 3600};
	json_t *said;

	hold(5060, TEXT("sip:alice@example.com"), false);
	cr_assert(reason_hold(engine_endpoints(border->engine), &claim));
	said = ask(SURVEY_SEARCH, TEXT("zoe"));
	cr_assert_eq(count_of(said, "found"), 1);
	cr_expect_str_eq(aor_of(said, "found", 0), "sip:zoe@example.com");
	json_decref(said);
}

static void expect_told(struct text aor, const char *as)
{
	uint32_t endpoint = hold(5060, aor, true);
	json_t *lost = ask(SURVEY_LOST, TEXT(""));
	json_t *seen = ask(SURVEY_SEARCH, TEXT("203.0.113.7:5060"));

	cr_assert_eq(count_of(lost, "lost"), 1);
	cr_expect_str_eq(aor_of(lost, "lost", 0), as);
	cr_expect_str_eq(aor_of(seen, "found", 0), as);
	json_decref(lost);
	json_decref(seen);
	endpoint_remove(engine_endpoints(border->engine), endpoint, "ended", "ended");
}

Test(survey, what_comes_from_the_network_is_escaped)
{
	expect_told(TEXT("sip:<script>alert(1)</script>@example.com"),
		"sip:<script>alert(1)</script>@example.com");
	expect_told(TEXT("sip:\"}],\\\"@example.com"), "sip:\"}],\\\"@example.com");
	expect_told(TEXT("sip:\n\x01\x1b\x7f@example.com"), "sip:\n\x01\x1b\x7f@example.com");
	expect_told(TEXT("sip:\xff\xc0\x80@example.com"),
		"sip:\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd@example.com");
	expect_told(TEXT("sip:\xe2\x80\xae@example.com"), "sip:\xe2\x80\xae@example.com");
	cr_expect(strchr(bytes, '\n') == bytes + answer.used - 1, "and is one line");
}

Test(survey, names_that_grow_most_leave_room_for_the_end)
{
	char name[LABEL_MAX];

	memset(name, 1, sizeof(name));
	for (unsigned i = 0; i < SURVEY_FOUND_MAX; i++)
		hold(5060 + i, (struct text){name, sizeof(name)}, true);
	json_decref(ask(SURVEY_LOST, TEXT("")));
	cr_expect_eq(json_integer_value(json_object_get(ask(SURVEY_LOST, TEXT("")), "more")),
		SURVEY_FOUND_MAX - (json_int_t)survey.told);
	cr_expect_lt(survey.told, SURVEY_FOUND_MAX);
	cr_expect(json_is_true(json_object_get(ask(SURVEY_SEARCH, TEXT("203.")), "more")));
}

Test(survey, an_answer_is_bounded)
{
	json_t *said;

	for (unsigned i = 0; i < 300; i++)
		hold(5060 + i, TEXT("sip:alice@example.com"), true);
	said = ask(SURVEY_SEARCH, TEXT("alice"));
	cr_expect_eq(count_of(said, "found"), SURVEY_FOUND_MAX);
	cr_expect(json_is_true(json_object_get(said, "more")));
	json_decref(said);
	said = ask(SURVEY_LOST, TEXT(""));
	cr_expect_eq(count_of(said, "lost"), SURVEY_LOST_MAX);
	cr_expect_eq(json_integer_value(json_object_get(said, "more")), 300 - SURVEY_LOST_MAX);
	json_decref(said);
}

Test(survey, exactly_as_many_as_are_told_are_not_more)
{
	json_t *said;

	for (unsigned i = 0; i < SURVEY_FOUND_MAX; i++)
		hold(5060 + i, TEXT("sip:alice@example.com"), false);
	said = ask(SURVEY_SEARCH, TEXT("alice"));
	cr_expect_eq(count_of(said, "found"), SURVEY_FOUND_MAX);
	cr_expect(json_is_false(json_object_get(said, "more")));
	json_decref(said);
}

Test(survey, who_is_lost_is_told_until_found)
{
	uint32_t alice = hold(5060, TEXT("sip:alice@example.com"), true);

	hold(5061, TEXT("sip:bob@example.com"), false);
	cr_expect_str_eq(aor_of(ask(SURVEY_LOST, TEXT("")), "lost", 0), "sip:alice@example.com");
	endpoint_set_lost(engine_endpoints(border->engine), alice, false);
	cr_expect_eq(count_of(ask(SURVEY_LOST, TEXT("")), "lost"), 0);
}

Test(survey, who_was_heard_last_is_told_first)
{
	json_t *said;

	hold(5060, TEXT("sip:first@example.com"), true);
	border_wait(border, 5);
	hold(5061, TEXT("sip:second@example.com"), true);
	border_wait(border, 5);
	hold(5062, TEXT("sip:third@example.com"), true);
	said = ask(SURVEY_LOST, TEXT(""));
	cr_assert_eq(count_of(said, "lost"), 3);
	cr_expect_str_eq(aor_of(said, "lost", 0), "sip:third@example.com");
	cr_expect_str_eq(aor_of(said, "lost", 1), "sip:second@example.com");
	cr_expect_str_eq(aor_of(said, "lost", 2), "sip:first@example.com");
	json_decref(said);
}

Test(survey, who_goes_meanwhile_is_not_told)
{
	const struct survey_question lost = {.kind = SURVEY_LOST};
	uint32_t alice = hold(5060, TEXT("sip:alice@example.com"), true);
	struct endpoints *endpoints = engine_endpoints(border->engine);

	answer = (struct json){.bytes = bytes};
	survey_start(&survey, &lost, endpoints, &answer);
	cr_assert(survey_step(&survey));
	cr_assert_eq(survey.found, 1);
	endpoint_remove(endpoints, alice, "ended", "ended");
	cr_assert_eq(hold(5061, TEXT("sip:bob@example.com"), true), alice, "in its place");
	while (survey_step(&survey))
		;
	cr_expect_str_eq(strndup(bytes, answer.used), "{\"lost\":[],\"more\":0}\n");
}

Test(survey, a_step_looks_at_few_endpoints)
{
	const unsigned phones = 4000;

	for (unsigned i = 0; i < phones; i++)
		hold(5060 + i, TEXT("sip:alice@example.com"), i == phones - 1);
	found("bob");
	cr_expect_gt(steps, phones / STEP_MAX);
	json_decref(ask(SURVEY_LOST, TEXT("")));
	cr_expect_gt(steps, phones / STEP_MAX);
}

Test(survey, a_step_ends_with_an_endpoint_of_many_reasons)
{
	struct reason_claim claim = {.nat = NAT_VIA_SOURCE,
		.proven = true,
		.id = TEXT("sip:alice@example.com"),
		.seconds = 3600};

	for (unsigned i = 0; i < 10 * 64; i++) {
		claim.client = address_ipv4("\xcb\x00\x71\x07", (uint16_t)(5060 + i / 64));
		claim.key = i;
		cr_assert(reason_hold(engine_endpoints(border->engine), &claim));
	}
	found("bob");
	cr_expect_geq(steps, 10);
}

Test(survey, the_spread_counts_each_endpoint_once)
{
	uint64_t sum = 0;
	json_t *said, *parts;

	for (unsigned i = 0; i < 1000; i++)
		hold(5060 + i, TEXT("sip:alice@example.com"), false);
	border_wait(border, 60);
	said = ask(SURVEY_SPREAD, TEXT(""));
	parts = json_object_get(said, "parts");
	cr_assert_eq(json_array_size(parts), SURVEY_PARTS);
	for (unsigned i = 0; i < SURVEY_PARTS; i++)
		sum += (uint64_t)json_integer_value(json_array_get(parts, i));
	cr_expect_eq(sum, 1000);
	cr_expect_eq(json_integer_value(json_object_get(said, "keepalives")), 1000);
	cr_expect_eq(json_integer_value(json_object_get(said, "interval_ms")), 25000);
	cr_expect_float_eq(json_real_value(json_object_get(said, "mean")), 0.4, 1e-9);
	cr_expect_geq(json_integer_value(json_object_get(said, "busiest")), 1);
	json_decref(said);
}
