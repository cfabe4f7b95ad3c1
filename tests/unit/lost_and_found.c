/* Who is lost, who is found again, and which answers count for that. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"
#define ADDED                                                                                      \
	"endpoint-add " PHONE " via-source,contact-private\n"                                      \
	"reason-add " PHONE " registration sip:alice@example.com 3600\n"

TestSuite(lost_and_found, .init = own_border_open, .fini = own_border_close);

static void register_phone(struct registration registration)
{
	if (!registration.expires)
		registration.expires = "3600";
	border_bind(border, PHONE, registration);
}

static void answer(const char *status_line)
{
	phone_answers_keepalive(border, PHONE, keepalive_to(border, PHONE), status_line);
}

/* All but these count as no answer. */
static void make_alive(unsigned first, unsigned last)
{
	uint64_t *others = border->settings.keepalive.not_alive;

	memset(others, 0xff, sizeof(border->settings.keepalive.not_alive));
	for (unsigned bit = first - STATUS_FIRST; bit <= last - STATUS_FIRST; bit++)
		others[bit / 64] &= ~(1ull << bit % 64);
}

static uint32_t lost_now(void)
{
	return engine_counters(border->engine).lost_now;
}

/* Registered at 0, lost at 80 s, with another keepalive sent at 100 s. */
static void lose_phone(void)
{
	register_phone((struct registration){0});
	border_expect(border, ADDED);
	border_wait(border, 99.9);
	border_expect(border, "lost " PHONE " 3\n");
	cr_expect_eq(lost_now(), 1);
}

Test(lost_and_found, who_answers_again_is_found)
{
	lose_phone();
	border_wait(border, 1.1);
	answer("SIP/2.0 200 OK");
	border_expect(border, "found " PHONE " 101\n");
	cr_expect_eq(lost_now(), 0);
	border_wait(border, 24.5);
	answer("SIP/2.0 200 OK");
	border_expect(border, "");
	cr_expect_eq(engine_counters(border->engine).lost, 1);
}

Test(lost_and_found, who_gives_another_sign_of_life_is_found)
{
	lose_phone();
	proxy_is_granted(border, PHONE, "OPTIONS", (struct exchange){0});
	border_expect(border, "found " PHONE " 99\n");
	cr_expect_eq(lost_now(), 0);
}

/* Anybody can send one with its address. */
Test(lost_and_found, a_register_that_proves_nothing_finds_nobody)
{
	lose_phone();
	register_phone((struct registration){.cseq = 2});
	border_expect(border, "reason-refresh " PHONE " registration sip:alice@example.com 3600\n");
	cr_expect_eq(lost_now(), 1);
}

Test(lost_and_found, who_is_lost_again_is_reported_again)
{
	lose_phone();
	border_wait(border, 1);
	answer("SIP/2.0 200 OK");
	border_wait(border, 80);
	border_expect(border, "found " PHONE " 100\n"
			      "lost " PHONE " 3\n");
	cr_expect_eq(lost_now(), 1);
	cr_expect_eq(engine_counters(border->engine).lost, 2);
}

Test(lost_and_found, who_ends_is_lost_no_more)
{
	lose_phone();
	register_phone((struct registration){.cseq = 2, .expires = "0", .contact = "*"});
	cr_expect_eq(lost_now(), 0);
	cr_expect_eq(engine_counters(border->engine).endpoints, 0);
}

Test(lost_and_found, who_is_dropped_is_lost_no_more)
{
	border->settings.keepalive.rules.drop_lost = true;
	register_phone((struct registration){0});
	border_wait(border, 100);
	cr_expect_eq(engine_counters(border->engine).lost, 1);
	cr_expect_eq(lost_now(), 0);
}

