/* An endpoint that nobody has proven to be there gets a few keepalives and no
 * more, and gives way to others. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:5999"
#define OTHER "203.0.113.2:5061"

#define CHALLENGE   "WWW-Authenticate: Digest realm=\"x\", nonce=\"given\"\r\n"
#define CREDENTIALS "Authorization: Digest username=\"alice\", realm=\"x\", nonce=\"given\"\r\n"

static void setup(void)
{
	own_border_open();
	border->leaves_unproven = true;
}

TestSuite(unproven, .init = setup, .fini = own_border_close);

static void register_as(const char *client, struct registration registration)
{
	registration.expires = "3600";
	border_bind(border, client, registration);
}

static void register_phone(const char *client)
{
	register_as(client, (struct registration){.call_id = client});
}

static void challenge(const char *client)
{
	const struct registration registration = {.call_id = "asked", .extra = CHALLENGE};

	border_register(border, client, registration);
	border_answer(border, client, 401, registration);
}

static double sent_at(unsigned i)
{
	return (double)border->sent[i].time_us / 1e6 - 1000;
}

static void expect_sent(unsigned i, const char *begins)
{
	cr_expect_eq(strncmp(border->sent[i].bytes, begins, strlen(begins)), 0, "%u: %.20s", i,
		border->sent[i].bytes);
}

static void answer(const char *client)
{
	phone_answers_keepalive(border, client, keepalive_to(border, client), "SIP/2.0 200 OK");
}

/* How many keepalives there are in the next hour. */
static unsigned in_an_hour(void)
{
	const unsigned before = border->sent_count;

	border_wait(border, 3590);
	return border->sent_count - before;
}

Test(unproven, who_answers_nothing_gets_max_lost_keepalives_and_one_options)
{
	register_phone(PHONE);
	border_wait(border, 3590);
	cr_assert_eq(border->sent_count, 4, "%u", border->sent_count);
	cr_expect_leq(sent_at(0), 1.011);
	for (unsigned i = 1; i < 4; i++)
		cr_expect_float_eq(sent_at(i) - sent_at(i - 1), 25, 0.011);
	for (unsigned i = 0; i < 3; i++)
		expect_sent(i, "NOTIFY ");
	expect_sent(3, "OPTIONS ");
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n"
			      "lost " PHONE " 3\n");
	border_wait(border, 11);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
}

Test(unproven, where_none_is_ever_lost_three_are_sent_before_the_options)
{
	border->settings.keepalive.rules.max_lost = 0;
	register_phone(PHONE);
	cr_expect_eq(in_an_hour(), 4);
	expect_sent(3, "OPTIONS ");
}

Test(unproven, who_answers_the_first_is_kept_for_its_whole_registration)
{
	register_phone(PHONE);
	border_wait(border, 1.02);
	answer(PHONE);
	cr_expect_eq(in_an_hour(), 143, "%u", border->sent_count);
	expect_sent(100, "NOTIFY ");
}

Test(unproven, who_answers_nothing_but_options_is_kept_as_well)
{
	register_phone(PHONE);
	border_wait(border, 76.5);
	expect_sent(3, "OPTIONS ");
	answer(PHONE);
	cr_expect_eq(in_an_hour(), 140, "%u", border->sent_count);
}

Test(unproven, an_answer_that_comes_too_late_proves_nothing)
{
	register_phone(PHONE);
	border_wait(border, 100);
	cr_expect_eq(border->sent_count, 4);
	answer(PHONE);
	cr_expect_eq(in_an_hour(), 0);
}

Test(unproven, with_digest_a_phone_that_answers_nothing_is_kept_for_its_whole_registration)
{
	challenge(PHONE);
	register_as(PHONE, (struct registration){.credentials = CREDENTIALS});
	border_wait(border, 24.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 3565);
	cr_expect_eq(border->sent_count, 143, "%u", border->sent_count);
}

