/* REGISTER: what a registration does to the endpoint's reasons. */
#include "own_border.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"

TestSuite(registration, .init = own_border_open, .fini = own_border_close);

#define ADDED(aor, seconds)                                                                        \
	"endpoint-add " PHONE " via-source,contact-private\n"                                      \
	"reason-add " PHONE " registration " aor " " seconds "\n"

static void register_alice(const char *seconds)
{
	border_bind(border, PHONE, (struct registration){.expires = seconds});
}

Test(registration, a_2xx_makes_an_endpoint_with_a_reason)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_expect(border, "");
	border_answer(border, PHONE, 200, (struct registration){.expires = "60"});
	border_expect(border, ADDED("sip:alice@example.com", "60"));
}

Test(registration, expires_of_the_matching_contact_comes_before_the_header)
{
	border_register(border, PHONE, (struct registration){.expires = "3600"});
	border_answer(border, PHONE, 200,
		(struct registration){.expires = "900",
			.contact = "<sip:other@10.0.0.9>;expires=1200, "
				   "<sip:alice@192.168.1.10:5060>;expires=120"});
	border_expect(border, ADDED("sip:alice@example.com", "120"));
}

Test(registration, expires_header_of_the_response_comes_before_the_request)
{
	border_register(border, PHONE, (struct registration){.expires = "3600"});
	border_answer(border, PHONE, 200, (struct registration){.expires = "900"});
	border_expect(border, ADDED("sip:alice@example.com", "900"));
}

Test(registration, the_requests_time_counts_when_the_response_names_none)
{
	border_register(border, PHONE, (struct registration){.expires = "300"});
	border_answer(border, PHONE, 200, (struct registration){0});
	border_expect(border, ADDED("sip:alice@example.com", "300"));
}

Test(registration, an_hour_when_nobody_names_a_time)
{
	border_register(border, PHONE, (struct registration){0});
	border_answer(border, PHONE, 200, (struct registration){0});
	border_expect(border, ADDED("sip:alice@example.com", "3600"));
}

Test(registration, a_registrar_that_lists_nothing_but_names_a_time_is_believed)
{
	border_register(border, PHONE, (struct registration){.expires = "300"});
	border_answer(border, PHONE, 200, (struct registration){.contact = "", .expires = "200"});
	border_expect(border, ADDED("sip:alice@example.com", "200"));
}

Test(registration, so_is_one_whose_contact_is_empty)
{
	border_register(border, PHONE, (struct registration){.expires = "300"});
	border_answer(border, PHONE, 200,
		(struct registration){
			.contact = "", .extra = "Contact:\r\nm: \r\n", .expires = "200"});
	border_expect(border, ADDED("sip:alice@example.com", "200"));
}

/* More Contacts than there is room for, in which its own stands last. */
static void answer_with_a_crowd(const char *own, unsigned cseq)
{
	char extra[2048] = "m: <sip:a@b>";

	for (unsigned i = 0; i < 80; i++)
		strcat(extra, ",<sip:a@b>");
	strcat(extra, "\r\nm: ");
	strcat(extra, own);
	strcat(extra, "\r\n");
	border_answer(border, PHONE, 200,
		(struct registration){
			.contact = "", .extra = extra, .expires = "200", .cseq = cseq});
}

Test(registration, a_contact_behind_more_than_can_be_read_is_taken_at_the_requests_word)
{
	border_register(border, PHONE, (struct registration){.expires = "300", .cseq = 1});
	answer_with_a_crowd("<sip:alice@192.168.1.10:5060>", 1);
	border_expect(border,
		"malformed " PHONE " too many values\n" ADDED("sip:alice@example.com", "200"));
	border_register(border, PHONE, (struct registration){.expires = "300", .cseq = 2});
	answer_with_a_crowd("<sip:alice@192.168.1.10:5060>", 2);
	border_expect(border, "malformed " PHONE " too many values\n"
			      "reason-refresh " PHONE " registration sip:alice@example.com 200\n");
	border_register(border, PHONE, (struct registration){.expires = "0", .cseq = 3});
	answer_with_a_crowd("<sip:bob@192.168.1.11>", 3);
	border_expect(border, "malformed " PHONE " too many values\n");
}

