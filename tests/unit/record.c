/* What a restart must not lose: records taken from one engine, put back into another. */
#include "border.h"
#include "calls.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PHONE  "203.0.113.1:5061"
#define SECOND "192.0.2.1:5061"

static struct border *before, *after;

static void setup(void)
{
	before = border_new();
	after = border_new();
	border_wait(before, 0);
	cr_assert_eq(records_watch(engine_endpoints(before->engine)), 0);
}

static void teardown(void)
{
	border_free(before);
	border_free(after);
}

TestSuite(record, .init = setup, .fini = teardown);

static void register_phone(struct border *border, const char *client, struct registration r)
{
	r.expires = r.expires ? r.expires : "3600";
	border_bind(border, client, r);
}

static uint32_t next_change(void)
{
	return changes_take(&engine_endpoints(before->engine)->changes, 1);
}

/* Its slot, or why it stays out. */
static int restore(struct endpoints *endpoints, const struct record *record)
{
	int64_t slots[1];

	records_restore(endpoints, record, 1, slots);
	return (int)slots[0];
}

/* Starts the second engine where the first one is. Returns how many records came back. */
static unsigned restart(void)
{
	struct endpoints *from = engine_endpoints(before->engine), *to;
	unsigned restored = 0;

	after->now_us = before->now_us;
	border_wait(after, 0);
	to = engine_endpoints(after->engine);
	cr_assert_eq(records_watch(to), 0);
	for (uint32_t slot = 1; slot <= from->reasons.used; slot++) {
		struct record record;

		if (record_read(from, slot, &record) && restore(to, &record) > 0)
			restored++;
	}
	records_resume(to);
	return restored;
}

static void restore_one(const struct record *record, int expected)
{
	struct endpoints *to;

	border_wait(after, 0);
	to = engine_endpoints(after->engine);
	if (!to->changes.slots)
		cr_assert_eq(records_watch(to), 0);
	cr_expect_eq(restore(to, record), expected);
	cr_expect_not(changes_any(&to->changes));
}

static struct record some_record(void)
{
	struct record record = {
		.client = at(PHONE),
		.proxy = at("198.51.100.1:5060"),
		.nat = NAT_VIA_SOURCE,
		.kind = REASON_DIALOG,
		.key = 1,
		.id = TEXT("call"),
		.left_us = 1000000,
	};

	return record;
}

Test(record, each_change_of_a_reason_is_noted_once)
{
	cr_assert_eq(next_change(), 0);
	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	register_phone(before, PHONE, (struct registration){.call_id = "one", .cseq = 2});
	cr_assert_eq(next_change(), 1);
	cr_assert_eq(next_change(), 0);
	register_phone(
		before, PHONE, (struct registration){.call_id = "one", .cseq = 3, .expires = "0"});
	cr_assert_eq(next_change(), 1);
	cr_assert_not(changes_any(&engine_endpoints(before->engine)->changes));
}

/* By a restart with other settings they are judged by what is known of their endpoint. */
Test(record, a_phone_that_turns_out_to_be_natted_is_a_change_of_all_its_reasons)
{
	const struct registration open = {.via = PHONE, .contact = "<sip:alice@" PHONE ">"};

	before->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	cr_assert_eq(engine_reconfigure(before->engine, &before->settings), 0);
	register_phone(before, PHONE, open);
	cr_assert_eq(next_change(), 1);
	register_phone(before, PHONE, (struct registration){.call_id = "another"});
	border_forget(before);
	cr_expect_eq(next_change(), 1);
	cr_expect_eq(next_change(), 2);
	after->settings.keepalive.rules.scope = KEEPALIVE_NATTED;
	cr_expect_eq(restart(), 2);
}

Test(record, a_reason_that_moves_keeps_its_slot)
{
	struct record record;
	struct address elsewhere = at("203.0.113.9:9999");

	register_phone(before, "203.0.113.2:5060", (struct registration){.call_id = "other"});
	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	cr_assert_eq(next_change(), 1);
	cr_assert_eq(next_change(), 2);
	register_phone(
		before, "203.0.113.9:9999", (struct registration){.call_id = "one", .cseq = 2});
	cr_assert_eq(next_change(), 2);
	cr_assert_eq(next_change(), 0);
	cr_assert(record_read(engine_endpoints(before->engine), 2, &record));
	cr_assert(address_equal(&record.client, &elsewhere));
}

