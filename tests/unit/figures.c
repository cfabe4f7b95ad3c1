/* What stats has beside the metrics: endpoints by class, and the spread of keepalives. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include "ops/control/control_lines.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { PHONES = 40 };

static void setup(void)
{
	own_border_open();
	border->settings.classes.count = 2;
	border->settings.classes.list[0] = (struct phone_class){.name = "slow-ones",
		.aors = "sip:7@*",
		.effects = CLASS_INTERVAL,
		.rules.interval_us = 50000000};
	border->settings.classes.list[1] =
		(struct phone_class){.name = "nobody", .aors = "sip:x@*"};
}

TestSuite(figures, .init = setup, .fini = own_border_close);

static void register_phone(unsigned number)
{
	char client[32], call_id[16], aor[32], contact[64];
	struct registration registration = {
		.call_id = call_id, .aor = aor, .contact = contact, .expires = "3600"};

	snprintf(client, sizeof(client), "203.0.113.1:%u", 5061 + number);
	snprintf(call_id, sizeof(call_id), "call%u", number);
	snprintf(aor, sizeof(aor), "sip:%u@example.com", number);
	snprintf(contact, sizeof(contact), "<sip:%u@192.168.1.10:5060>", number);
	border_bind(border, client, registration);
}

static uint32_t endpoint_of(unsigned number)
{
	char client[32];
	struct address address;

	snprintf(client, sizeof(client), "203.0.113.1:%u", 5061 + number);
	address = at(client);
	return endpoint_find(engine_endpoints(border->engine), &address, 0);
}

static json_t *figures_now(void)
{
	static char bytes[8192];
	struct json json = {.bytes = bytes};
	const struct endpoints *endpoints = engine_endpoints(border->engine);
	json_t *figures;

	json_put(&json, "{\"first\":1");
	line_classes(&json, endpoints);
	line_spread(&json, endpoints);
	json_put_char(&json, '}');
	figures = json_loadb(bytes, json.used, 0, NULL);
	cr_assert(figures);
	return figures;
}

static json_int_t class_of(const json_t *figures, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(figures, "classes"), name));
}

Test(figures, each_class_has_its_endpoints_and_none_the_others)
{
	json_t *figures;

	for (unsigned i = 0; i < PHONES; i++)
		register_phone(i);
	figures = figures_now();
	cr_assert_eq(class_of(figures, "slow-ones"), 1);
	cr_assert_eq(class_of(figures, "nobody"), 0);
	cr_assert_eq(class_of(figures, ""), PHONES - 1);
	json_decref(figures);

	endpoint_remove(engine_endpoints(border->engine), endpoint_of(7), "ended", "flushed");
	figures = figures_now();
	cr_assert_eq(class_of(figures, "slow-ones"), 0);
	cr_assert_eq(class_of(figures, ""), PHONES - 1);
	json_decref(figures);
}

/* Keepalives in the parts from one on, up to another. */
static json_int_t keepalives_in(const json_t *figures, unsigned from, unsigned until)
{
	const json_t *parts = json_object_get(json_object_get(figures, "spread"), "parts");
	json_int_t keepalives = 0;

	cr_assert_eq(json_array_size(parts), SPREAD_PARTS);
	for (unsigned i = from; i < until; i++)
		keepalives += json_integer_value(json_array_get(parts, i));
	return keepalives;
}

/* The slow one's keepalive is further ahead. */
Test(figures, the_spread_has_each_keepalive_of_the_next_interval_where_it_is_due)
{
	json_t *figures;

	for (unsigned i = 0; i < PHONES; i++)
		register_phone(i);
	figures = figures_now();
	cr_assert_float_eq(
		json_number_value(json_object_get(json_object_get(figures, "spread"), "interval")),
		(double)border->settings.keepalive.rules.interval_us / 1e6, 1e-9);
	cr_assert_eq(keepalives_in(figures, 0, SPREAD_PARTS), PHONES - 1);
	cr_assert_eq(keepalives_in(figures, SPREAD_PARTS / 2, SPREAD_PARTS), PHONES - 1);
	json_decref(figures);

	border_wait(border, (double)border->settings.keepalive.rules.interval_us / 2e6);
	figures = figures_now();
	cr_assert_eq(keepalives_in(figures, 0, SPREAD_PARTS / 2), PHONES - 1);
	json_decref(figures);
}
