/* Phones that only their class has kept alive, as they are behind no NAT: in calls and
 * subscriptions whose messages do not show the class, they stay in it. */
#include "calls.h"
#include "own_border.h"

#include <natbox/endpoints.h>

#include <criterion/criterion.h>
#include <string.h>

#define PHONE "203.0.113.9:5061"

static void add_class(const char *user_agents)
{
	struct phone_class *class =
		&border->settings.classes.list[border->settings.classes.count++];

	strcpy(class->name, "gateways");
	strcpy(class->user_agents, user_agents);
	class->effects = CLASS_SCOPE;
	class->rules.scope = KEEPALIVE_ALL;
}

static void setup(void)
{
	own_border_open();
	add_class("Gateway*");
}

TestSuite(classes_in_calls, .init = setup, .fini = own_border_close);

/* Of the call that proxy or phone has begun, with or without a word of what the phone is. */
static struct exchange in_call(unsigned cseq, const char *lines)
{
	return (struct exchange){.cseq = cseq, .to_tag = "b", .phone = PHONE, .lines = lines};
}

static const char shown[] = "User-Agent: Gateway\r\n";

static void phone_calls(void)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){.phone = PHONE, .lines = shown});
	proxy_answers(border, PHONE, 200, "INVITE", in_call(1, shown));
	border_expect(border, "endpoint-add " PHONE "\n"
			      "reason-add " PHONE " dialog call 43200\n");
}

/* Requests of the far end have its tag in From. */
static struct exchange from_far_end(unsigned cseq, const char *lines)
{
	return (struct exchange){
		.cseq = cseq, .from_tag = "b", .to_tag = "a", .phone = PHONE, .lines = lines};
}

Test(classes_in_calls, update_of_the_far_end_refreshes_the_call)
{
	phone_calls();
	proxy_is_granted(border, PHONE, "UPDATE", from_far_end(1, shown));
	border_expect(border, "reason-refresh " PHONE " dialog call 43200\n");
}

Test(classes_in_calls, answer_need_not_show_the_class)
{
	phone_calls();
	proxy_is_granted(border, PHONE, "INVITE", from_far_end(1, ""));
	border_expect(border, "reason-refresh " PHONE " dialog call 43200\n");
}

Test(classes_in_calls, nor_need_a_request)
{
	phone_calls();
	phone_is_granted(border, PHONE, "INVITE", in_call(2, ""));
	border_expect(border, "reason-refresh " PHONE " dialog call 43200\n");
}

Test(classes_in_calls, call_to_a_registered_phone_outlasts_its_ringing)
{
	border_bind(border, PHONE,
		(struct registration){.via = PHONE,
			.contact = "<sip:user@" PHONE ">",
			.expires = "60",
			.credentials = shown});
	border_forget(border);
	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", in_call(1, ""));
	border_wait(border, 400);
	border_expect(border, "reason-add " PHONE " dialog call 32\n"
			      "reason-refresh " PHONE " dialog call 43200\n"
			      "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "lost " PHONE " 3\n");
}

Test(classes_in_calls, subscription_is_refreshed_without_a_word_of_it)
{
	const char *const lines[] = {"User-Agent: Gateway\r\nEvent: presence\r\nExpires: 600\r\n",
		"Event: presence\r\nExpires: 600\r\n"};

	phone_asks(
		border, PHONE, "SUBSCRIBE", (struct exchange){.phone = PHONE, .lines = lines[0]});
	proxy_answers(border, PHONE, 200, "SUBSCRIBE", in_call(1, lines[0]));
	border_forget(border);
	phone_is_granted(border, PHONE, "SUBSCRIBE", in_call(2, lines[1]));
	border_expect(border, "reason-refresh " PHONE " subscription call 600\n");
}

/* Its class is known once it has been looked at, which may take a while where there are many. */
Test(classes_in_calls, reload_that_brings_the_class_loses_no_call_that_goes_on)
{
	const struct phone_class gateways = border->settings.classes.list[0];

	border->settings.classes.count = 0;
	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	border_bind_many(border, 200);
	phone_calls();
	border->settings.classes.list[border->settings.classes.count++] = gateways;
	border->settings.keepalive.rules.scope = KEEPALIVE_NATTED;
	engine_bound_work(border->engine, 1);
	cr_assert_eq(engine_reconfigure(border->engine, &border->settings), 0);
	cr_assert(engine_is_reviewing(border->engine));
	phone_is_granted(border, PHONE, "INVITE", in_call(2, shown));
	border_expect(border, "reason-refresh " PHONE " dialog call 43200\n");
}