Test(registration, the_contact_may_come_back_with_the_source_address)
{
	border_register(border, PHONE, (struct registration){.expires = "300"});
	border_answer(border, PHONE, 200,
		(struct registration){.contact = "<sip:alice@203.0.113.1:5061;x=y>;expires=30"});
	border_expect(border, ADDED("sip:alice@example.com", "30"));
}

Test(registration, runs_out_when_it_is_not_refreshed)
{
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_wait(border, 59.9);
	border_expect(border, "");
	border_wait(border, 0.2);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
}

Test(registration, is_refreshed_before_it_runs_out)
{
	border->settings.keepalive.rules.max_lost = 0; /* nobody here answers keepalives */
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_wait(border, 50);
	border_bind(border, PHONE, (struct registration){.cseq = 2, .expires = "60"});
	border_expect(border, "reason-refresh " PHONE " registration sip:alice@example.com 60\n");
	border_wait(border, 59);
	border_expect(border, "");
	border_wait(border, 2);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
}

Test(registration, a_shorter_refresh_ends_it_earlier)
{
	register_alice("3600");
	border_bind(border, PHONE, (struct registration){.cseq = 2, .expires = "30"});
	border_expect(border,
		ADDED("sip:alice@example.com", "3600") "reason-refresh " PHONE
						       " registration sip:alice@example.com 30\n");
	border_wait(border, 31);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
}

Test(registration, a_challenge_creates_nothing_and_the_second_attempt_does)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_answer(border, PHONE, 401, (struct registration){.expires = "60"});
	border_expect(border, "");
	border_bind(border, PHONE, (struct registration){.cseq = 2, .expires = "60"});
	border_expect(border, ADDED("sip:alice@example.com", "60"));
}

/* RFC 3261 22.2 wants another CSeq, and with that another branch; who challenges without state does
 * not mind. Nor does who is overloaded, without state, when the answer that says so was lost. */
Test(registration, a_second_attempt_with_the_branch_and_cseq_of_the_first_counts)
{
	static const unsigned failures[] = {401, 407, 403, 423, 500, 503};
	struct registration registration = {.expires = "60"};

	for (unsigned i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		border_register(border, PHONE, registration);
		border_answer(border, PHONE, failures[i], registration);
		border_register(border, PHONE, registration);
		border_answer(border, PHONE, 200, registration);
		border_expect(border, ADDED("sip:alice@example.com", "60"));
		border_wait(border, 61);
		border_forget(border);
	}
}

/* Who keeps no state answers each copy that it gets, in whatever order. */
Test(registration, a_copy_under_way_may_be_accepted_though_another_has_failed)
{
	static const unsigned failures[] = {401, 407, 403, 423, 500, 503};
	const struct registration registration = {.expires = "60"};

	for (unsigned i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		for (unsigned copies = 0; copies < 3; copies++)
			border_register(border, PHONE, registration);
		border_answer(border, PHONE, failures[i], registration);
		border_answer(border, PHONE, failures[i], registration);
		border_expect(border, "");
		border_answer(border, PHONE, 200, registration);
		border_expect(border, ADDED("sip:alice@example.com", "60"));
		border_answer(border, PHONE, 200, registration);
		border_expect(border, "");
		border_wait(border, 61);
		border_forget(border);
	}
}

Test(registration, when_all_copies_have_failed_nothing_more_counts)
{
	const struct registration registration = {.expires = "60"};

	border_register(border, PHONE, registration);
	border_register(border, PHONE, registration);
	border_answer(border, PHONE, 503, registration);
	border_answer(border, PHONE, 503, registration);
	cr_expect_eq(engine_counters(border->engine).transactions, 0);
	border_answer(border, PHONE, 200, registration);
	border_expect(border, "");
}

Test(registration, a_failed_refresh_leaves_it_to_run_out)
{
	register_alice("60");
	border_wait(border, 30);
	border_register(border, PHONE, (struct registration){.cseq = 2, .expires = "60"});
	border_answer(border, PHONE, 503, (struct registration){.cseq = 2});
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_wait(border, 31);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
}