/* As max-lost is another one after a reload, or drop-lost is. */
Test(lost_and_found, what_a_reload_makes_of_misses_is_noticed_with_the_next_one)
{
	struct settings settings;

	border->settings.keepalive.rules.max_lost = 10;
	register_phone((struct registration){0});
	border_expect(border, ADDED);
	border_wait(border, 110);
	settings = border->settings;
	settings.keepalive.rules.max_lost = 2;
	cr_assert_eq(engine_reconfigure(border->engine, &settings), 0);
	border_wait(border, 20.1);
	border_expect(border, "lost " PHONE " 4\n");
	settings.keepalive.rules.drop_lost = true;
	cr_assert_eq(engine_reconfigure(border->engine, &settings), 0);
	border_wait(border, 50);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com failed\n"
			      "endpoint-remove " PHONE " lost\n");
}

static struct event heard[2];
static char heard_aor[2][64];

static void listen(void *context, const struct event *event)
{
	const unsigned i = event->type == EVENT_FOUND;

	(void)context;
	if (event->type != EVENT_LOST && event->type != EVENT_FOUND)
		return;
	heard[i] = *event;
	cr_assert_lt(event->aor.length, sizeof(heard_aor[i]));
	if (event->aor.length)
		memcpy(heard_aor[i], event->aor.at, event->aor.length);
}

Test(lost_and_found, both_name_the_address_of_record)
{
	border->listener = listen;
	register_phone((struct registration){0});
	border_wait(border, 101);
	answer("SIP/2.0 200 OK");
	cr_expect_str_eq(heard_aor[0], "sip:alice@example.com");
	cr_expect_str_eq(heard_aor[1], "sip:alice@example.com");
	cr_expect_eq(heard[0].missed, 3);
}

Test(lost_and_found, who_only_calls_has_none_to_be_named)
{
	border->listener = listen;
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", (struct exchange){.to_tag = "b"});
	border_wait(border, 101);
	cr_expect_eq(heard[0].missed, 3);
	cr_expect_null(heard[0].aor.at);
}

/* keepalive.alive */

Test(lost_and_found, an_answer_that_does_not_count_is_none)
{
	make_alive(200, 499);
	border->logs_keepalives = true;
	register_phone((struct registration){0});
	border_wait(border, 26);
	answer("SIP/2.0 503 Busy");
	answer("SIP/2.0 503 Busy");
	border_expect(border, ADDED "keepalive " PHONE " NOTIFY\n"
				    "reply " PHONE " 503 1000 ms\n");
	border_wait(border, 25);
	answer("SIP/2.0 500 Fault");
	border_wait(border, 25);
	answer("SIP/2.0 503 Busy");
	border_wait(border, 5);
	border_expect(border, "keepalive " PHONE " NOTIFY\n"
			      "reply " PHONE " 500 1000 ms\n"
			      "keepalive " PHONE " NOTIFY\n"
			      "reply " PHONE " 503 1000 ms\n"
			      "lost " PHONE " 3\n");
	cr_expect_eq(engine_counters(border->engine).replies, 0);
	cr_expect_eq(engine_counters(border->engine).missed, 3);
}

Test(lost_and_found, the_phones_own_answer_counts_after_that_of_somebody_in_between)
{
	make_alive(200, 499);
	register_phone((struct registration){0});
	for (unsigned i = 0; i < 5; i++) {
		border_wait(border, 25);
		answer("SIP/2.0 503 Busy");
		answer("SIP/2.0 404 Not Found");
	}
	border_expect(border, ADDED);
	cr_expect_eq(engine_counters(border->engine).replies, 5);
	cr_expect_eq(engine_counters(border->engine).missed, 0);
}

Test(lost_and_found, an_answer_that_does_not_count_finds_nobody)
{
	make_alive(200, 200);
	lose_phone();
	border_wait(border, 1);
	answer("SIP/2.0 404 Not Found");
	border_expect(border, "");
	cr_expect_eq(lost_now(), 1);
	answer("SIP/2.0 200 OK");
	border_expect(border, "found " PHONE " 100\n");
}

/* Whoever answers has got it: it is kept alive, and lost. */
Test(lost_and_found, an_answer_that_does_not_count_proves_all_the_same)
{
	make_alive(200, 499);
	border->leaves_unproven = true;
	register_phone((struct registration){0});
	cr_expect_eq(engine_counters(border->engine).unproven, 1);
	border_wait(border, 1);
	answer("SIP/2.0 503 Busy");
	cr_expect_eq(engine_counters(border->engine).unproven, 0);
	border_wait(border, 300);
	border_expect(border, ADDED "lost " PHONE " 3\n");
	cr_expect_gt(border->sent_count, 10);
}

