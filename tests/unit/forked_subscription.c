/* A subscription is one notifier's: forked SUBSCRIBE (RFC 6665 4.4.1), and what a REFER subscribes
 * to (RFC 3515). */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>

#define PHONE  "203.0.113.1:5061"
#define SECOND "203.0.113.2:5061"

#define NATTED           "endpoint-add " PHONE " via-source,contact-private\n"
#define ADD(seconds)     "reason-add " PHONE " subscription call " seconds "\n"
#define REFRESH(seconds) "reason-refresh " PHONE " subscription call " seconds "\n"
#define END(why)         "reason-end " PHONE " subscription call " why "\n"
#define GONE(why)        "endpoint-remove " PHONE " " why "\n"

#define ACTIVE     "Event: presence\r\nSubscription-State: active;expires=500\r\n"
#define TERMINATED "Event: presence\r\nSubscription-State: terminated\r\n"

static void setup(void)
{
	own_border_open();
	border->settings.keepalive.rules.max_lost = 0; /* nobody here answers keepalives */
}

TestSuite(forked_subscription, .init = setup, .fini = own_border_close);

static void subscribe(unsigned cseq, const char *to_tag, const char *lines)
{
	struct exchange subscribe = {.cseq = cseq, .to_tag = to_tag, .lines = lines};

	phone_asks(border, PHONE, "SUBSCRIBE", subscribe);
	subscribe.to_tag = "n";
	subscribe.lines = NULL;
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", subscribe);
}

static void notify(const char *client, const char *notifier, const char *lines)
{
	static unsigned number = 100;

	proxy_asks(border, client, "NOTIFY",
		(struct exchange){
			.from_tag = notifier, .to_tag = "a", .cseq = number++, .lines = lines});
}

static void subscribe_first(void)
{
	subscribe(1, NULL, "Event: presence\r\nExpires: 600\r\n");
	border_expect(border, NATTED ADD("600"));
}

Test(forked_subscription, each_notifier_stands_for_itself)
{
	subscribe_first();
	notify(PHONE, "n", ACTIVE);
	notify(PHONE, "m", ACTIVE);
	border_expect(border, REFRESH("500") ADD("500"));
	notify(PHONE, "m", "Event: presence\r\nSubscription-State: active;expires=400\r\n");
	border_expect(border, REFRESH("400"));
	notify(PHONE, "n", TERMINATED);
	border_expect(border, END("ended"));
	notify(PHONE, "m", TERMINATED);
	border_expect(border, END("ended") GONE("ended"));
}

/* RFC 6665 4.4.1: a subscriber that wants one notifier alone. */
Test(forked_subscription, a_notifier_that_the_phone_refuses_is_none)
{
	struct exchange notify = {.from_tag = "m", .to_tag = "a", .cseq = 7, .lines = ACTIVE};

	subscribe_first();
	proxy_asks(border, PHONE, "NOTIFY", notify);
	border_expect(border, ADD("500"));
	notify.lines = NULL;
	phone_answers(border, PHONE, 481, "NOTIFY", notify);
	border_expect(border, END("failed"));
}

Test(forked_subscription, a_notifier_that_ends_does_not_end_the_others)
{
	subscribe_first();
	notify(PHONE, "m", TERMINATED);
	border_expect(border, "");
}

Test(forked_subscription, an_unsubscribe_ends_that_of_its_notifier)
{
	subscribe_first();
	notify(PHONE, "m", ACTIVE);
	border_forget(border);
	subscribe(2, "n", "Event: presence\r\nExpires: 0\r\n");
	border_expect(border, END("ended"));
	notify(PHONE, "m", TERMINATED);
	border_expect(border, END("ended") GONE("ended"));
}

Test(forked_subscription, one_without_a_time_lasts_as_long_as_the_2xx_says)
{
	subscribe_first();
	notify(PHONE, "m", "Event: presence\r\nSubscription-State: active\r\n");
	border_expect(border, ADD("600"));
}

