/* Phones of several classes, each with an interval of its own, are spread together. */
#include "border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { PHONES = 36000, KINDS = 3, SECOND_TICKS = 100 };
static const unsigned intervals_s[KINDS] = {25, 12, 60};

/* Of the last of three rounds of the slowest. */
enum { FROM_S = 120, UNTIL_S = 180, TICKS = (UNTIL_S - FROM_S) * SECOND_TICKS };
static unsigned sent_in_tick[TICKS];

static void count_sent(void *context, const struct event *event)
{
	const uint64_t *from_us = context;
	const uint64_t tick = (event->time_us - *from_us) / 10000;

	if (event->type == EVENT_KEEPALIVE && event->time_us >= *from_us && tick < TICKS)
		sent_in_tick[tick]++;
}

static void add_class(struct border *border, const char *name, unsigned interval_s)
{
	struct phone_class *class =
		&border->settings.classes.list[border->settings.classes.count++];

	strcpy(class->name, name);
	strcpy(class->user_agents, name);
	class->effects = CLASS_INTERVAL;
	class->rules.interval_us = interval_s * 1000000ull;
}

static void hold(struct border *border, unsigned phone, unsigned class)
{
	struct reason_claim claim = {
		.client = at("192.0.2.1:5061"),
		.nat = NAT_VIA_SOURCE,
		.proven = true,
		.class = (uint8_t) class,
		.key = phone + 1,
		.id = TEXT("sip:alice@example.com"),
		.seconds = 3600,
	};

	claim.client.ip[13] = (uint8_t)(phone >> 16);
	claim.client.ip[14] = (uint8_t)(phone >> 8);
	claim.client.ip[15] = (uint8_t)phone;
	cr_assert_neq(reason_hold(engine_endpoints(border->engine), &claim), 0);
}

/* All have registered within three seconds, as after a power cut, a quarter of them before those of
 * the shortest interval came. */
Test(classes_spread, keepalives_of_mixed_intervals_are_spread_together)
{
	struct border *border = border_new();
	uint64_t from_us = border->now_us + FROM_S * 1000000ull;
	unsigned busiest = 0, sum = 0;
	double mean, expected = 0;

	border->settings.keepalive.rules.max_lost = 0;
	border->settings.limits.endpoints = PHONES;
	border->sends_nothing = true;
	border->listener = count_sent;
	border->listener_context = &from_us;
	add_class(border, "quick", intervals_s[1]);
	add_class(border, "slow", intervals_s[2]);
	border_wait(border, 0);
	for (unsigned phone = 0; phone < PHONES; phone++) {
		hold(border, phone, phone % KINDS);
		if (phone % 120 == 119)
			border_wait(border, 0.01);
	}
	while (border->now_us < from_us + (UNTIL_S - FROM_S) * 1000000ull)
		border_wait(border, 0.01);
	for (unsigned tick = 0; tick < TICKS; tick++) {
		sum += sent_in_tick[tick];
		if (sent_in_tick[tick] > busiest)
			busiest = sent_in_tick[tick];
	}
	for (unsigned kind = 0; kind < KINDS; kind++)
		expected += (double)PHONES / KINDS / (intervals_s[kind] * SECOND_TICKS);
	mean = (double)sum / TICKS;
	cr_expect_float_eq(mean, expected, expected / 20, "%.2f, not %.2f", mean, expected);
	cr_expect_leq(busiest, 1.3 * mean, "%u, the mean is %.2f", busiest, mean);
	border_free(border);
}