Test(lost_and_found, the_keepalive_that_such_an_answer_is_to_is_missed)
{
	make_alive(200, 499);
	border->leaves_unproven = true;
	register_phone((struct registration){0});
	border_wait(border, 1.1);
	answer("SIP/2.0 503 Busy");
	border_wait(border, 25);
	answer("SIP/2.0 503 Busy");
	cr_expect_eq(engine_counters(border->engine).missed, 1);
	border_wait(border, 25);
	answer("SIP/2.0 503 Busy");
	border_wait(border, 5);
	border_expect(border, ADDED "lost " PHONE " 3\n");
	cr_expect_eq(engine_counters(border->engine).missed, 3);
}

Test(lost_and_found, or_is_answered_by_the_phone_itself)
{
	make_alive(200, 499);
	border->settings.keepalive.rules.max_lost = 1;
	border->leaves_unproven = true;
	register_phone((struct registration){0});
	border_wait(border, 1.1);
	answer("SIP/2.0 503 Busy");
	answer("SIP/2.0 200 OK");
	border_wait(border, 20);
	border_expect(border, ADDED);
	cr_expect_eq(engine_counters(border->engine).replies, 1);
	border_wait(border, 5.1);
	answer("SIP/2.0 503 Busy");
	border_wait(border, 5.1);
	border_expect(border, "lost " PHONE " 1\n");
}

/* It is lost by the third of its four, and for so long nothing was heard of it. */
Test(lost_and_found, one_that_was_never_proven_is_found_with_its_whole_silence)
{
	make_alive(200, 499);
	border->leaves_unproven = true;
	register_phone((struct registration){0});
	border_wait(border, 57);
	border_expect(border, ADDED "lost " PHONE " 3\n");
	border_wait(border, 20);
	answer("SIP/2.0 503 Busy");
	border_wait(border, 25);
	answer("SIP/2.0 200 OK");
	cr_assert_eq(lost_now(), 0);
	cr_assert_eq(
		strncmp(border->log, "found " PHONE " ", 6 + strlen(PHONE)), 0, "%s", border->log);
	cr_expect_geq(atoi(border->log + 7 + strlen(PHONE)), 75, "%s", border->log);
}

/* What a restart keeps of it. */

Test(lost_and_found, who_was_lost_is_so_after_a_restart)
{
	struct border *after = border_new();
	struct record record;
	int64_t slots[1];

	lose_phone();
	cr_assert(record_read(engine_endpoints(border->engine), 1, &record));
	cr_expect(record.lost);
	after->now_us = border->now_us;
	border_wait(after, 0);
	records_restore(engine_endpoints(after->engine), &record, 1, slots);
	cr_assert_gt(slots[0], 0);
	records_resume(engine_endpoints(after->engine));
	border_free(border);
	border = after;
	cr_expect_eq(lost_now(), 1);
	border_wait(border, 49);
	border_expect(border, "");
	border_wait(border, 2);
	answer("SIP/2.0 200 OK");
	cr_expect_eq(lost_now(), 0);
	cr_assert_eq(
		strncmp(border->log, "found " PHONE " ", 6 + strlen(PHONE)), 0, "%s", border->log);
}

Test(lost_and_found, a_store_hears_of_it)
{
	struct endpoints *endpoints;

	border_wait(border, 0);
	endpoints = engine_endpoints(border->engine);
	cr_assert_eq(records_watch(endpoints), 0);
	register_phone((struct registration){0});
	cr_expect_eq(changes_take(&endpoints->changes, 1), 1);
	border_wait(border, 79);
	cr_expect_not(changes_any(&endpoints->changes));
	border_wait(border, 2);
	cr_expect_eq(changes_take(&endpoints->changes, 1), 1);
	border_wait(border, 20);
	answer("SIP/2.0 200 OK");
	cr_expect_eq(changes_take(&endpoints->changes, 1), 1);
}