/* The second of two copies was never answered, and it goes on with the same branch and CSeq. */
Test(unproven, nor_does_a_copy_without_credentials_keep_them_from_counting)
{
	const struct registration asked = {.call_id = "a", .expires = "3600", .extra = CHALLENGE};

	border->settings.limits.unproven = 1;
	register_as(OTHER, (struct registration){.call_id = "b", .aor = "sip:bob@example.com"});
	border_register(border, PHONE, asked);
	border_register(border, PHONE, asked);
	border_answer(border, PHONE, 401, asked);
	register_as(PHONE, (struct registration){.call_id = "a", .credentials = CREDENTIALS});
	cr_expect_eq(engine_counters(border->engine).endpoints, 2);
	cr_expect_eq(in_an_hour(), 143 + 4);
}

Test(unproven, a_nonce_of_somebody_else_proves_nothing)
{
	challenge(OTHER);
	register_as(PHONE, (struct registration){.credentials = CREDENTIALS});
	cr_expect_eq(in_an_hour(), 4);
}

Test(unproven, a_nonce_of_where_the_registration_stood_proves_its_new_place)
{
	challenge(PHONE);
	register_as(PHONE, (struct registration){.credentials = CREDENTIALS});
	register_as(MOVED, (struct registration){.cseq = 2, .credentials = CREDENTIALS});
	cr_expect_eq(in_an_hour(), 143);
	cr_expect_not_null(keepalive_to(border, MOVED));
	cr_expect_null(keepalive_to(border, PHONE));
}

Test(unproven, but_not_that_of_another_registration)
{
	challenge(PHONE);
	register_as(PHONE, (struct registration){.credentials = CREDENTIALS});
	register_as(MOVED, (struct registration){.call_id = "another",
				   .aor = "sip:bob@example.com",
				   .credentials = CREDENTIALS});
	cr_expect_eq(in_an_hour(), 143 + 4);
}

Test(unproven, nor_does_any_other_nonce_prove_where_a_registration_comes_from)
{
	register_as(PHONE, (struct registration){0});
	register_as(MOVED, (struct registration){.cseq = 2, .credentials = CREDENTIALS});
	cr_expect_eq(in_an_hour(), 4);
}

Test(unproven, nor_that_of_another_phone_of_the_same_user)
{
	challenge(PHONE);
	register_as(PHONE, (struct registration){.credentials = CREDENTIALS});
	register_as(OTHER, (struct registration){.call_id = "other", .credentials = CREDENTIALS});
	cr_expect_eq(in_an_hour(), 143 + 4);
}

Test(unproven, each_answer_of_the_registrar_to_one_that_was_given_up_buys_one_more_options)
{
	register_phone(PHONE);
	border_wait(border, 600);
	for (unsigned i = 0; i < 5; i++) {
		register_as(PHONE, (struct registration){.call_id = PHONE, .cseq = i + 2});
		border_wait(border, 600);
		cr_expect_eq(border->sent_count, 5 + i);
		expect_sent(4 + i, "OPTIONS ");
	}
	register_as(PHONE, (struct registration){.call_id = PHONE, .cseq = 9});
	border_wait(border, 1.02);
	answer(PHONE);
	cr_expect_eq(in_an_hour(), 143, "%u", border->sent_count);
}

Test(unproven, so_does_another_registration_there)
{
	register_phone(PHONE);
	border_wait(border, 600);
	register_as(PHONE, (struct registration){.call_id = "another", .aor = "sip:bob@x"});
	border_wait(border, 600);
	cr_expect_eq(border->sent_count, 5);
	expect_sent(4, "OPTIONS ");
}

/* Calls. */

static struct exchange call(unsigned cseq, const char *to_tag)
{
	return (struct exchange){.call_id = "a-call", .cseq = cseq, .to_tag = to_tag};
}

