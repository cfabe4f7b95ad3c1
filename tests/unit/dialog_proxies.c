/* INVITE, UPDATE and BYE: a call through several proxies,
 * and phones on the move. */
#include "dialogs.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(dialog_proxies, .init = dialog_setup, .fini = own_border_close);

/* Many proxies, and phones on the move. */

Test(dialog_proxies, one_phone_through_three_proxies_is_three_endpoints)
{
	struct exchange subscription = {
		.call_id = "buddies", .lines = "Event: presence\r\nExpires: 600\r\n"};

	border_bind(border, PHONE, (struct registration){.expires = "3600"});
	border_take_proxy(border, PROXY2);
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 1));
	border_take_proxy(border, "198.51.100.3:5060");
	phone_is_granted(border, PHONE, "SUBSCRIBE", subscription);
	border_expect(border,
		"endpoint-add " PHONE " via-source,contact-private\n"
		"reason-add " PHONE " registration sip:alice@example.com 3600\n"
		"endpoint-add " THERE " via-source,contact-private\n"
		"reason-add " THERE " dialog call 43200\n"
		"endpoint-add " PHONE " at 198.51.100.3:5060 via-source,contact-private\n"
		"reason-add " PHONE " at 198.51.100.3:5060 subscription buddies 600\n");
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned j = 0; j < i; j++)
			cr_assert(!address_equal(
				&border->sent[i].flow.source, &border->sent[j].flow.source));
	}
}

Test(dialog_proxies, a_call_that_takes_another_proxy_moves_there_with_its_next_request)
{
	static const char *const methods[] = {"INVITE", "UPDATE", "INFO"};

	for (unsigned i = 0; i < 3; i++) {
		border_take_proxy(border, "198.51.100.1:5060");
		phone_calls();
		border_take_proxy(border, PROXY2);
		phone_is_granted(border, PHONE, methods[i], tagged("a", "b", 2));
		border_expect(border,
			END(PHONE, "moved") GONE(PHONE,
				"ended") "endpoint-add " THERE
					 " via-source,contact-private\n" ADD(THERE, TWELVE_HOURS));
		phone_hangs_up(tagged("a", "b", 3));
		border_expect(border, END(THERE, "ended") GONE(THERE, "ended"));
		border_wait(border, 40);
	}
}

Test(dialog_proxies, an_info_through_another_proxy_takes_the_time_left_along)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 200, "INVITE",
		timed(tagged("a", "b", 1), "Session-Expires: 1800\r\n"));
	border_wait(border, 800);
	border_take_proxy(border, PROXY2);
	phone_is_granted(border, PHONE, "INFO", tagged("a", "b", 2));
	border_expect(border, CALLER ADD(PHONE, "1800") END(PHONE, "moved") GONE(PHONE,
				      "ended") "endpoint-add " THERE
					       " via-source,contact-private\n" ADD(THERE, "1000"));
}

Test(dialog_proxies, a_call_never_seen_before_is_learned_from_its_next_request)
{
	phone_asks(border, PHONE, "UPDATE", tagged("a", "b", 2));
	border_expect(border, "");
	proxy_answers(border, PHONE, 200, "UPDATE",
		timed(tagged("a", "b", 2), "Session-Expires: 1800\r\n"));
	border_expect(border, CALLER ADD(PHONE, "1800"));
	far_end_hangs_up(tagged("b", "a", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
	proxy_is_granted(border, SECOND, "INFO", tagged("x", "y", 2));
	border_expect(border, CALLEE(SECOND) ADD(SECOND, TWELVE_HOURS));
}

Test(dialog_proxies, a_bye_teaches_nothing)
{
	phone_hangs_up(tagged("a", "b", 2));
	far_end_hangs_up(tagged("b", "a", 2));
	border_expect(border, "");
	cr_assert_eq(engine_counters(border->engine).transactions, 0);
}

Test(dialog_proxies, a_bye_through_another_proxy_ends_it_where_it_is)
{
	phone_calls();
	border_take_proxy(border, PROXY2);
	phone_is_granted(border, "203.0.113.1:7000", "BYE", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "ended") GONE(PHONE, "ended"));
}

#define NATTED(client) "endpoint-add " client " via-source,contact-private\n"

/* The leg is kept at both places meanwhile. */
Test(dialog_proxies, a_re_invite_from_a_new_address_moves_the_leg_with_its_ack)
{
	phone_calls();
	phone_asks(border, SECOND, "INVITE", tagged("a", "b", 2));
	proxy_answers(border, SECOND, 100, "INVITE", tagged("a", NULL, 2));
	border_expect(border, "");
	proxy_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 2));
	border_expect(border, NATTED(SECOND) ADD(SECOND, TWELVE_HOURS));
	phone_asks(border, SECOND, "ACK", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended"));
	proxy_is_granted(border, SECOND, "BYE", tagged("b", "a", 2));
	border_expect(border, END(SECOND, "ended") GONE(SECOND, "ended"));
}