Test(registration, unregister_ends_it_at_once)
{
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_register(border, PHONE, (struct registration){.cseq = 2, .expires = "0"});
	border_answer(border, PHONE, 200, (struct registration){.cseq = 2, .contact = ""});
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(registration, unregister_waits_for_the_registrars_word)
{
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_register(border, PHONE, (struct registration){.cseq = 2, .expires = "0"});
	border_answer(border, PHONE, 401, (struct registration){.cseq = 2, .contact = ""});
	border_expect(border, "");
}

Test(registration, a_star_ends_every_one_of_the_aor_here)
{
	register_alice("60");
	border_register(border, PHONE,
		(struct registration){.call_id = "second",
			.contact = "<sip:alice@192.168.1.11>;+sip.instance=\"<urn:x>\"",
			.expires = "60"});
	border_answer(border, PHONE, 200,
		(struct registration){.call_id = "second",
			.contact = "<sip:alice@192.168.1.11>;expires=60, "
				   "<sip:alice@192.168.1.10:5060>;expires=60"});
	border_expect(border,
		ADDED("sip:alice@example.com", "60") "reason-add " PHONE
						     " registration sip:alice@example.com 60\n");
	border_register(border, PHONE,
		(struct registration){.call_id = "third", .contact = "*", .expires = "0"});
	border_answer(border, PHONE, 200, (struct registration){.call_id = "third", .contact = ""});
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(registration, a_contact_no_longer_listed_is_ended)
{
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_register(border, PHONE, (struct registration){.cseq = 2, .expires = "60"});
	border_answer(border, PHONE, 200,
		(struct registration){.cseq = 2, .contact = "<sip:alice@10.9.9.9>;expires=60"});
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(registration, unregister_of_one_line_keeps_the_other)
{
	struct registration bob = {.aor = "sip:bob@example.com",
		.call_id = "bobs",
		.contact = "<sip:bob@192.168.1.10:5060>",
		.expires = "60"};

	register_alice("60");
	border_bind(border, PHONE, bob);
	border_expect(border,
		ADDED("sip:alice@example.com", "60") "reason-add " PHONE
						     " registration sip:bob@example.com 60\n");
	border_register(border, PHONE, (struct registration){.cseq = 2, .expires = "0"});
	border_answer(border, PHONE, 200, (struct registration){.cseq = 2, .contact = ""});
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n");
	bob.cseq = 2;
	bob.expires = "0";
	border_register(border, PHONE, bob);
	bob.contact = "";
	border_answer(border, PHONE, 200, bob);
	border_expect(border, "reason-end " PHONE " registration sip:bob@example.com ended\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(registration, two_endpoints_of_one_aor_stand_for_themselves)
{
	struct registration second = {.call_id = "second", .expires = "120"};

	register_alice("60");
	border_bind(border, "203.0.113.9:1024", second);
	border_expect(border,
		ADDED("sip:alice@example.com", "60") "endpoint-add 203.0.113.9:1024 "
						     "via-source,contact-private\n"
						     "reason-add 203.0.113.9:1024 registration "
						     "sip:alice@example.com 120\n");
	border_wait(border, 61);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com expired\n"
			      "endpoint-remove " PHONE " expired\n");
}

Test(registration, a_refresh_from_a_new_address_moves_it)
{
	struct registration refresh = {.cseq = 2, .expires = "60"};

	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_bind(border, "203.0.113.1:6000", refresh);
	border_expect(border,
		"reason-end " PHONE " registration sip:alice@example.com moved\n"
		"endpoint-remove " PHONE " ended\n"
		"endpoint-add 203.0.113.1:6000 via-source,contact-private\n"
		"reason-add 203.0.113.1:6000 registration sip:alice@example.com 60\n");
}

Test(registration, a_phone_that_moves_out_of_the_nat_is_let_go)
{
	struct registration refresh = {.cseq = 2,
		.via = "203.0.113.77:5060",
		.contact = "<sip:alice@203.0.113.77:5060>",
		.expires = "60"};

	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_bind(border, "203.0.113.77:5060", refresh);
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com moved\n"
			      "endpoint-remove " PHONE " ended\n");
}

Test(registration, a_phone_not_behind_nat_is_left_alone)
{
	struct registration public = {.via = "203.0.113.77:5060",
		.contact = "<sip:alice@203.0.113.77:5060>",
		.expires = "60"};

	border_bind(border, "203.0.113.77:5060", public);
	border_expect(border, "");
}

Test(registration, scope_all_keeps_a_phone_not_behind_nat_too)
{
	struct registration public = {.via = "203.0.113.77:5060",
		.contact = "<sip:alice@203.0.113.77:5060>",
		.expires = "60"};

	border->settings.keepalive.rules.scope = KEEPALIVE_ALL;
	border_bind(border, "203.0.113.77:5060", public);
	border_expect(border, "endpoint-add 203.0.113.77:5060\n"
			      "reason-add 203.0.113.77:5060 registration "
			      "sip:alice@example.com 60\n");
}

Test(registration, registrations_that_do_not_count_create_nothing)
{
	border->settings.keepalive.registrations = false;
	register_alice("60");
	border_expect(border, "");
}

Test(registration, an_exempt_network_is_left_alone)
{
	border_exempt(&border->settings, "203.0.113.0/24");
	register_alice("60");
	border_expect(border, "");
}

Test(registration, a_query_without_contact_changes_nothing)
{
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_register(border, PHONE, (struct registration){.cseq = 2, .contact = ""});
	border_answer(border, PHONE, 200,
		(struct registration){.cseq = 2, .contact = "<sip:alice@192.168.1.10>;expires=10"});
	border_expect(border, "");
	border_bind(border, PHONE, (struct registration){.cseq = 3, .contact = ""});
	border_expect(border, "");
}

Test(registration, retransmissions_change_nothing)
{
	struct registration alice = {.expires = "60"};

	border_register(border, PHONE, alice);
	border_register(border, PHONE, alice);
	border_answer(border, PHONE, 100, alice);
	border_answer(border, PHONE, 200, alice);
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_answer(border, PHONE, 200, alice);
	border_expect(border, "");
}

Test(registration, an_answer_after_the_transactions_time_counts_no_more)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_wait(border, 32.1);
	border_answer(border, PHONE, 200, (struct registration){.expires = "60"});
	border_expect(border, "");
}

Test(registration, a_forged_200_from_elsewhere_creates_nothing)
{
	struct registration alice = {.expires = "60"};
	struct address proxy = border->proxy;

	border_register(border, PHONE, alice);
	border->proxy = at("198.51.100.66:5060");
	border_answer(border, PHONE, 200, alice);
	border->proxy = at("198.51.100.1:5061");
	border_answer(border, PHONE, 200, alice);
	border_expect(border, "");
	border->proxy = proxy;
	border_answer(border, PHONE, 200, alice);
	border_expect(border, ADDED("sip:alice@example.com", "60"));
}

Test(registration, a_200_to_another_client_creates_nothing)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_answer(border, "203.0.113.1:5062", 200, (struct registration){.expires = "60"});
	border_answer(border, "203.0.113.2:5061", 200, (struct registration){.expires = "60"});
	border_expect(border, "");
}

Test(registration, a_200_with_another_branch_creates_nothing)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_answer(border, PHONE, 200,
		(struct registration){.branch = "z9hG4bK-forged", .expires = "60"});
	border_expect(border, "");
}

