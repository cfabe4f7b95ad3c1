/* SUBSCRIBE and NOTIFY: what a subscription does to an endpoint's
 * reasons. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <string.h>

#define PHONE  "203.0.113.1:5061"
#define SECOND "203.0.113.2:5061"
#define PUBLIC "203.0.113.77:5060"
#define PROXY2 "198.51.100.2:5060"

#define NATTED               "endpoint-add " PHONE " via-source,contact-private\n"
#define ADD(id, seconds)     "reason-add " PHONE " subscription " id " " seconds "\n"
#define REFRESH(id, seconds) "reason-refresh " PHONE " subscription " id " " seconds "\n"
#define END(id, why)         "reason-end " PHONE " subscription " id " " why "\n"
#define GONE(why)            "endpoint-remove " PHONE " " why "\n"

static void setup(void)
{
	own_border_open();
	border->settings.keepalive.rules.max_lost = 0; /* nobody here answers keepalives */
}

TestSuite(subscription, .init = setup, .fini = own_border_close);

/* A SUBSCRIBE that is not the first has the notifier's tag. */
static struct exchange to_presence(unsigned cseq, const char *expires)
{
	return (struct exchange){.cseq = cseq,
		.to_tag = cseq > 1 ? "n" : NULL,
		.lines = !strcmp(expires, "600") ? "Event: presence\r\nExpires: 600\r\n"
			 : !strcmp(expires, "0") ? "Event: presence\r\nExpires: 0\r\n"
						 : "Event: presence\r\n"};
}

/* The notifier's answer: it says the time it grants, and in a 2xx no Event. */
static struct exchange granted(struct exchange subscribe, const char *expires)
{
	subscribe.to_tag = "n";
	subscribe.lines = expires;
	return subscribe;
}

static void subscribe_as(struct exchange subscribe, const char *expires)
{
	phone_asks(border, PHONE, "SUBSCRIBE", subscribe);
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", granted(subscribe, expires));
}

static void subscribe(void)
{
	subscribe_as(to_presence(1, "600"), "Expires: 600\r\n");
	border_expect(border, NATTED ADD("call", "600"));
}

/* A NOTIFY of the subscription that subscribe made, numbered from 100 on. */
static void notify(const char *client, unsigned number, const char *lines)
{
	struct exchange notify = {
		.from_tag = "n", .to_tag = "a", .cseq = 100 + number, .lines = lines};

	proxy_asks(border, client, "NOTIFY", notify);
	notify.lines = NULL;
	phone_answers(border, client, 200, "NOTIFY", notify);
}

Test(subscription, a_subscriber_that_never_registers_is_kept_until_the_granted_time)
{
	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(1, "600"));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "SUBSCRIBE",
		granted(to_presence(1, "600"), "Expires: 300\r\n"));
	border_expect(border, NATTED ADD("call", "300"));
	border_wait(border, 299.9);
	border_expect(border, "");
	cr_assert_eq(border->sent_count, 11);
	border_wait(border, 0.2);
	border_expect(border, END("call", "expired") GONE("expired"));
}

Test(subscription, a_202_counts_too)
{
	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(1, "600"));
	proxy_answers(border, PHONE, 202, "SUBSCRIBE",
		granted(to_presence(1, "600"), "Expires: 600\r\n"));
	border_expect(border, NATTED ADD("call", "600"));
}

Test(subscription, the_requests_time_counts_when_the_response_names_none)
{
	subscribe_as(to_presence(1, "600"), "");
	border_expect(border, NATTED ADD("call", "600"));
}

Test(subscription, an_hour_when_nobody_names_a_time)
{
	subscribe_as(to_presence(1, ""), "");
	border_expect(border, NATTED ADD("call", "3600"));
}

Test(subscription, a_refresh_prolongs_it)
{
	subscribe();
	border_wait(border, 500);
	subscribe_as(to_presence(2, "600"), "Expires: 600\r\n");
	border_expect(border, REFRESH("call", "600"));
	border_wait(border, 599.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END("call", "expired") GONE("expired"));
}