Test(dialog_proxies, so_it_does_through_another_proxy)
{
	border_take_proxy(border, "198.51.100.1:5060");
	phone_calls();
	border_take_proxy(border, PROXY2);
	phone_is_granted(border, SECOND, "INVITE", tagged("a", "b", 2));
	border_expect(border, NATTED(SECOND " at " PROXY2) ADD(SECOND " at " PROXY2, TWELVE_HOURS));
	phone_asks(border, SECOND, "ACK", tagged("a", "b", 2));
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended"));
}

/* Whoever knows of the call, its other side for one, can write such a request. */
Test(dialog_proxies, a_leg_is_not_moved_away_by_a_request_alone)
{
	static const char *const methods[] = {"INVITE", "UPDATE", "INFO"};

	for (unsigned i = 0; i < 3; i++) {
		struct exchange public = tagged("a", "b", 10);

		public.phone = PUBLIC;
		phone_calls();
		phone_is_granted(border, SECOND, methods[i], tagged("a", "b", 9));
		border_expect(border, NATTED(SECOND) ADD(SECOND, TWELVE_HOURS));
		phone_is_granted(border, PUBLIC, methods[i], public);
		border_wait(border, 1000);
		border_expect(border, "");
		phone_hangs_up(tagged("a", "b", 2));
		border_expect(border, END(SECOND, "ended") GONE(SECOND, "ended") END(PHONE, "ended")
					      GONE(PHONE, "ended"));
		own_border_close();
		dialog_setup();
	}
}

Test(dialog_proxies, nor_ended_by_two)
{
	phone_calls();
	phone_asks(border, SECOND, "UPDATE", tagged("a", "b", 9));
	phone_asks(border, SECOND, "BYE", tagged("a", "b", 10));
	proxy_answers(border, SECOND, 200, "UPDATE", tagged("a", "b", 9));
	border_expect(border, NATTED(SECOND) ADD(SECOND, TWELVE_HOURS));
	proxy_answers(border, SECOND, 200, "BYE", tagged("a", "b", 10));
	border_expect(border, END(SECOND, "ended") GONE(SECOND, "ended"));
}

/* Both are natted and known: no two sides are at one place. */
Test(dialog_proxies, a_side_does_not_speak_for_the_other)
{
	phone_calls();
	proxy_asks(border, SECOND, "INVITE", (struct exchange){0});
	phone_answers(border, SECOND, 200, "INVITE", tagged("a", "b", 1));
	border_expect(border, CALLEE(SECOND) ADD(SECOND, TWELVE_HOURS));
	for (unsigned i = 2; i < 5; i++) {
		phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", i));
	}
	border_expect(border, "");
}

/* Its own 2xx has not come yet. */
Test(dialog_proxies, nor_where_it_still_rings)
{
	phone_asks(border, SECOND, "INVITE", (struct exchange){0});
	proxy_answers(border, SECOND, 180, "INVITE", tagged("a", "b", 1));
	proxy_is_granted(border, PHONE, "INVITE", (struct exchange){.to_tag = "b"});
	border_forget(border);
	for (unsigned i = 2; i < 5; i++)
		phone_is_granted(border, SECOND, "UPDATE", tagged("b", "a", i));
	border_expect(border, "");
}

Test(dialog_proxies, a_second_request_from_there_moves_it)
{
	phone_calls();
	for (unsigned i = 2; i < 4; i++) {
		phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", i));
	}
	border_expect(border, NATTED(SECOND) ADD(SECOND, TWELVE_HOURS) END(PHONE, "moved")
				      GONE(PHONE, "ended") AGAIN(SECOND, TWELVE_HOURS));
}