Test(forked_subscription, or_the_request_where_that_says_more)
{
	struct exchange subscribe = {.lines = "Event: presence\r\nExpires: 3600\r\n"};

	phone_asks(border, PHONE, "SUBSCRIBE", subscribe);
	subscribe.to_tag = "n";
	subscribe.lines = "Expires: 60\r\n";
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", subscribe);
	notify(PHONE, "m", "Event: presence\r\nSubscription-State: active\r\n");
	border_expect(border, NATTED ADD("60") ADD("60"));
}

Test(forked_subscription, a_fork_makes_no_endpoint)
{
	subscribe_first();
	notify(PHONE, "n", TERMINATED);
	notify(PHONE, "m", ACTIVE);
	border_expect(border, END("ended") GONE("ended"));
}

Test(forked_subscription, a_request_that_is_refused_has_none)
{
	const struct exchange refused = {.lines = "Event: presence\r\nExpires: 600\r\n"};

	border_bind(border, PHONE, (struct registration){.call_id = "r", .expires = "3600"});
	border_forget(border);
	phone_asks(border, PHONE, "SUBSCRIBE", refused);
	proxy_answers(border, PHONE, 489, "SUBSCRIBE", refused);
	notify(PHONE, "m", ACTIVE);
	border_expect(border, "");
}

Test(forked_subscription, what_has_ended_does_not_come_back)
{
	subscribe_first();
	notify(PHONE, "m", TERMINATED);
	notify(PHONE, "m", ACTIVE);
	border_expect(border, "");
}

/* RFC 6665 4.1.2.4: a subscriber takes no more of them then. */
Test(forked_subscription, a_notifier_that_comes_after_32_seconds_counts_no_more)
{
	subscribe_first();
	border_wait(border, 32.1);
	notify(PHONE, "m", ACTIVE);
	border_expect(border, "");
}

Test(forked_subscription, a_notify_of_something_else_creates_nothing)
{
	subscribe_first();
	border_bind(border, SECOND, (struct registration){.call_id = "r", .expires = "60"});
	border_forget(border);
	notify(SECOND, "m", ACTIVE);
	notify(PHONE, "m", "Event: dialog\r\nSubscription-State: active;expires=500\r\n");
	notify(PHONE, "m", "Event: presence;id=1\r\nSubscription-State: active;expires=500\r\n");
	border_expect(border, "");
}

/* The phone sends REFER, in a dialog or not, and gets an answer, each with header fields. */
static void refer_as(unsigned cseq, unsigned status, const char *asked, const char *answered)
{
	struct exchange refer = {.cseq = cseq, .to_tag = cseq > 1 ? "n" : NULL, .lines = asked};

	phone_asks(border, PHONE, "REFER", refer);
	refer.to_tag = "n";
	refer.lines = answered;
	proxy_answers(border, PHONE, status, "REFER", refer);
}

static void refer(unsigned cseq, unsigned status)
{
	refer_as(cseq, status, NULL, NULL);
}

Test(forked_subscription, a_refer_that_is_accepted_subscribes)
{
	refer(1, 202);
	border_expect(border, NATTED ADD("180"));
	notify(PHONE, "n", "Event: refer\r\nSubscription-State: active;expires=60\r\n");
	border_expect(border, REFRESH("60"));
	notify(PHONE, "n", "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n");
	border_expect(border, END("ended") GONE("ended"));
}

/* As RFC 6665 8.3.1 has it. */
Test(forked_subscription, one_that_is_answered_200_does_so)
{
	refer(1, 200);
	border_expect(border, NATTED ADD("180"));
}

Test(forked_subscription, none_does_where_subscriptions_do_not_count)
{
	border->settings.keepalive.subscriptions = false;
	refer(1, 202);
	border_expect(border, "");
}

Test(forked_subscription, a_final_answer_is_all_that_is_waited_for)
{
	struct exchange notify = {.from_tag = "n", .to_tag = "a", .lines = ACTIVE};

	subscribe_first();
	refer(2, 202);
	refer(3, 404);
	proxy_asks(border, PHONE, "NOTIFY", notify);
	cr_expect_eq(engine_counters(border->engine).transactions, 1);
	phone_answers(border, PHONE, 200, "NOTIFY", notify);
	cr_expect_eq(engine_counters(border->engine).transactions, 0);
}