Test(subscription, an_unsubscribe_ends_it_with_its_2xx)
{
	subscribe();
	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(2, "0"));
	border_expect(border, "");
	proxy_answers(
		border, PHONE, 200, "SUBSCRIBE", granted(to_presence(2, "0"), "Expires: 0\r\n"));
	border_expect(border, END("call", "ended") GONE("ended"));
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: terminated;reason=timeout\r\n");
	border_expect(border, "");
}

Test(subscription, an_unsubscribe_counts_when_its_2xx_names_no_time)
{
	subscribe();
	subscribe_as(to_presence(2, "0"), "");
	border_expect(border, END("call", "ended") GONE("ended"));
}

Test(subscription, a_fetch_creates_nothing)
{
	subscribe_as(to_presence(1, "0"), "Expires: 0\r\n");
	border_expect(border, "");
}

Test(subscription, a_challenge_creates_nothing_and_the_second_attempt_does)
{
	struct exchange second = to_presence(2, "600");

	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(1, "600"));
	proxy_answers(border, PHONE, 401, "SUBSCRIBE", granted(to_presence(1, "600"), ""));
	border_expect(border, "");
	second.to_tag = NULL;
	subscribe_as(second, "Expires: 600\r\n");
	border_expect(border, NATTED ADD("call", "600"));
}

Test(subscription, a_second_attempt_with_the_branch_and_cseq_of_the_first_counts)
{
	static const unsigned failures[] = {407, 503};

	for (unsigned i = 0; i < 2; i++) {
		phone_asks(border, PHONE, "SUBSCRIBE", to_presence(1, "600"));
		proxy_answers(border, PHONE, failures[i], "SUBSCRIBE",
			granted(to_presence(1, "600"), ""));
		subscribe();
		border_wait(border, 601);
		border_forget(border);
	}
}

Test(subscription, a_copy_under_way_may_be_accepted_though_another_has_failed)
{
	const struct exchange request = to_presence(1, "600");

	phone_asks(border, PHONE, "SUBSCRIBE", request);
	phone_asks(border, PHONE, "SUBSCRIBE", request);
	proxy_answers(border, PHONE, 503, "SUBSCRIBE", granted(request, ""));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", granted(request, "Expires: 600\r\n"));
	border_expect(border, NATTED ADD("call", "600"));
}

/* RFC 6665 4.1.2.2. */
Test(subscription, a_refresh_that_says_it_is_gone_ends_it)
{
	static const unsigned statuses[] = {
		404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604};

	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		subscribe();
		phone_asks(border, PHONE, "SUBSCRIBE", to_presence(2, "600"));
		proxy_answers(border, PHONE, statuses[i], "SUBSCRIBE", to_presence(2, "600"));
		border_expect(border, END("call", "failed") GONE("ended"));
		border_wait(border, 70); /* then nothing of it comes late any more */
	}
}

Test(subscription, any_other_failed_refresh_leaves_it_to_run_out)
{
	static const unsigned statuses[] = {302, 401, 403, 407, 408, 423, 500, 503, 603};

	subscribe();
	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		phone_asks(border, PHONE, "SUBSCRIBE", to_presence(i + 2, "600"));
		proxy_answers(border, PHONE, statuses[i], "SUBSCRIBE", to_presence(i + 2, "600"));
	}
	border_wait(border, 599.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END("call", "expired") GONE("expired"));
}

Test(subscription, a_notify_terminated_ends_it)
{
	subscribe();
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: terminated;reason=rejected\r\n");
	border_expect(border, END("call", "ended") GONE("ended"));
}

Test(subscription, a_notify_in_compact_form_and_capitals_ends_it)
{
	subscribe();
	notify(PHONE, 1, "o: presence\r\nSUBSCRIPTION-STATE: Terminated ; reason=noresource\r\n");
	border_expect(border, END("call", "ended") GONE("ended"));
}