/* A 200 that nobody ends: 1 727 of them went to the victim. */
Test(unproven, a_forged_invite_that_is_answered_brings_its_victim_four)
{
	phone_asks(border, PHONE, "INVITE", call(1, NULL));
	proxy_answers(border, PHONE, 180, "INVITE", call(1, "b"));
	proxy_answers(border, PHONE, 200, "INVITE", call(1, "b"));
	border_wait(border, 43000);
	cr_expect_eq(border->sent_count, 4, "%u", border->sent_count);
}

Test(unproven, an_ack_with_the_tag_that_was_sent_there_proves_the_caller)
{
	phone_asks(border, PHONE, "INVITE", call(1, NULL));
	proxy_answers(border, PHONE, 200, "INVITE", call(1, "b"));
	phone_asks(border, PHONE, "ACK", call(1, "b"));
	cr_expect_eq(in_an_hour(), 143);
}

Test(unproven, who_is_proven_begins_anew)
{
	phone_asks(border, PHONE, "INVITE", call(1, NULL));
	proxy_answers(border, PHONE, 200, "INVITE", call(1, "b"));
	border_wait(border, 50);
	cr_assert_eq(border->sent_count, 2);
	border_forget(border);
	phone_asks(border, PHONE, "ACK", call(1, "b"));
	border_wait(border, 24.9);
	cr_expect_eq(border->sent_count, 2);
	border_wait(border, 0.2);
	cr_expect_eq(border->sent_count, 3);
	border_wait(border, 54.8);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, "lost " PHONE " 3\n");
}

Test(unproven, an_ack_with_a_tag_that_was_guessed_does_not)
{
	phone_asks(border, PHONE, "INVITE", call(1, NULL));
	proxy_answers(border, PHONE, 200, "INVITE", call(1, "b"));
	phone_asks(border, PHONE, "ACK", call(1, "c"));
	cr_expect_eq(in_an_hour(), 4);
}

Test(unproven, an_invite_with_the_nonce_is_proven_from_the_first_ringing_on)
{
	struct exchange invite = call(2, NULL);

	challenge(PHONE);
	invite.lines = CREDENTIALS;
	phone_asks(border, PHONE, "INVITE", invite);
	proxy_answers(border, PHONE, 180, "INVITE", call(2, "b"));
	border_wait(border, 24.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 150);
	cr_expect_eq(border->sent_count, 6, "%u", border->sent_count);
}

Test(unproven, a_phone_that_is_called_and_rings_is_proven)
{
	proxy_asks(border, PHONE, "INVITE", call(1, NULL));
	phone_answers(border, PHONE, 180, "INVITE", call(1, "b"));
	border_wait(border, 24.9);
	cr_expect_eq(border->sent_count, 0);
	border_wait(border, 150);
	cr_expect_eq(border->sent_count, 6, "%u", border->sent_count);
}

Test(unproven, so_is_one_that_answers_whatever_the_proxy_asks)
{
	register_phone(PHONE);
	border_wait(border, 600);
	cr_expect_eq(border->sent_count, 4);
	proxy_is_granted(border, PHONE, "OPTIONS", call(1, NULL));
	cr_expect_eq(engine_counters(border->engine).unproven, 0);
	border_wait(border, 250.1);
	cr_expect_eq(border->sent_count, 14, "%u", border->sent_count);
}

/* Keepalives that nobody answers. */

Test(unproven, with_crlf_an_options_is_the_first_and_the_last)
{
	border->settings.keepalive.rules.method = KEEPALIVE_CRLF;
	register_phone(PHONE);
	cr_expect_eq(in_an_hour(), 4);
	expect_sent(0, "OPTIONS ");
	expect_sent(1, "\r\n\r\n");
	expect_sent(2, "\r\n\r\n");
	expect_sent(3, "OPTIONS ");
	border_expect(border, "endpoint-add " PHONE " via-source,contact-private\n"
			      "reason-add " PHONE " registration sip:alice@example.com 3600\n");
	cr_expect_eq(engine_counters(border->engine).missed, 0);
}