Test(record, what_is_restored_is_not_announced_again)
{
	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	cr_assert_eq(restart(), 1);
	border_expect(after, "");
	cr_assert_eq(engine_counters(after->engine).endpoints, 1);
	cr_assert_eq(engine_counters(after->engine).endpoints_max, 1);
	cr_assert_eq(engine_counters(after->engine).reasons, 1);
	cr_assert_not(changes_any(&engine_endpoints(after->engine)->changes));
}

Test(record, a_restored_registration_is_refreshed_and_ended_as_before)
{
	struct registration r = {.call_id = "one", .cseq = 2, .expires = "60"};

	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	cr_assert_eq(restart(), 1);
	register_phone(after, PHONE, r);
	border_expect(after, "reason-refresh " PHONE " registration sip:alice@example.com 60\n");
	r.cseq = 3;
	r.expires = "0";
	register_phone(after, PHONE, r);
	border_expect(after, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			     "endpoint-remove " PHONE " ended\n");
}

/* Whoever asks, under whatever Call-ID: they are found by their AOR. */
Test(record, what_a_registrar_does_not_list_any_more_ends_after_a_restart_too)
{
	const char *first = "<sip:alice@192.168.1.10:5060>", *second = "<sip:alice@10.0.0.2>";
	const struct registration query = {.call_id = "query", .contact = ""};

	register_phone(before, PHONE, (struct registration){.call_id = "a", .contact = first});
	border_register(before, SECOND, (struct registration){.call_id = "b", .contact = second});
	border_answer(before, SECOND, 200,
		(struct registration){.call_id = "b",
			.contact = "<sip:alice@10.0.0.2>, <sip:alice@192.168.1.10:5060>"});
	cr_assert_eq(restart(), 2);
	border_register(after, SECOND, query);
	border_answer(
		after, SECOND, 200, (struct registration){.call_id = "query", .contact = second});
	border_expect(after, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			     "endpoint-remove " PHONE " ended\n");
}

Test(record, two_registrations_that_share_a_call_id_come_back_both)
{
	const char *both = "<sip:alice@10.0.0.2>, <sip:alice@192.168.1.10:5060>";

	register_phone(before, PHONE, (struct registration){.call_id = "a"});
	border_register(before, SECOND,
		(struct registration){
			.call_id = "a", .cseq = 2, .contact = "<sip:alice@10.0.0.2>"});
	border_answer(before, SECOND, 200,
		(struct registration){.call_id = "a", .cseq = 2, .contact = both});
	cr_expect_eq(restart(), 2);
}

/* Its key was made in another way, and nothing is known of its binding. */
Test(record, a_registration_of_version_01_goes_on_when_its_phone_refreshes_it)
{
	struct record record = some_record();

	record.kind = REASON_REGISTRATION;
	record.key = 0x123456789abcdef0;
	record.id = TEXT("sip:alice@example.com");
	record.left_us = 3600000000;
	border_wait(after, 0);
	cr_assert_eq(restore(engine_endpoints(after->engine), &record), 1);
	register_phone(after, PHONE, (struct registration){.call_id = "one", .expires = "60"});
	border_expect(after, "reason-refresh " PHONE " registration sip:alice@example.com 60\n");
	register_phone(
		after, PHONE, (struct registration){.call_id = "one", .cseq = 2, .expires = "0"});
	border_expect(after, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			     "endpoint-remove " PHONE " ended\n");
}

Test(record, a_restored_reason_runs_out_when_it_would_have)
{
	register_phone(before, PHONE, (struct registration){.call_id = "one", .expires = "60"});
	border_wait(before, 40);
	cr_assert_eq(restart(), 1);
	border_wait(after, 19.9);
	border_expect(after, "");
	border_wait(after, 0.2);
	border_expect(after, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			     "endpoint-remove " PHONE " expired\n");
}

Test(record, the_keepalive_comes_one_interval_after_the_last_packet)
{
	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	border_wait(before, 20);
	cr_assert_eq(restart(), 1);
	border_wait(after, 4.9);
	cr_assert_eq(after->sent_count, 0);
	border_wait(after, 0.2);
	cr_assert_eq(after->sent_count, 1);
}