Test(subscription, a_notify_active_or_pending_sets_its_time)
{
	subscribe();
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: pending;expires=500\r\n");
	border_expect(border, REFRESH("call", "500"));
	notify(PHONE, 2, "o: presence\r\nSubscription-State: active ; expires=400\r\n");
	border_expect(border, REFRESH("call", "400"));
	border_wait(border, 399.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, END("call", "expired") GONE("expired"));
}

/* Nobody knows of it any more how long it lasts: it was sent before the refresh. */
Test(subscription, a_notify_that_comes_again_or_late_changes_no_time)
{
	const char *short_time = "Event: presence\r\nSubscription-State: active;expires=20\r\n";
	const char *no_time = "Event: presence\r\nSubscription-State: active;expires=0\r\n";

	subscribe();
	notify(PHONE, 2, short_time);
	border_expect(border, REFRESH("call", "20"));
	border_wait(border, 0.5);
	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(2, "600"));
	proxy_answers(border, PHONE, 200, "SUBSCRIBE",
		granted(to_presence(2, "600"), "Expires: 600\r\n"));
	border_expect(border, REFRESH("call", "600"));
	notify(PHONE, 2, short_time);
	notify(PHONE, 1, short_time);
	notify(PHONE, 1, no_time);
	border_expect(border, "");
	notify(PHONE, 3, short_time);
	border_expect(border, REFRESH("call", "20"));
}

Test(subscription, nor_where_the_refresh_has_moved_it)
{
	const char *short_time = "Event: presence\r\nSubscription-State: active;expires=20\r\n";

	subscribe();
	notify(SECOND, 2, short_time);
	notify(PHONE, 2, short_time);
	phone_asks(border, SECOND, "SUBSCRIBE", to_presence(2, "600"));
	proxy_answers(border, SECOND, 200, "SUBSCRIBE",
		granted(to_presence(2, "600"), "Expires: 600\r\n"));
	border_forget(border);
	notify(SECOND, 2, short_time);
	border_expect(border, "");
}

Test(subscription, a_notify_that_leaves_no_time_ends_it)
{
	subscribe();
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: active ; expires=0\r\n");
	border_expect(border, END("call", "ended") GONE("ended"));
}

Test(subscription, a_notify_that_names_no_time_changes_none)
{
	static const char *const lines[] = {
		"Event: presence\r\nSubscription-State: active\r\n",
		"Event: presence\r\nSubscription-State: active;expires=soon\r\n",
		"Event: presence\r\nSubscription-State: active;expires\r\n",
		"Event: presence\r\nSubscription-State:\r\n",
		"Event: presence\r\n",
	};

	subscribe();
	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		notify(PHONE, i, lines[i]);
	border_expect(border, "");
}

/* A NOTIFY of the subscription that subscribe made, and what the phone answers to it. */
static void notify_and_answer(unsigned number, unsigned status)
{
	struct exchange notify = {.from_tag = "n",
		.to_tag = "a",
		.cseq = 100 + number,
		.lines = "Event: presence\r\nSubscription-State: active\r\n"};

	proxy_asks(border, PHONE, "NOTIFY", notify);
	notify.lines = NULL;
	phone_answers(border, PHONE, status, "NOTIFY", notify);
}

/* RFC 6665 4.2.2: it was switched off and on, and the notifier has to forget it. */
Test(subscription, a_notify_the_phone_knows_nothing_of_ends_it)
{
	static const unsigned others[] = {100, 200, 202, 401, 404, 480, 489, 500};

	subscribe();
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		notify_and_answer(i, others[i]);
	border_expect(border, "");
	notify_and_answer(40, 481);
	border_expect(border, END("call", "failed") GONE("ended"));
}

