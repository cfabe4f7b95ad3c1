/* What a restart has put back is told of like what is new, but marked; and events have the address
 * of record of whom they are about. */
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"

static struct endpoints *endpoints;
static struct address phone;

static void setup(void)
{
	own_border_open();
	phone = at(PHONE);
	border->settings.limits.endpoints_per_address = 256;
	border->logs_restored = true;
	border_wait(border, 0);
	endpoints = engine_endpoints(border->engine);
}

TestSuite(restored, .init = setup, .fini = own_border_close);

/* Registrations at ports from 5061 on of one address, for so many seconds. */
static void restore(unsigned count, unsigned seconds)
{
	int64_t slots[1];

	for (unsigned i = 0; i < count; i++) {
		const struct record record = {
			.client = at(PHONE),
			.proxy = border->proxy,
			.nat = NAT_VIA_SOURCE,
			.proven = true,
			.key = i + 1,
			.binding = 1,
			.id = TEXT("sip:alice@example.com"),
			.left_us = seconds * 1000000ull,
		};
		struct record one = record;

		one.client.port += (uint16_t)i;
		records_restore(endpoints, &one, 1, slots);
		cr_assert_gt(slots[0], 0);
	}
	records_resume(endpoints);
}

static void add_subscription(void)
{
	const struct reason_claim claim = {.client = at(PHONE),
		.nat = NAT_VIA_SOURCE,
		.kind = REASON_SUBSCRIPTION,
		.key = 77,
		.id = TEXT("call"),
		.seconds = 60};

	cr_assert_gt(reason_hold(endpoints, &claim), 0);
}

#define RESTORED                                                                                   \
	"restored endpoint-add " PHONE " via-source\n"                                             \
	"restored reason-add " PHONE " registration sip:alice@example.com 3600\n"

Test(restored, each_is_told_once_with_its_reasons)
{
	restore(1, 3600);
	cr_expect(restored_are_untold(endpoints));
	border_expect(border, "");
	restored_tell(endpoints, UINT32_MAX);
	border_expect(border, RESTORED);
	cr_expect_not(restored_are_untold(endpoints));
	restored_tell(endpoints, UINT32_MAX);
	border_expect(border, "");
}

Test(restored, they_are_told_a_few_at_a_time)
{
	restore(200, 3600);
	restored_tell(endpoints, 1);
	border_expect(border, RESTORED);
	for (unsigned i = 1; i < 200; i++) {
		cr_assert(restored_are_untold(endpoints));
		border_forget(border);
		restored_tell(endpoints, 1);
		cr_assert_gt(border->log_length, 0, "%u", i);
	}
	restored_tell(endpoints, 1);
	cr_expect_not(restored_are_untold(endpoints));
}

Test(restored, a_new_reason_comes_after_them_and_is_not_marked)
{
	restore(1, 3600);
	add_subscription();
	border_expect(border, RESTORED "reason-add " PHONE " subscription call 60\n");
	restored_tell(endpoints, UINT32_MAX);
	border_expect(border, "");
}

Test(restored, a_keepalive_before_its_turn_comes_after_it)
{
	border->logs_keepalives = true;
	restore(1, 3600);
	border_wait(border, 26);
	cr_expect_eq(strncmp(border->log, RESTORED, strlen(RESTORED) - strlen("3600\n")), 0, "%s",
		border->log);
	cr_expect(strstr(border->log, "\nkeepalive " PHONE " NOTIFY\n"), "%s", border->log);
}

Test(restored, what_ends_before_its_turn_was_told_of_before)
{
	restore(1, 3600);
	endpoint_remove(endpoints, 1, "ended", "flushed");
	border_expect(border, RESTORED "reason-end " PHONE " registration sip:alice@example.com "
				       "ended\nendpoint-remove " PHONE " flushed\n");
	restored_tell(endpoints, UINT32_MAX);
	border_expect(border, "");
}

Test(restored, who_is_new_in_the_place_of_one_that_has_left_is_not_marked)
{
	const struct reason_claim claim = {.client = at("203.0.113.9:5061"),
		.nat = NAT_VIA_SOURCE,
		.key = 77,
		.id = TEXT("sip:bob@example.com"),
		.seconds = 60};

	restore(1, 3600);
	endpoint_remove(endpoints, 1, "ended", "flushed");
	cr_assert_gt(reason_hold(endpoints, &claim), 0);
	border_forget(border);
	restored_tell(endpoints, UINT32_MAX);
	border_expect(border, "");
}