Test(unproven, with_crlf_one_answer_is_enough)
{
	border->settings.keepalive.rules.method = KEEPALIVE_CRLF;
	register_phone(PHONE);
	border_wait(border, 1.02);
	answer(PHONE);
	cr_expect_eq(in_an_hour(), 143);
	expect_sent(1, "\r\n\r\n");
	expect_sent(100, "\r\n\r\n");
}

/* Where nothing is sent nobody can answer: the events show what would be sent to phones that do. */
Test(unproven, in_a_dry_run_nobody_is)
{
	border->sends_nothing = true;
	border->settings.limits.unproven_per_address = 1;
	register_phone("203.0.113.1:1");
	register_phone("203.0.113.1:2");
	cr_expect_eq(engine_counters(border->engine).endpoints, 2);
	cr_expect_eq(engine_counters(border->engine).unproven, 0);
	border_wait(border, 250.1);
	cr_expect_eq(engine_counters(border->engine).keepalives, 20);
}

/* Limits. */

#define ADD(client, aor)                                                                           \
	"endpoint-add " client " via-source,contact-private\n"                                     \
	"reason-add " client " registration " aor " 3600\n"
#define MAKES_ROOM(client, aor, limit)                                                             \
	"refused " client " " limit "\n"                                                           \
	"reason-end " client " registration " aor " replaced\n"                                    \
	"endpoint-remove " client " limit\n"

static void register_user(const char *client, const char *aor)
{
	register_as(client, (struct registration){.aor = aor, .call_id = aor});
}

static void register_proven(const char *client, const char *aor)
{
	challenge(client);
	register_as(client,
		(struct registration){.aor = aor, .call_id = aor, .credentials = CREDENTIALS});
}

Test(unproven, at_the_limit_of_an_address_the_oldest_there_makes_room)
{
	border->settings.limits.unproven_per_address = 2;
	register_user(OTHER, "sip:0@x");
	register_user("203.0.113.1:1", "sip:1@x");
	register_user("203.0.113.1:2", "sip:2@x");
	border_forget(border);
	register_user("203.0.113.1:3", "sip:3@x");
	border_expect(border, MAKES_ROOM("203.0.113.1:1", "sip:1@x", "unproven-per-address")
				      ADD("203.0.113.1:3", "sip:3@x"));
	register_proven("203.0.113.1:4", "sip:4@x");
	border_expect(border, ADD("203.0.113.1:4", "sip:4@x"));
	register_user("203.0.113.1:5", "sip:5@x");
	border_expect(border, MAKES_ROOM("203.0.113.1:2", "sip:2@x", "unproven-per-address")
				      ADD("203.0.113.1:5", "sip:5@x"));
}

Test(unproven, at_the_limit_of_all_the_oldest_of_all)
{
	border->settings.limits.unproven = 2;
	register_user("203.0.113.1:1", "sip:1@x");
	register_user("203.0.113.2:1", "sip:2@x");
	border_forget(border);
	register_user("203.0.113.3:1", "sip:3@x");
	border_expect(border,
		MAKES_ROOM("203.0.113.1:1", "sip:1@x", "unproven") ADD("203.0.113.3:1", "sip:3@x"));
	cr_expect_eq(engine_counters(border->engine).unproven, 2);
	register_proven("203.0.113.4:1", "sip:4@x");
	border_expect(border, ADD("203.0.113.4:1", "sip:4@x"));
}

/* Of an address with four endpoints, one of them proven. */
static void lower_limit(uint32_t endpoints_per_address)
{
	register_user(OTHER, "sip:0@x");
	register_user("203.0.113.2:1", "sip:1@x");
	register_user("203.0.113.2:2", "sip:2@x");
	register_proven("203.0.113.2:3", "sip:3@x");
	border->settings.limits.endpoints_per_address = endpoints_per_address;
	cr_assert_eq(engine_reconfigure(border->engine, &border->settings), 0);
	border_forget(border);
}

static void move_to(const char *client)
{
	register_as(
		client, (struct registration){.aor = "sip:0@x", .call_id = "sip:0@x", .cseq = 2});
}