Test(registration, a_200_with_another_cseq_creates_nothing)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_answer(border, PHONE, 200,
		(struct registration){.branch = "z9hG4bK-call-1", .cseq = 2, .expires = "60"});
	border_expect(border, "");
}

Test(registration, a_200_with_another_call_id_creates_nothing)
{
	border_register(border, PHONE, (struct registration){.expires = "60"});
	border_answer(border, PHONE, 200,
		(struct registration){
			.branch = "z9hG4bK-call-1", .call_id = "other", .expires = "60"});
	border_expect(border, "");
}

Test(registration, a_200_nobody_asked_for_creates_nothing)
{
	border_answer(border, PHONE, 200, (struct registration){.expires = "60"});
	border_expect(border, "");
}

Test(registration, a_register_through_another_proxy_is_ignored)
{
	border_register(border, PHONE,
		(struct registration){.via = "192.168.1.10:5060;branch=z9hG4bK-1, SIP/2.0/UDP "
					     "10.1.1.1",
			.expires = "60"});
	border_answer(border, PHONE, 200,
		(struct registration){.via = "192.168.1.10:5060;branch=z9hG4bK-1, SIP/2.0/UDP "
					     "10.1.1.1",
			.expires = "60"});
	border_expect(border, "");
}

Test(registration, a_grant_of_136_years_is_cut_to_90_days)
{
	register_alice("4294967295");
	border_expect(border, ADDED("sip:alice@example.com", "7776000"));
}