Test(subscription, a_481_that_answers_no_notify_ends_nothing)
{
	struct exchange notify = {.from_tag = "n",
		.to_tag = "a",
		.cseq = 100,
		.lines = "Event: presence\r\nSubscription-State: active\r\n"};

	subscribe();
	proxy_asks(border, PHONE, "NOTIFY", notify);
	phone_answers(border, SECOND, 481, "NOTIFY", notify);
	notify.branch = "other";
	phone_answers(border, PHONE, 481, "NOTIFY", notify);
	notify.branch = NULL;
	phone_answers(border, PHONE, 200, "NOTIFY", notify);
	phone_answers(border, PHONE, 481, "NOTIFY", notify);
	border_expect(border, "");
}

Test(subscription, a_notify_nobody_subscribed_to_creates_nothing)
{
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: active;expires=500\r\n");
	border_expect(border, "");
}

Test(subscription, a_notify_terminated_that_overtakes_the_2xx_has_the_last_word)
{
	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(1, "600"));
	border_wait(border, 0.05);
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: terminated;reason=rejected\r\n");
	proxy_answers(border, PHONE, 200, "SUBSCRIBE",
		granted(to_presence(1, "600"), "Expires: 600\r\n"));
	border_expect(border, "");
}

Test(subscription, subscribing_anew_after_a_notify_terminated_counts)
{
	subscribe();
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: terminated;reason=timeout\r\n");
	border_expect(border, END("call", "ended") GONE("ended"));
	border_wait(border, 0.05);
	subscribe_as(to_presence(2, "600"), "Expires: 600\r\n");
	border_expect(border, NATTED ADD("call", "600"));
}

/* Its NAT has given the phone a new place before the answer was there. */
Test(subscription, a_request_that_comes_again_from_another_place_does_not_bring_it_back)
{
	const struct exchange refresh = to_presence(2, "600");

	subscribe();
	subscribe_as(refresh, "Expires: 600\r\n");
	border_expect(border, REFRESH("call", "600"));
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: terminated;reason=timeout\r\n");
	border_expect(border, END("call", "ended") GONE("ended"));
	border_wait(border, 30);
	phone_asks(border, SECOND, "SUBSCRIBE", refresh);
	proxy_answers(border, SECOND, 200, "SUBSCRIBE", granted(refresh, "Expires: 600\r\n"));
	phone_asks(border, SECOND, "SUBSCRIBE", to_presence(1, "600"));
	proxy_answers(border, SECOND, 200, "SUBSCRIBE",
		granted(to_presence(1, "600"), "Expires: 600\r\n"));
	border_expect(border, "");
	subscribe_as(to_presence(3, "600"), "Expires: 600\r\n");
	border_expect(border, NATTED ADD("call", "600"));
}

Test(subscription, a_notify_to_another_client_changes_nothing)
{
	subscribe();
	notify("203.0.113.1:5062", 1, "Event: presence\r\nSubscription-State: terminated\r\n");
	notify(SECOND, 2, "Event: presence\r\nSubscription-State: terminated\r\n");
	notify(SECOND, 3, "Event: presence\r\nSubscription-State: active;expires=10\r\n");
	border_expect(border, "");
}

Test(subscription, a_notify_that_is_another_proxys_changes_nothing)
{
	subscribe();
	notify("198.51.100.40:5060", 1,
		"Route: <sip:198.51.100.40;lr>\r\nEvent: presence\r\n"
		"Subscription-State: terminated\r\n");
	border_expect(border, "");
}

Test(subscription, a_notify_through_another_proxy_counts)
{
	subscribe();
	border_take_proxy(border, PROXY2);
	notify(PHONE, 1, "Event: presence\r\nSubscription-State: terminated\r\n");
	border_expect(border, END("call", "ended") GONE("ended"));
}

Test(subscription, several_on_one_endpoint_stand_for_themselves_and_get_one_keepalive)
{
	struct exchange buddies = {.call_id = "buddies", .lines = "Event: presence\r\n"};
	struct exchange voicemail = {.call_id = "voicemail", .lines = "Event: message-summary\r\n"};

	subscribe_as(buddies, "Expires: 600\r\n");
	subscribe_as(voicemail, "Expires: 100\r\n");
	border_expect(border, NATTED ADD("buddies", "600") ADD("voicemail", "100"));
	border_wait(border, 99);
	cr_assert_eq(border->sent_count, 3);
	border_wait(border, 2);
	border_expect(border, END("voicemail", "expired"));
	border_wait(border, 500);
	border_expect(border, END("buddies", "expired") GONE("expired"));
}