Test(record, overdue_keepalives_are_sent_at_once_but_not_all_at_once)
{
	enum { PHONES = 900, PER_TICK = 500 };
	struct endpoints *to;

	after->settings.limits.endpoints_per_address = PHONES;
	border_wait(after, 0);
	to = engine_endpoints(after->engine);
	for (uint32_t slot = 1; slot <= PHONES; slot++) {
		struct record record = some_record();

		record.client.port = (uint16_t)(10000 + slot);
		record.key = slot;
		record.quiet_us = 3600000000;
		record.left_us = 60000000;
		cr_assert_eq(restore(to, &record), (int)slot);
	}
	records_resume(to);
	border_wait(after, 0.01);
	cr_assert_eq(after->sent_count, PER_TICK);
	border_wait(after, 0.01);
	cr_assert_eq(after->sent_count, PHONES);
}

Test(record, one_that_is_over_stays_out)
{
	struct record record = some_record();

	record.left_us = 0;
	restore_one(&record, -ETIME);
}

Test(record, one_where_no_user_agent_can_be_is_given_up)
{
	static const char *const places[] = {"[2001:db8::7]:5061", "224.0.1.75:5061"};

	for (unsigned i = 0; i < 2; i++) {
		struct record record = some_record();

		record.client = at(places[i]);
		restore_one(&record, -EINVAL);
	}
}

/* What is not put back takes nobody's room. */
static void assert_nothing_is_there(void)
{
	const struct endpoints *endpoints = engine_endpoints(after->engine);

	cr_assert_eq(engine_counters(after->engine).endpoints, 0);
	cr_assert_eq(engine_counters(after->engine).reasons, 0);
	cr_assert_eq(endpoints->reasons.used, 0);
}

Test(record, one_of_a_proxy_that_is_not_configured_stays_out_for_now)
{
	struct record record = some_record();

	record.proxy.port++;
	restore_one(&record, -ENOENT);
	assert_nothing_is_there();
}

Test(record, one_in_an_exempt_network_stays_out_for_now)
{
	struct record record = some_record();

	border_exempt(&after->settings, "203.0.113.0/24");
	restore_one(&record, -EPERM);
	assert_nothing_is_there();
}

Test(record, one_of_a_kind_that_does_not_count_stays_out_for_now)
{
	struct record record = some_record();

	after->settings.keepalive.dialogs = false;
	restore_one(&record, -EPERM);
	assert_nothing_is_there();
}

Test(record, one_beyond_the_limit_stays_out_and_leaves_no_endpoint)
{
	struct record record = some_record();

	after->settings.limits.endpoints = 1;
	restore_one(&record, 1);
	record.client.port++;
	record.key++;
	restore_one(&record, -ENOSPC);
	cr_assert_eq(engine_counters(after->engine).endpoints, 1);
	cr_assert_eq(engine_counters(after->engine).reasons, 1);
}

Test(record, two_with_one_key_are_one)
{
	struct record record = some_record();

	restore_one(&record, 1);
	cr_assert_eq(restore(engine_endpoints(after->engine), &record), -EEXIST);
	cr_assert_eq(engine_counters(after->engine).reasons, 1);
}

Test(record, a_time_beyond_90_days_is_cut)
{
	struct record record = some_record(), again;

	record.left_us = UINT64_MAX;
	restore_one(&record, 1);
	cr_assert(record_read(engine_endpoints(after->engine), 1, &again));
	cr_assert_eq(again.left_us, 90ull * 24 * 3600 * 1000000);
}

/* A call that rings when natbox is restarted; what becomes of it the next one sees. */
static const struct exchange call = {.to_tag = "b"};

static void ring_through_a_restart(bool phone_calls)
{
	if (phone_calls) {
		phone_asks(before, PHONE, "INVITE", (struct exchange){0});
		proxy_answers(before, PHONE, 180, "INVITE", call);
	} else {
		proxy_asks(before, PHONE, "INVITE", (struct exchange){0});
		phone_answers(before, PHONE, 100, "INVITE", (struct exchange){0});
		phone_answers(before, PHONE, 180, "INVITE", call);
	}
	cr_assert_eq(restart(), 1);
}

static void hang_up(bool phone_calls)
{
	const struct exchange bye = {.to_tag = "b", .cseq = 2};

	if (phone_calls) {
		phone_is_granted(after, PHONE, "BYE", bye);
	} else {
		proxy_is_granted(after, PHONE, "BYE", bye);
	}
}