Test(forked_subscription, a_refer_that_is_refused_does_not)
{
	refer(1, 603);
	border_expect(border, "");
}

Test(forked_subscription, a_refer_whose_answer_denies_a_subscription_makes_none)
{
	refer_as(1, 202, "Refer-Sub: false\r\n", "refer-sub :  False ; why=so\r\n");
	border_expect(border, "");
	refer_as(2, 202, "Refer-Sub: false\r\n", "");
	border_expect(border, NATTED ADD("180"));
	refer_as(3, 202, "", "Refer-Sub: true\r\n");
	border_expect(border, ADD("180"));
}

Test(forked_subscription, a_refer_nobody_notifies_of_lasts_as_long_as_a_call_may_ring)
{
	refer(1, 202);
	border_forget(border);
	border_wait(border, 181);
	border_expect(border, END("expired") GONE("expired"));
}

Test(forked_subscription, two_refers_of_a_dialog_stand_for_themselves)
{
	refer(2, 202);
	refer(3, 202);
	border_expect(border, NATTED ADD("180") ADD("180"));
	notify(PHONE, "n", "Event: refer;id=3\r\nSubscription-State: active;expires=60\r\n");
	notify(PHONE, "n", "Event: refer;id=2\r\nSubscription-State: terminated\r\n");
	border_expect(border, REFRESH("60") END("ended"));
	notify(PHONE, "n", "Event: refer;id=2\r\nSubscription-State: terminated\r\n");
	border_expect(border, "");
	notify(PHONE, "n", "Event: refer;id=3\r\nSubscription-State: terminated\r\n");
	border_expect(border, END("ended") GONE("ended"));
}

Test(forked_subscription, what_is_said_of_the_first_refer_does_not_concern_one_after_its_end)
{
	refer(1, 202);
	border_wait(border, 181);
	border_forget(border);
	refer(2, 202);
	border_expect(border, NATTED ADD("180"));
	notify(PHONE, "n", "Event: refer\r\nSubscription-State: terminated\r\n");
	border_expect(border, "");
	notify(PHONE, "n", "Event: refer;id=2\r\nSubscription-State: terminated\r\n");
	border_expect(border, END("ended") GONE("ended"));
}

/* With a SUBSCRIBE, as any other subscription (RFC 3515 2.4.4). */
Test(forked_subscription, a_refer_that_is_prolonged_goes_by_its_number_still)
{
	const struct exchange longer = {
		.cseq = 3, .to_tag = "n", .lines = "Event: refer\r\nExpires: 600\r\n"};

	refer(2, 202);
	phone_is_granted(border, PHONE, "SUBSCRIBE", longer);
	border_expect(border, NATTED ADD("180") REFRESH("600"));
	notify(PHONE, "n", "Event: refer;id=2\r\nSubscription-State: terminated\r\n");
	border_expect(border, END("ended") GONE("ended"));
}

Test(forked_subscription, what_is_said_of_another_refer_does_not_concern_the_first)
{
	refer(2, 202);
	border_forget(border);
	notify(PHONE, "n", "Event: refer;id=3\r\nSubscription-State: terminated\r\n");
	border_expect(border, "");
}

Test(forked_subscription, a_notify_terminated_that_overtakes_the_202_has_the_last_word)
{
	static const char *const states[] = {
		"Event: refer\r\nSubscription-State: terminated\r\n",
		"Event: refer;id=1\r\nSubscription-State: terminated\r\n",
	};

	for (unsigned i = 0; i < 2; i++) {
		struct exchange refer = {.cseq = 1};

		phone_asks(border, PHONE, "REFER", refer);
		border_wait(border, 0.05);
		notify(PHONE, "n", states[i]);
		refer.to_tag = "n";
		proxy_answers(border, PHONE, 202, "REFER", refer);
		border_expect(border, "");
		border_wait(border, 40);
	}
}