Test(subscription, events_with_ids_in_one_dialog_stand_for_themselves)
{
	struct exchange first = {.cseq = 1, .lines = "Event: presence;id=1\r\n"};
	struct exchange second = {.cseq = 2, .to_tag = "n", .lines = "o: presence ; id=2\r\n"};
	struct exchange third = {.cseq = 3, .to_tag = "n", .lines = "Event: dialog\r\n"};

	subscribe_as(first, "Expires: 600\r\n");
	subscribe_as(second, "Expires: 500\r\n");
	subscribe_as(third, "Expires: 400\r\n");
	border_expect(border, NATTED ADD("call", "600") ADD("call", "500") ADD("call", "400"));
	notify(PHONE, 1, "o: presence;id=2\r\nSubscription-State: terminated\r\n");
	notify(PHONE, 2, "Event: presence;id=1\r\nSubscription-State: active;expires=50\r\n");
	border_expect(border, END("call", "ended") REFRESH("call", "50"));
	notify(PHONE, 3, "Event: presence;id=3\r\nSubscription-State: terminated\r\n");
	notify(PHONE, 4, "Event: presence\r\nSubscription-State: terminated\r\n");
	border_expect(border, "");
	notify(PHONE, 5, "Event: dialog\r\nSubscription-State: terminated\r\n");
	border_expect(border, END("call", "ended"));
}

Test(subscription, outlives_the_registration)
{
	struct registration registration = {.call_id = "registration", .expires = "60"};

	border_bind(border, PHONE, registration);
	subscribe_as(to_presence(1, "600"), "Expires: 600\r\n");
	border_forget(border);
	border_wait(border, 61);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n");
	border_wait(border, 540);
	border_expect(border, END("call", "expired") GONE("expired"));
}

Test(subscription, a_refresh_from_a_new_address_moves_it)
{
	struct exchange refresh = to_presence(2, "600");

	subscribe();
	phone_asks(border, SECOND, "SUBSCRIBE", refresh);
	proxy_answers(border, SECOND, 200, "SUBSCRIBE", granted(refresh, "Expires: 600\r\n"));
	border_expect(border,
		END("call", "moved") GONE("ended") "endpoint-add " SECOND
						   " via-source,contact-private\n"
						   "reason-add " SECOND " subscription call 600\n");
}

/* Its NAT has given the phone a new place before the answer was there: it asks again from there,
 * and both are answered. */
Test(subscription, an_answer_to_where_it_was_does_not_move_it_back)
{
	const struct exchange refresh = to_presence(2, "600");

	subscribe();
	phone_asks(border, PHONE, "SUBSCRIBE", refresh);
	border_wait(border, 0.5);
	phone_asks(border, SECOND, "SUBSCRIBE", refresh);
	proxy_answers(border, SECOND, 200, "SUBSCRIBE", granted(refresh, "Expires: 600\r\n"));
	border_forget(border);
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", granted(refresh, "Expires: 600\r\n"));
	border_expect(border, "");
	subscribe_as(to_presence(3, "600"), "Expires: 600\r\n");
	border_expect(border,
		"reason-end " SECOND " subscription call moved\nendpoint-remove " SECOND
		" ended\n" NATTED ADD("call", "600"));
}

Test(subscription, a_refresh_through_another_proxy_moves_it)
{
	struct exchange refresh = to_presence(2, "600");

	subscribe();
	border_take_proxy(border, PROXY2);
	phone_asks(border, PHONE, "SUBSCRIBE", refresh);
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", granted(refresh, "Expires: 600\r\n"));
	border_expect(border, END("call", "moved") GONE("ended") "endpoint-add " PHONE " at " PROXY2
								 " via-source,contact-private\n"
								 "reason-add " PHONE " at " PROXY2
								 " subscription call 600\n");
}