Test(registration, an_endpoint_beyond_the_limit_is_refused)
{
	border->settings.limits.endpoints = 1;
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_bind(border, "203.0.113.2:5060",
		(struct registration){.call_id = "second", .expires = "60"});
	border_expect(border, "refused 203.0.113.2:5060 endpoints\n");
}

Test(registration, an_endpoint_beyond_its_addresss_share_is_refused)
{
	border->settings.limits.endpoints_per_address = 1;
	register_alice("60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
	border_bind(border, "203.0.113.1:6000",
		(struct registration){.call_id = "second", .expires = "60"});
	border_expect(border, "refused 203.0.113.1:6000 endpoints-per-address\n");
}

static void move_to(const char *client)
{
	border_bind(border, client, (struct registration){.cseq = 2, .expires = "60"});
}

Test(registration, stays_where_it_was_when_a_limit_refuses_the_new_place)
{
	border->settings.limits.endpoints_per_address = 1;
	border_bind(border, "203.0.113.2:5060",
		(struct registration){.call_id = "other", .expires = "60"});
	register_alice("60");
	border_forget(border);
	move_to("203.0.113.2:6000");
	border_expect(border, "refused 203.0.113.2:6000 endpoints-per-address\n");
	border_wait(border, 26);
	cr_assert_eq(border->sent_count, 2);
}

Test(registration, may_move_where_only_its_own_old_place_fills_the_limit)
{
	border->settings.limits.endpoints_per_address = 1;
	border->settings.limits.endpoints = 1;
	register_alice("60");
	border_forget(border);
	move_to("203.0.113.1:6000");
	border_expect(border,
		"reason-end " PHONE " registration sip:alice@example.com moved\n"
		"endpoint-remove " PHONE " ended\n"
		"endpoint-add 203.0.113.1:6000 via-source,contact-private\n"
		"reason-add 203.0.113.1:6000 registration sip:alice@example.com 60\n");
}

Test(registration, a_transaction_beyond_the_limit_takes_the_place_of_the_one_that_waited_longest)
{
	struct registration alice = {.expires = "60"};

	border->settings.limits.transactions = 1;
	border_register(border, PHONE, alice);
	border_expect(border, "");
	border_register(border, "203.0.113.2:5060", alice);
	border_expect(border, "refused " PHONE " transactions\n");
	border_answer(border, PHONE, 200, alice);
	border_expect(border, "");
	border_answer(border, "203.0.113.2:5060", 200, alice);
	border_expect(border,
		"endpoint-add 203.0.113.2:5060 via-source,contact-private\n"
		"reason-add 203.0.113.2:5060 registration sip:alice@example.com 60\n");
}

/* The Contacts of a phone that takes its old ones back and adds new ones. */
static void register_many(unsigned removed, unsigned added, const char *listed)
{
	static char contacts[8192];
	size_t length = 0;

	for (unsigned i = 0; i < removed + added; i++)
		length += (size_t)snprintf(contacts + length, sizeof(contacts) - length,
			"%s<sip:alice@192.168.1.10:%u>;expires=%u", i ? ", " : "", 5060 + i,
			i < removed ? 0 : 60);
	border_register(border, PHONE, (struct registration){.cseq = 2, .contact = contacts});
	border_answer(border, PHONE, 200, (struct registration){.cseq = 2, .contact = listed});
}

Test(registration, a_contact_behind_any_number_that_are_taken_back_counts)
{
	register_many(20, 1, "<sip:alice@192.168.1.10:5080>;expires=60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
}

Test(registration, any_number_of_contacts_may_be_added)
{
	register_many(0, 20, "<sip:alice@192.168.1.10:5079>;expires=60");
	border_expect(border, ADDED("sip:alice@example.com", "60"));
}

Test(registration, contacts_that_are_all_taken_back_leave_nothing)
{
	register_alice("60");
	border_forget(border);
	register_many(20, 0, "<sip:alice@10.0.0.9>;expires=60");
	border_expect(border, "reason-end " PHONE " registration sip:alice@example.com ended\n"
			      "endpoint-remove " PHONE " ended\n");
}
