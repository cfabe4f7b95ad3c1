/* Who is who: what tells registrations of one address of record apart, and what the registrar's list
 * of its bindings says of each (RFC 3261 10.3, RFC 5626 6). */
#include "border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define PHONE  "203.0.113.1:5061"
#define MOVED  "203.0.113.1:6000"
#define OTHER  "203.0.113.9:1024"
#define PROXY2 "198.51.100.2:5060"

#define HERE      "<sip:alice@192.168.1.10:5060>"
#define INSTANCE  ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\""
#define ALICE     " registration sip:alice@example.com "
#define NATTED(a) "endpoint-add " a " via-source,contact-private\n"
#define ADD(a)    "reason-add " a ALICE "60\n"
#define NEW(a)    NATTED(a) ADD(a)
#define KEPT(a)   "reason-refresh " a ALICE "60\n"
#define END(a)    "reason-end " a ALICE "ended\n"
#define GONE(a)   END(a) "endpoint-remove " a " ended\n"
#define LEFT(a)   "reason-end " a ALICE "moved\nendpoint-remove " a " ended\n"

static struct border *border;

static void setup(void)
{
	border = border_new();
}

static void teardown(void)
{
	border_free(border);
}

TestSuite(bindings, .init = setup, .fini = teardown);

/* A REGISTER for 60 s unless it says another time, and the registrar's 200 with its list. */
static void exchange(const char *client, struct registration request, const char *listed)
{
	request.expires = request.expires ? request.expires : "60";
	border_register(border, client, request);
	request.contact = listed;
	request.expires = NULL;
	border_answer(border, client, 200, request);
}

Test(bindings, one_call_id_at_two_proxies_is_two_registrations)
{
	exchange(PHONE, (struct registration){0}, HERE);
	border_expect(border, NEW(PHONE));
	border_take_proxy(border, PROXY2);
	exchange(PHONE, (struct registration){.cseq = 2}, HERE);
	border_expect(border, NEW(PHONE " at " PROXY2));
	exchange(PHONE, (struct registration){.cseq = 3, .expires = "0"}, "");
	border_expect(border, GONE(PHONE " at " PROXY2));
}

Test(bindings, an_unregister_at_another_proxy_ends_nothing_at_the_first)
{
	exchange(PHONE, (struct registration){0}, HERE);
	border_expect(border, NEW(PHONE));
	border_take_proxy(border, PROXY2);
	exchange(PHONE, (struct registration){.cseq = 2, .expires = "0"}, "");
	border_expect(border, "");
}

Test(bindings, each_flow_of_an_instance_is_a_registration)
{
	const char *first = HERE INSTANCE ";reg-id=1";
	const char *second = "<sip:alice@192.168.1.10:5062>" INSTANCE ";reg-id=2";
	const char *both = HERE INSTANCE ";reg-id=1, "
					 "<sip:alice@192.168.1.10:5062>" INSTANCE ";reg-id=2";

	exchange(PHONE, (struct registration){.contact = first}, first);
	exchange(OTHER, (struct registration){.cseq = 2, .contact = second}, both);
	border_expect(border, NEW(PHONE) NEW(OTHER));
}

/* Switched off and on again, or woken by a push: RFC 5626 6. */
Test(bindings, an_instance_that_comes_back_with_a_new_call_id_is_the_same_registration)
{
	exchange(PHONE, (struct registration){.contact = HERE INSTANCE}, HERE INSTANCE);
	border_expect(border, NEW(PHONE));
	exchange(PHONE, (struct registration){.call_id = "second", .contact = HERE INSTANCE},
		HERE INSTANCE);
	border_expect(border, KEPT(PHONE));
	exchange(MOVED, (struct registration){.call_id = "third", .contact = HERE INSTANCE},
		HERE INSTANCE);
	border_expect(border, LEFT(PHONE) NEW(MOVED));
}