Test(unproven, below_a_limit_that_was_lowered_as_many_as_it_takes_make_room)
{
	lower_limit(2);
	move_to("203.0.113.2:9");
	border_expect(border,
		"reason-end " OTHER " registration sip:0@x moved\n"
		"endpoint-remove " OTHER
		" ended\n" MAKES_ROOM("203.0.113.2:1", "sip:1@x", "endpoints-per-address")
			MAKES_ROOM("203.0.113.2:2", "sip:2@x", "endpoints-per-address")
				ADD("203.0.113.2:9", "sip:0@x"));
}

Test(unproven, nobody_makes_room_for_a_move_that_a_limit_refuses)
{
	lower_limit(1);
	move_to("203.0.113.2:9");
	border_expect(border, "refused 203.0.113.2:9 endpoints-per-address\n");
	cr_expect_eq(engine_counters(border->engine).endpoints, 4);
}

Test(unproven, nobody_elsewhere_makes_room_for_one_that_its_own_address_has_no_room_for)
{
	border->settings.limits.endpoints_per_address = 1;
	border->settings.limits.endpoints = 2;
	register_user("203.0.113.2:1", "sip:1@x");
	register_proven("203.0.113.3:1", "sip:2@x");
	border_forget(border);
	register_user("203.0.113.3:2", "sip:3@x");
	border_expect(border, "refused 203.0.113.3:2 endpoints-per-address\n");
}

Test(unproven, one_that_is_proven_in_the_midst_of_others_leaves_their_order)
{
	border->settings.limits.unproven = 3;
	for (unsigned i = 1; i <= 3; i++) {
		char client[32], aor[32];

		snprintf(client, sizeof(client), "203.0.113.%u:1", i);
		snprintf(aor, sizeof(aor), "sip:%u@x", i);
		register_user(client, aor);
		border_wait(border, 0.1);
	}
	border_wait(border, 1.02);
	answer("203.0.113.2:1");
	cr_expect_eq(engine_counters(border->engine).unproven, 2);
	border_forget(border);
	register_user("203.0.113.4:1", "sip:4@x");
	border_expect(border, ADD("203.0.113.4:1", "sip:4@x"));
	register_user("203.0.113.5:1", "sip:5@x");
	border_expect(border,
		MAKES_ROOM("203.0.113.1:1", "sip:1@x", "unproven") ADD("203.0.113.5:1", "sip:5@x"));
	register_user("203.0.113.6:1", "sip:6@x");
	border_expect(border,
		MAKES_ROOM("203.0.113.3:1", "sip:3@x", "unproven") ADD("203.0.113.6:1", "sip:6@x"));
}

Test(unproven, in_a_full_table_they_give_way_and_then_it_is_full)
{
	border->settings.limits.endpoints = 2;
	register_user("203.0.113.1:1", "sip:1@x");
	register_proven("203.0.113.2:1", "sip:2@x");
	border_forget(border);
	register_proven("203.0.113.3:1", "sip:3@x");
	border_expect(border, MAKES_ROOM("203.0.113.1:1", "sip:1@x", "endpoints")
				      ADD("203.0.113.3:1", "sip:3@x"));
	register_proven("203.0.113.4:1", "sip:4@x");
	border_expect(border, "refused 203.0.113.4:1 endpoints\n");
	register_user("203.0.113.5:1", "sip:5@x");
	border_expect(border, "refused 203.0.113.5:1 endpoints\n");
}

Test(unproven, at_a_full_address_they_give_way_and_then_it_is_full)
{
	border->settings.limits.endpoints_per_address = 2;
	register_user("203.0.113.1:1", "sip:1@x");
	register_proven("203.0.113.1:2", "sip:2@x");
	border_forget(border);
	register_proven("203.0.113.1:3", "sip:3@x");
	border_expect(border, MAKES_ROOM("203.0.113.1:1", "sip:1@x", "endpoints-per-address")
				      ADD("203.0.113.1:3", "sip:3@x"));
	register_user("203.0.113.1:4", "sip:4@x");
	border_expect(border, "refused 203.0.113.1:4 endpoints-per-address\n");
}