Test(subscription, a_phone_that_moves_out_of_its_nat_is_let_go)
{
	struct exchange refresh = to_presence(2, "600");

	subscribe();
	refresh.phone = PUBLIC;
	phone_asks(border, PUBLIC, "SUBSCRIBE", refresh);
	proxy_answers(border, PUBLIC, 200, "SUBSCRIBE", granted(refresh, "Expires: 600\r\n"));
	border_expect(border, END("call", "moved") GONE("ended"));
}

Test(subscription, a_subscriber_not_behind_nat_is_left_alone)
{
	struct exchange subscribe = to_presence(1, "600");

	subscribe.phone = PUBLIC;
	phone_asks(border, PUBLIC, "SUBSCRIBE", subscribe);
	proxy_answers(border, PUBLIC, 200, "SUBSCRIBE", granted(subscribe, "Expires: 600\r\n"));
	border_expect(border, "");
}

Test(subscription, subscriptions_that_do_not_count_create_nothing)
{
	border->settings.keepalive.subscriptions = false;
	subscribe_as(to_presence(1, "600"), "Expires: 600\r\n");
	border_expect(border, "");
}

Test(subscription, retransmissions_change_nothing)
{
	for (unsigned i = 0; i < 3; i++)
		phone_asks(border, PHONE, "SUBSCRIBE", to_presence(1, "600"));
	for (unsigned i = 0; i < 3; i++)
		proxy_answers(border, PHONE, 200, "SUBSCRIBE",
			granted(to_presence(1, "600"), "Expires: 600\r\n"));
	border_expect(border, NATTED ADD("call", "600"));
}

Test(subscription, a_subscriber_through_another_proxy_is_ignored)
{
	struct exchange relayed = to_presence(1, "600");

	relayed.phone = "192.168.1.10:5060;branch=z9hG4bK-2, SIP/2.0/UDP 10.1.1.1";
	subscribe_as(relayed, "Expires: 600\r\n");
	border_expect(border, "");
}

Test(subscription, a_forged_response_creates_nothing)
{
	static const struct exchange forgeries[] = {
		{.branch = "z9hG4bK-forged"},
		{.branch = "z9hG4bK-call-1", .call_id = "forged"},
		{.branch = "z9hG4bK-call-1", .cseq = 2},
	};

	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(1, "600"));
	for (unsigned i = 0; i < 3; i++)
		proxy_answers(
			border, PHONE, 200, "SUBSCRIBE", granted(forgeries[i], "Expires: 600\r\n"));
	proxy_answers(border, PHONE, 200, "NOTIFY", granted((struct exchange){0}, ""));
	proxy_answers(border, "203.0.113.1:5062", 200, "SUBSCRIBE",
		granted((struct exchange){0}, "Expires: 600\r\n"));
	phone_answers(
		border, PHONE, 200, "SUBSCRIBE", granted((struct exchange){0}, "Expires: 600\r\n"));
	border_take_proxy(border, PROXY2);
	proxy_answers(
		border, PHONE, 200, "SUBSCRIBE", granted((struct exchange){0}, "Expires: 600\r\n"));
	border_expect(border, "");
}

Test(subscription, nobody_else_can_end_it)
{
	struct exchange stranger = to_presence(2, "0");

	subscribe();
	phone_asks(border, SECOND, "SUBSCRIBE", stranger);
	proxy_answers(border, SECOND, 200, "SUBSCRIBE", granted(stranger, "Expires: 0\r\n"));
	stranger.cseq = 3;
	phone_asks(border, SECOND, "SUBSCRIBE", stranger);
	proxy_answers(border, SECOND, 481, "SUBSCRIBE", stranger);
	border_expect(border, "");
	phone_asks(border, PHONE, "SUBSCRIBE", to_presence(2, "600"));
	proxy_answers(border, SECOND, 481, "SUBSCRIBE", to_presence(2, "600"));
	border_expect(border, "");
}