Test(dialog_proxies, a_nonce_that_was_sent_there_moves_it)
{
	struct exchange again = tagged("a", "b", 3);

	again.lines = "Proxy-Authorization: Digest nonce=\"n\"\r\n";
	phone_calls();
	phone_asks(border, SECOND, "INVITE", tagged("a", "b", 2));
	proxy_answers(border, SECOND, 407, "INVITE",
		timed(tagged("a", "b", 2), "Proxy-Authenticate: Digest nonce=\"n\"\r\n"));
	phone_is_granted(border, SECOND, "INVITE", again);
	border_expect(border,
		END(PHONE, "moved") GONE(PHONE, "ended") NATTED(SECOND) ADD(SECOND, TWELVE_HOURS));
}

Test(dialog_proxies, a_response_to_what_was_sent_there_moves_it)
{
	phone_calls();
	proxy_is_granted(border, SECOND, "UPDATE", tagged("b", "a", 2));
	border_expect(border,
		END(PHONE, "moved") GONE(PHONE, "ended") CALLEE(SECOND) ADD(SECOND, TWELVE_HOURS));
}

static void answer_keepalive(const char *client)
{
	phone_answers_keepalive(border, client, keepalive_to(border, client), "SIP/2.0 200 OK");
}

Test(dialog_proxies, a_keepalive_that_is_answered_there_and_not_at_the_old_place_moves_it)
{
	phone_calls();
	border_wait(border, 10);
	phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", 2));
	border_forget(border);
	border_wait(border, 15.1);
	answer_keepalive(PHONE);
	border_wait(border, 10);
	answer_keepalive(SECOND);
	border_expect(border, ""); /* both answer */
	border_wait(border, 25);
	answer_keepalive(SECOND);
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended"));
	border_wait(border, 100);
	border_expect(border, "");
}

Test(dialog_proxies, but_not_one_that_is_answered_again)
{
	const struct border_sent *first;

	phone_calls();
	border_wait(border, 10);
	phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", 2));
	border_forget(border);
	border_wait(border, 15.1);
	answer_keepalive(PHONE);
	border_wait(border, 10);
	first = keepalive_to(border, SECOND);
	answer_keepalive(SECOND);
	border_wait(border, 15);
	phone_answers_keepalive(border, SECOND, first, "SIP/2.0 200 OK");
	border_expect(border, "");
}

/* What the old place has missed is known before the next one leaves. */
Test(dialog_proxies, also_where_that_is_lost_and_asked_no_more)
{
	border->settings.keepalive.rules.max_lost = 1;
	phone_calls();
	border_wait(border, 10);
	phone_is_granted(border, SECOND, "UPDATE", tagged("a", "b", 2));
	border_forget(border);
	border_wait(border, 25.1);
	answer_keepalive(SECOND);
	border_expect(border, "lost " PHONE " 1\n" END(PHONE, "moved") GONE(PHONE, "ended"));
}

Test(dialog_proxies, a_phone_that_moves_out_of_its_nat_during_the_call_is_let_go)
{
	struct exchange moved = tagged("a", "b", 2);

	phone_calls();
	moved.phone = PUBLIC;
	phone_is_granted(border, PUBLIC, "INVITE", moved);
	border_expect(border, "");
	phone_asks(border, PUBLIC, "ACK", moved);
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended"));
}

Test(dialog_proxies, so_is_one_that_answers_there)
{
	struct exchange moved = tagged("b", "a", 7);

	phone_calls();
	moved.phone = PUBLIC;
	proxy_is_granted(border, PUBLIC, "UPDATE", moved);
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended"));
}

Test(dialog_proxies, and_one_that_has_a_nonce_there)
{
	struct exchange moved = tagged("a", "b", 2);

	phone_calls();
	moved.phone = PUBLIC;
	phone_asks(border, PUBLIC, "UPDATE", moved);
	moved.lines = "Proxy-Authenticate: Digest nonce=\"n\"\r\n";
	proxy_answers(border, PUBLIC, 407, "UPDATE", moved);
	moved.lines = "Proxy-Authorization: Digest nonce=\"n\"\r\n";
	moved.cseq = 3;
	phone_is_granted(border, PUBLIC, "UPDATE", moved);
	border_expect(border, END(PHONE, "moved") GONE(PHONE, "ended"));
}

