/* A phone that does not wait for the answer to its REGISTER before it sends the next one, and a
 * registrar whose processes write the two answers the other way round. */
#include "own_border.h"

#include <criterion/criterion.h>

#define PHONE "203.0.113.1:5061"
#define MOVED "203.0.113.1:6000"
#define OTHER "203.0.113.9:1024"

#define HERE      "<sip:alice@192.168.1.10:5060>"
#define THERE     "<sip:alice@192.168.1.10:5070>"
#define BEYOND    "<sip:alice@192.168.1.12:5060>"
#define INSTANCE  ";+sip.instance=\"<urn:uuid:1>\""
#define ALICE     " registration sip:alice@example.com "
#define NATTED(a) "endpoint-add " a " via-source,contact-private\n"
#define NEW(a)    NATTED(a) "reason-add " a ALICE "60\n"
#define KEPT(a)   "reason-refresh " a ALICE "60\n"
#define GONE(a)   "reason-end " a ALICE "ended\nendpoint-remove " a " ended\n"
#define LEFT(a)   "reason-end " a ALICE "moved\nendpoint-remove " a " ended\n"

TestSuite(overtaken, .init = own_border_open, .fini = own_border_close);

static struct registration asks(unsigned cseq, const char *contact)
{
	return (struct registration){.cseq = cseq, .contact = contact, .expires = "60"};
}

static struct registration leaves(unsigned cseq, const char *contact)
{
	return (struct registration){.cseq = cseq, .contact = contact, .expires = "0"};
}

static void lists(const char *client, struct registration request, const char *listed)
{
	request.contact = listed;
	request.expires = NULL;
	border_answer(border, client, 200, request);
}

static void exchange(const char *client, struct registration request, const char *listed)
{
	border_register(border, client, request);
	lists(client, request, listed);
}

Test(overtaken, by_the_answer_to_an_unregister_one_brings_nothing_back)
{
	exchange(PHONE, asks(1, HERE), HERE);
	border_register(border, PHONE, asks(2, HERE));
	border_forget(border);
	exchange(PHONE, leaves(3, HERE), "");
	lists(PHONE, asks(2, HERE), HERE);
	border_expect(border, GONE(PHONE));
}

Test(overtaken, and_none_to_where_the_phone_has_left)
{
	exchange(PHONE, asks(1, HERE), HERE);
	border_register(border, PHONE, asks(2, HERE));
	border_forget(border);
	exchange(MOVED, asks(3, HERE), HERE);
	lists(PHONE, asks(2, HERE), HERE);
	border_expect(border, LEFT(PHONE) NEW(MOVED));
}

Test(overtaken, nor_where_it_has_un_registered_from_elsewhere)
{
	exchange(PHONE, asks(1, HERE), HERE);
	border_register(border, PHONE, asks(2, HERE));
	border_forget(border);
	exchange(MOVED, leaves(3, HERE), "");
	lists(PHONE, asks(2, HERE), HERE);
	border_expect(border, GONE(PHONE));
}

Test(overtaken, nor_a_contact_that_it_has_changed)
{
	exchange(PHONE, asks(1, HERE), HERE);
	border_register(border, PHONE, asks(2, HERE));
	exchange(PHONE, asks(3, THERE), THERE);
	border_forget(border);
	lists(PHONE, asks(2, HERE), HERE);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = BEYOND, .expires = "60"},
		THERE ", " BEYOND);
	border_expect(border, NEW(OTHER));
}

Test(overtaken, of_two_contacts_that_are_asked_for_at_once_the_last_counts)
{
	border_register(border, PHONE, asks(1, HERE));
	border_register(border, PHONE, asks(2, THERE));
	lists(PHONE, asks(1, HERE), HERE);
	lists(PHONE, asks(2, THERE), THERE);
	border_forget(border);
	exchange(OTHER, (struct registration){.call_id = "b", .contact = BEYOND, .expires = "60"},
		THERE ", " BEYOND);
	border_expect(border, NEW(OTHER));
}

/* Nor does the answer to an un-REGISTER end what was asked for after it. */
Test(overtaken, an_unregister_ends_nothing_that_was_granted_since)
{
	exchange(PHONE, asks(1, HERE), HERE);
	border_register(border, PHONE, leaves(2, HERE));
	border_forget(border);
	exchange(PHONE, asks(3, HERE), HERE);
	lists(PHONE, leaves(2, HERE), "");
	border_expect(border, KEPT(PHONE));
}

/* What is asked for after it counts, whichever answer comes when. */
Test(overtaken, what_is_asked_for_behind_an_unregister_is_new)
{
	exchange(PHONE, asks(1, HERE), HERE);
	border_forget(border);
	border_register(border, PHONE, leaves(2, HERE));
	border_register(border, PHONE, asks(3, HERE));
	lists(PHONE, leaves(2, HERE), "");
	lists(PHONE, asks(3, HERE), HERE);
	border_expect(border, GONE(PHONE) NEW(PHONE));
}

/* Of an instance, its CSeq begins anew: it un-registers what it had before it was switched off. */
Test(overtaken, a_lower_cseq_of_another_call_id_is_no_earlier_one)
{
	struct registration again = leaves(1, HERE INSTANCE);

	again.call_id = "again";
	exchange(PHONE, asks(70, HERE INSTANCE), HERE);
	border_forget(border);
	exchange(PHONE, again, "");
	border_expect(border, GONE(PHONE));
	again.expires = "60";
	again.cseq = 2;
	exchange(PHONE, again, HERE);
	border_expect(border, NEW(PHONE));
}