#define ANSWERED "reason-refresh " PHONE " dialog call 43200\n"
#define HUNG_UP                                                                                    \
	"reason-end " PHONE " dialog call ended\n"                                                 \
	"endpoint-remove " PHONE " ended\n"
#define FAILED                                                                                     \
	"reason-end " PHONE " dialog call failed\n"                                                \
	"endpoint-remove " PHONE " ended\n"

Test(record, a_call_that_rings_may_be_answered_after_the_restart)
{
	ring_through_a_restart(true);
	proxy_answers(after, PHONE, 180, "INVITE", call);
	proxy_answers(after, PHONE, 200, "INVITE", call);
	border_expect(after, ANSWERED);
	hang_up(true);
	border_expect(after, HUNG_UP);
}

Test(record, a_phone_that_rings_may_answer_after_the_restart)
{
	ring_through_a_restart(false);
	phone_answers(after, PHONE, 180, "INVITE", call);
	phone_answers(after, PHONE, 200, "INVITE", call);
	border_expect(after, ANSWERED);
	hang_up(false);
	border_expect(after, HUNG_UP);
}

Test(record, a_call_that_rings_may_fail_after_the_restart)
{
	ring_through_a_restart(true);
	proxy_answers(after, PHONE, 486, "INVITE", call);
	border_expect(after, FAILED);
}

Test(record, a_call_that_is_challenged_after_the_restart_may_be_tried_again)
{
	const struct exchange again = {.to_tag = "b", .cseq = 2};

	ring_through_a_restart(true);
	proxy_answers(after, PHONE, 407, "INVITE", call);
	border_expect(after, "");
	phone_asks(after, PHONE, "INVITE", (struct exchange){.cseq = 2});
	proxy_answers(after, PHONE, 200, "INVITE", again);
	border_expect(after, ANSWERED);
	border_wait(after, 40);
	border_expect(after, "");
}

Test(record, an_invite_repeated_after_the_restart_is_still_one_call)
{
	ring_through_a_restart(false);
	proxy_asks(after, PHONE, "INVITE", (struct exchange){0});
	phone_answers(after, PHONE, 200, "INVITE", call);
	border_expect(after, "reason-refresh " PHONE " dialog call 32\n" ANSWERED);
	hang_up(false);
	border_expect(after, HUNG_UP);
}

Test(record, a_call_whose_answer_was_missed_ends_with_its_bye)
{
	ring_through_a_restart(true);
	hang_up(true);
	border_expect(after, HUNG_UP);
}

Test(record, a_callee_whose_answer_was_missed_ends_with_the_bye)
{
	ring_through_a_restart(false);
	hang_up(false);
	border_expect(after, HUNG_UP);
}

Test(record, answers_to_other_calls_tell_nothing_of_one_that_rang)
{
	const struct exchange other = {.call_id = "other", .to_tag = "b"};

	after->settings.keepalive.rules.max_lost = 0; /* nobody here answers keepalives */
	ring_through_a_restart(true);
	proxy_answers(after, PHONE, 200, "INVITE", other);
	proxy_answers(after, PHONE, 486, "INVITE", other);
	proxy_answers(after, "203.0.113.9:5061", 486, "INVITE", call);
	border_expect(after, "");
	border_wait(after, 181);
	border_expect(after, "reason-end " PHONE " dialog call expired\n"
			     "endpoint-remove " PHONE " expired\n");
}