/* It bears what it was asked for at the first one. */
Test(dialog_proxies, the_second_attempt_may_take_another_proxy)
{
	struct exchange again = tagged("a", NULL, 2);

	again.lines = "Proxy-Authorization: Digest nonce=\"n\"\r\n";
	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 1));
	proxy_answers(border, PHONE, 407, "INVITE",
		timed(tagged("a", "c", 1), "Proxy-Authenticate: Digest nonce=\"n\"\r\n"));
	border_expect(border, CALLER ADD(PHONE, "180"));
	border_take_proxy(border, PROXY2);
	phone_asks(border, PHONE, "INVITE", again);
	proxy_answers(border, PHONE, 183, "INVITE", tagged("a", "b", 2));
	border_expect(
		border, END(PHONE, "moved") GONE(PHONE, "ended") NATTED(THERE) ADD(THERE, "180"));
	proxy_answers(border, PHONE, 200, "INVITE", tagged("a", "b", 2));
	border_expect(border, AGAIN(THERE, TWELVE_HOURS));
}

Test(dialog_proxies, what_proxies_say_to_each_other_is_ignored)
{
	struct exchange call = {0};

	border_take_proxy(border, PROXY2);
	phone_asks(border, "198.51.100.1:5060", "INVITE", call);
	proxy_answers(border, "198.51.100.1:5060", 200, "INVITE", tagged("a", "b", 1));
	proxy_asks(border, "198.51.100.1:5060", "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, "198.51.100.1:5060", 200, "INVITE", forked("z9hG4bK-2", "c"));
	border_expect(border, "");
}

Test(dialog_proxies, a_request_that_came_through_another_proxy_is_ignored)
{
	struct exchange relayed = {
		.phone = "192.168.1.10:5060;branch=z9hG4bK-2, SIP/2.0/UDP 10.1.1.1"};

	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	phone_asks(border, PHONE, "INVITE", relayed);
	relayed.to_tag = "b";
	proxy_answers(border, PHONE, 200, "INVITE", relayed);
	border_expect(border, "");
	cr_assert_eq(engine_counters(border->engine).transactions, 0);
}

Test(dialog_proxies, an_answer_that_came_through_another_proxy_is_ignored)
{
	struct exchange answer = {.to_tag = "b",
		.lines = "Record-Route: <sip:198.51.100.40;lr>, <sip:198.51.100.1;lr>\r\n"};

	proxy_asks(border, "198.51.100.40:5060", "INVITE", (struct exchange){0});
	phone_answers(border, "198.51.100.40:5060", 180, "INVITE", answer);
	phone_answers(border, "198.51.100.40:5060", 200, "INVITE", answer);
	border_expect(border, "");
}

Test(dialog_proxies, a_record_route_of_this_proxy_alone_is_a_phones)
{
	struct exchange answer = {
		.to_tag = "b", .lines = "Record-Route: <sip:198.51.100.1;lr>\r\n"};

	proxy_asks(border, PHONE, "INVITE", (struct exchange){0});
	phone_answers(border, PHONE, 200, "INVITE", answer);
	border_expect(border, CALLEE(PHONE) ADD(PHONE, TWELVE_HOURS));
}

Test(dialog_proxies, a_request_with_a_route_left_is_another_proxys)
{
	struct exchange routed = timed(tagged("a", "b", 2), "Route: <sip:198.51.100.40;lr>\r\n");

	proxy_asks(border, "198.51.100.40:5060", "INVITE", routed);
	phone_answers(border, "198.51.100.40:5060", 200, "INVITE", tagged("a", "b", 2));
	border_expect(border, "");
}

Test(dialog_proxies, unless_that_is_how_it_reaches_a_phone_that_is_known)
{
	phone_registers(PHONE, "register");
	proxy_asks(border, PHONE, "INVITE", timed(tagged("a", NULL, 1), "Route: <sip:x;lr>\r\n"));
	border_expect(border, ADD(PHONE, "32"));
}

Test(dialog_proxies, a_call_that_passes_twice_stays_where_its_phone_is)
{
	struct exchange far = {.branch = "z9hG4bK-far"};

	phone_asks(border, PHONE, "INVITE", (struct exchange){0});
	proxy_asks(border, "198.51.100.40:5060", "INVITE", far);
	border_take_proxy(border, PROXY2);
	proxy_asks(border, SECOND, "INVITE", forked("z9hG4bK-2", NULL));
	phone_answers(border, SECOND, 180, "INVITE", forked("z9hG4bK-2", "b"));
	border_take_proxy(border, "198.51.100.1:5060");
	far.to_tag = "b";
	far.phone = "198.51.100.40:5060";
	phone_answers(border, "198.51.100.40:5060", 180, "INVITE", far);
	phone_answers(border, "198.51.100.40:5060", 200, "INVITE", far);
	border_expect(border, "endpoint-add " SECOND " at " PROXY2 " contact-private\n"
			      "reason-add " SECOND " at " PROXY2 " dialog call 180\n");
}