/* A phone that moves to where only unproven endpoints are in its way. */

static void move(const char *client)
{
	register_as(client, (struct registration){.aor = "sip:2@x",
				    .call_id = "sip:2@x",
				    .cseq = 2,
				    .credentials = CREDENTIALS});
}

Test(unproven, a_phone_that_moves_is_not_refused_for_them)
{
	border->settings.limits.endpoints_per_address = 1;
	register_proven(OTHER, "sip:2@x");
	register_user("203.0.113.1:1", "sip:1@x");
	border_forget(border);
	move(PHONE);
	border_expect(border, "reason-end " OTHER " registration sip:2@x moved\n"
			      "endpoint-remove " OTHER " ended\n" MAKES_ROOM("203.0.113.1:1",
				      "sip:1@x", "endpoints-per-address") ADD(PHONE, "sip:2@x"));
}

/* Its old place stays, as another registration stands there, too. */
Test(unproven, nor_in_a_full_table)
{
	border->settings.limits.endpoints = 2;
	register_proven(OTHER, "sip:2@x");
	register_as(OTHER, (struct registration){.aor = "sip:3@x", .call_id = "sip:3@x"});
	register_user("203.0.113.1:1", "sip:1@x");
	border_forget(border);
	move(PHONE);
	border_expect(
		border, "reason-end " OTHER " registration sip:2@x moved\n" MAKES_ROOM(
				"203.0.113.1:1", "sip:1@x", "endpoints") ADD(PHONE, "sip:2@x"));
}

/* Addresses are numbers, and those that are as far apart share a list. */
Test(unproven, addresses_that_share_a_list_are_told_apart)
{
	struct unproven unproven = {0};
	uint32_t count;

	cr_assert_eq(unproven_init(&unproven, 4), 0);
	unproven_add(&unproven, 11, 7);
	unproven_add(&unproven, 12, 7 + (1 << 16));
	unproven_add(&unproven, 13, 7);
	cr_expect_eq(unproven_oldest_of(&unproven, 7 + (1 << 16), &count), 12);
	cr_expect_eq(count, 1);
	cr_expect_eq(unproven_oldest_of(&unproven, 7, &count), 11);
	cr_expect_eq(count, 2);
	unproven_remove(&unproven, 11);
	cr_expect_eq(unproven_oldest(&unproven), 12);
	cr_expect_eq(unproven_oldest_of(&unproven, 7, &count), 13);
	unproven_remove(&unproven, 13);
	unproven_add(&unproven, 14, 7);
	unproven_remove(&unproven, 12);
	cr_expect_eq(unproven_oldest(&unproven), 14);
	unproven_remove(&unproven, 14);
	cr_expect_eq(unproven_oldest(&unproven), 0);
	unproven_free(&unproven);
}

/* Processor time for so many to come and go, of so many addresses, in ns. */
static uint64_t cost_of(uint32_t crowd, uint32_t addresses)
{
	struct unproven unproven = {0};
	struct timespec begin, end;
	uint32_t count;

	cr_assert_eq(unproven_init(&unproven, crowd), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (uint32_t i = 1; i <= crowd; i++) {
		unproven_add(&unproven, i, i % addresses);
		unproven_oldest_of(&unproven, i % addresses, &count);
	}
	for (uint32_t i = 1; i <= crowd; i++)
		unproven_remove(&unproven, i);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	unproven_free(&unproven);
	return (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + (uint64_t)end.tv_nsec -
	       (uint64_t)begin.tv_nsec;
}

/* Where all of an address are looked through it is some hundred times as much. */
Test(unproven, one_address_with_very_many_costs_no_more_than_many)
{
	const uint64_t one = cost_of(20000, 1), many = cost_of(20000, 20000);

	cr_expect_lt(one, 20 * many, "%lu ns against %lu", (unsigned long)one, (unsigned long)many);
}