/* Whoever answers it, the next natbox does not know what that is for. */
static void hang_up_through_a_restart(bool phone_calls, unsigned status)
{
	const struct exchange bye = {
		.to_tag = phone_calls ? "b" : "a", .from_tag = phone_calls ? "a" : "b", .cseq = 2};

	after->settings.keepalive.rules.max_lost = 0; /* nobody here answers keepalives */
	phone_asks(before, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(before, PHONE, 200, "INVITE", call);
	(phone_calls ? phone_asks : proxy_asks)(before, PHONE, "BYE", bye);
	if (status)
		phone_answers(before, PHONE, status, "BYE", bye);
	cr_assert_eq(restart(), 1);
	border_wait(after, 31.9);
	border_expect(after, "");
	border_wait(after, 0.2);
}

Test(record, a_call_that_is_hung_up_at_a_restart_ends_32_seconds_later)
{
	hang_up_through_a_restart(true, 0);
	border_expect(after, "reason-end " PHONE " dialog call expired\n"
			     "endpoint-remove " PHONE " expired\n");
}

Test(record, so_does_one_that_the_other_side_hangs_up)
{
	hang_up_through_a_restart(false, 0);
	border_expect(after, "reason-end " PHONE " dialog call expired\n"
			     "endpoint-remove " PHONE " expired\n");
}

Test(record, a_phone_that_has_challenged_the_bye_stays_in_its_call)
{
	hang_up_through_a_restart(false, 401);
	border_expect(after, "");
}

/* Its registrar's list has the repaired Contact. */
Test(record, after_a_restart_a_phone_that_moves_still_takes_back_what_it_had)
{
	const char *listed = "<sip:alice@" PHONE ";natbox=192.168.1.10-5060>";
	const char *taken_back =
		"Contact: <sip:alice@" PHONE ";natbox=192.168.1.10-5060>;expires=0\r\n";

	before->repairs = after->repairs = true;
	border_register(before, PHONE, (struct registration){.expires = "60"});
	border_answer(before, PHONE, 200, (struct registration){.contact = listed});
	cr_assert_eq(restart(), 1);
	border_register(after, SECOND, (struct registration){.cseq = 2, .expires = "60"});
	cr_assert_eq(after->outcome.verdict, VERDICT_REWRITE);
	cr_expect_not_null(memmem(after->outcome.bytes.at, after->outcome.bytes.length, taken_back,
		strlen(taken_back)));
}

/* Whether it is proven that a phone is there. */

static unsigned unproven(struct border *border)
{
	return engine_counters(border->engine).unproven;
}

Test(record, that_an_endpoint_is_proven_survives)
{
	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	before->leaves_unproven = true;
	register_phone(before, "203.0.113.2:5060", (struct registration){.call_id = "two"});
	cr_assert_eq(unproven(before), 1);
	cr_assert_eq(restart(), 2);
	cr_expect_eq(unproven(after), 1);
	border_wait(after, 600);
	cr_expect_eq(after->sent_count, 24 + 4, "%u", after->sent_count);
}

/* One of two records is from before it was proven. */
Test(record, one_record_that_says_so_is_enough)
{
	struct record record;

	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	register_phone(before, PHONE,
		(struct registration){.call_id = "two", .aor = "sip:bob@example.com"});
	border_wait(after, 0);
	for (uint32_t slot = 1; slot <= 2; slot++) {
		cr_assert(record_read(engine_endpoints(before->engine), slot, &record));
		cr_assert(record.proven);
		record.proven = slot == 2;
		cr_assert_gt(restore(engine_endpoints(after->engine), &record), 0);
		cr_expect_eq(unproven(after), slot == 1);
	}
}

Test(record, an_endpoint_that_is_proven_is_a_change_of_all_its_reasons)
{
	struct endpoints *endpoints = engine_endpoints(before->engine);

	before->leaves_unproven = true;
	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	register_phone(before, PHONE,
		(struct registration){.call_id = "two", .aor = "sip:bob@example.com"});
	cr_assert_eq(next_change(), 1);
	cr_assert_eq(next_change(), 2);
	endpoint_prove(endpoints, reason_at(endpoints, 1)->endpoint);
	cr_expect_eq(next_change(), 1);
	cr_expect_eq(next_change(), 2);
}

Test(record, beyond_their_limit_unproven_ones_stay_out)
{
	struct record record;

	before->leaves_unproven = true;
	register_phone(before, PHONE, (struct registration){.call_id = "one"});
	register_phone(before, "203.0.113.2:5060", (struct registration){.call_id = "two"});
	after->settings.limits.unproven = 1;
	border_wait(after, 0);
	cr_assert(record_read(engine_endpoints(before->engine), 1, &record));
	cr_expect_gt(restore(engine_endpoints(after->engine), &record), 0);
	cr_assert(record_read(engine_endpoints(before->engine), 2, &record));
	cr_expect_eq(restore(engine_endpoints(after->engine), &record), -ENOSPC);
	record.proven = true;
	cr_expect_gt(restore(engine_endpoints(after->engine), &record), 0);
}