Test(restored, nothing_is_noted_where_nobody_wants_to_know)
{
	engine_want_events(
		border->engine, EVENTS_ALL & ~(1 << EVENT_ENDPOINT_ADD) & ~(1 << EVENT_REASON_ADD));
	restore(1, 3600);
	cr_expect_not(restored_are_untold(endpoints));
	cr_expect_null(endpoints->untold.endpoints.slots);
}

Test(restored, of_those_that_are_wanted_only_one_kind_may_be)
{
	engine_want_events(border->engine, 1 << EVENT_ENDPOINT_ADD);
	restore(1, 3600);
	restored_tell(endpoints, UINT32_MAX);
	border_expect(border, "restored endpoint-add " PHONE " via-source\n");
}

/* What is not wanted. */

static unsigned handed_over[EVENT_TYPES];

static void count(void *context, const struct event *event)
{
	(void)context;
	handed_over[event->type]++;
}

Test(restored, what_is_not_wanted_is_not_handed_over)
{
	const unsigned wanted = 1 << EVENT_REASON_ADD | 1 << EVENT_LOST;

	engine_want_events(border->engine, wanted);
	border->listener = count;
	border->repairs = true;
	border_bind(border, PHONE, (struct registration){.expires = "300"});
	endpoint_prove(endpoints, endpoint_find(endpoints, &phone, 0));
	border_in(border, PHONE, "INVITE sip:a SIP/2.0\r\nVia\r\n\r\n");
	border_wait(border, 110);
	for (unsigned type = 0; type < EVENT_TYPES; type++)
		cr_expect_eq(handed_over[type], wanted >> type & 1, "%s: %u",
			event_type_names[type], handed_over[type]);
	cr_expect_gt(engine_counters(border->engine).keepalives, 3);
}

/* Whose it is. */

Test(restored, an_endpoint_that_goes_has_its_address_of_record)
{
	restore(1, 60);
	restored_tell(endpoints, UINT32_MAX);
	border_forget(border);
	border_wait(border, 61);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
	cr_expect_str_eq(border->aor, "sip:alice@example.com");
	restore(1, 60);
	restored_tell(endpoints, UINT32_MAX);
	reason_end(endpoints, reason_find(endpoints, 1), "ended");
	cr_expect_str_eq(border->aor, "sip:alice@example.com");
	restore(1, 60);
	endpoint_remove(endpoints, endpoint_find(endpoints, &phone, 0), "ended", "flushed");
	cr_expect_str_eq(border->aor, "sip:alice@example.com");
}

Test(restored, one_without_a_registration_has_none)
{
	add_subscription();
	border_wait(border, 61);
	cr_expect_str_eq(border->aor, "");
}

Test(restored, malformed_has_it_where_the_sender_has_a_registration)
{
	restore(1, 60);
	border_in(border, PHONE, "INVITE sip:a SIP/2.0\r\nVia\r\n\r\n");
	cr_expect_str_eq(border->aor, "sip:alice@example.com");
	border_in(border, "203.0.113.9:5060", "INVITE sip:a SIP/2.0\r\nVia\r\n\r\n");
	cr_expect_str_eq(border->aor, "");
}

Test(restored, refused_has_that_of_the_registration_that_was)
{
	struct settings settings = border->settings;

	settings.limits.endpoints_per_address = 1;
	restore(1, 60);
	engine_reconfigure(border->engine, &settings);
	border_bind(border, "203.0.113.1:5099",
		(struct registration){.aor = "sip:bob@example.com", .expires = "60"});
	cr_expect_str_eq(border->aor, "sip:bob@example.com", "%s", border->log);
}

Test(restored, a_request_that_is_given_up_has_that_of_who_sent_it)
{
	struct settings settings = border->settings;
	static const char invite[] =
		"INVITE sip:bob@example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bK%u\r\n"
		"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
		"Call-ID: call%u\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:alice@192.168.1.10>\r\n\r\n";

	restore(1, 60);
	settings.limits.transactions = 1;
	engine_reconfigure(border->engine, &settings);
	for (unsigned i = 0; i < 2; i++) {
		char message[1024];

		snprintf(message, sizeof(message), invite, i, i);
		border_in(border, PHONE, "%s", message);
	}
	cr_expect(strstr(border->log, "refused " PHONE " transactions\n"), "%s", border->log);
	cr_expect_str_eq(border->aor, "sip:alice@example.com");
}
