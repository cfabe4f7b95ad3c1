/* A keepalive is addressed to the phone, by the user that it registered. */
#include "calls.h"
#include "own_border.h"
#include "sip_messages.h"

#include <natbox/keepalive.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PHONE "203.0.113.1:5061"
#define ALICE "sip:alice@example.com"

TestSuite(addressed, .init = own_border_open, .fini = own_border_close);

static void register_as(struct registration registration)
{
	registration.expires = "3600";
	border_bind(border, PHONE, registration);
}

/* The next keepalive has this user in Request-URI and To; "": none. */
static void expect_user(const char *user)
{
	char start[512], to[512];
	const char *sign = *user ? "@" : "", *bytes;

	border_wait(border, 25.1);
	cr_assert_gt(border->sent_count, 0);
	bytes = border->sent[border->sent_count - 1].bytes;
	snprintf(start, sizeof(start), "NOTIFY sip:%s%s" PHONE " SIP/2.0\r\n", user, sign);
	snprintf(to, sizeof(to), "\r\nTo: <sip:%s%s" PHONE ">\r\n", user, sign);
	cr_expect_eq(strncmp(bytes, start, strlen(start)), 0, "%s", bytes);
	cr_expect_not_null(strstr(bytes, to), "%s", bytes);
}

static void expect_from(const char *uri)
{
	char from[512];
	const char *bytes;

	border_wait(border, 25.1);
	cr_assert_gt(border->sent_count, 0);
	bytes = border->sent[border->sent_count - 1].bytes;
	snprintf(from, sizeof(from), "\r\nFrom: <%s>;tag=", uri);
	cr_expect_not_null(strstr(bytes, from), "%s: %s", uri, bytes);
}

Test(addressed, it_has_the_user_of_the_contact)
{
	register_as((struct registration){.contact = "<sip:line-7@192.168.1.10:5060>"});
	expect_user("line-7");
}

Test(addressed, where_the_contact_has_none_that_of_the_address_of_record)
{
	register_as((struct registration){.contact = "<sip:192.168.1.10:5060>"});
	expect_user("alice");
}

Test(addressed, where_the_registrar_lists_nothing_that_of_the_address_of_record)
{
	const struct registration asked = {
		.contact = "<sip:line-7@192.168.1.10:5060>", .expires = "3600"};

	border_register(border, PHONE, asked);
	border_answer(border, PHONE, 200, (struct registration){.contact = "", .expires = "3600"});
	expect_user("alice");
}

Test(addressed, escapes_and_hashes_stay_and_a_password_goes)
{
	register_as((struct registration){.contact = "<sip:*21%23#;a=b:secret@192.168.1.10:5060>"});
	expect_user("*21%23#;a=b");
}

Test(addressed, a_contact_with_another_user_is_noticed_with_its_first_answer)
{
	register_as((struct registration){.contact = "<sip:one@192.168.1.10:5060>"});
	expect_user("one");
	register_as((struct registration){.contact = "<sip:two@192.168.1.10:5060>", .cseq = 2});
	expect_user("two");
	register_as((struct registration){.contact = "<sip:alice@192.168.1.10:5060>", .cseq = 3});
	expect_user("alice");
}

/* Such as a user agent that is asked for several, so that its binding is not known. */
Test(addressed, of_several_contacts_it_is_the_first_that_is_listed)
{
	register_as((struct registration){
		.contact = "<sip:one@192.168.1.10:5060>, <sip:two@192.168.1.10:5060>"});
	expect_user("one");
	register_as((struct registration){
		.contact = "<sip:three@192.168.1.10:5060>, <sip:two@192.168.1.10:5060>",
		.cseq = 2});
	expect_user("three");
}

Test(addressed, of_several_registrations_it_is_that_of_the_first_address_of_record)
{
	register_as((struct registration){.call_id = "c",
		.aor = "sip:carol@example.com",
		.contact = "<sip:line-3@192.168.1.10:5060>"});
	expect_user("line-3");
	register_as((struct registration){
		.call_id = "a", .aor = ALICE, .contact = "<sip:line-1@192.168.1.10:5060>"});
	expect_user("line-1");
	register_as((struct registration){.call_id = "b",
		.aor = "sip:bob@example.com",
		.contact = "<sip:line-2@192.168.1.10:5060>"});
	expect_user("line-1");
}

Test(addressed, who_only_calls_is_addressed_without_a_user)
{
	phone_asks(border, PHONE, "INVITE", (struct exchange){.call_id = "call"});
	proxy_answers(
		border, PHONE, 200, "INVITE", (struct exchange){.call_id = "call", .to_tag = "b"});
	expect_user("");
}

/* What a registrar lists, or the state file has, is a stranger's. */
static void hold(struct text aor, struct text user)
{
	const struct reason_claim claim = {
		.client = at(PHONE),
		.proxy = 0,
		.nat = NAT_VIA_SOURCE,
		.kind = REASON_REGISTRATION,
		.proven = true,
		.key = 7,
		.id = aor,
		.user = user,
		.seconds = 3600,
	};

	border_wait(border, 0);
	cr_assert_neq(reason_hold(engine_endpoints(border->engine), &claim), 0);
}

Test(addressed, no_byte_of_a_user_breaks_the_request)
{
	static const char *const users[] = {"a b", "a\tb", "a\rb", "a\nb", "a\r\nX: y", "a>b",
		"a<b", "a\"b", "a\\b", "a%4", "a%zz", "a\x7f", "\xc3\xa4", "[a]", "a@b", ":a", "%",
		""};

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		char aor[64];

		hold(TEXT(ALICE), text_from(users[i]));
		expect_user("alice");
		snprintf(aor, sizeof(aor), "sip:%s@example.com", users[i]);
		hold(text_from(aor), (struct text){0});
		border_free(border);
		border = border_new();
		strcpy(border->settings.keepalive.from, "AOR");
		hold(text_from(aor), (struct text){"a\0b", 3});
		expect_user(strcmp(users[i], "a@b") ? "" : "a");
		border_free(border);
		border = border_new();
	}
}

Test(addressed, a_user_is_at_most_127_bytes_long)
{
	char user[LABEL_USER_MAX + 2];

	memset(user, 'u', sizeof(user));
	user[LABEL_USER_MAX] = 0;
	hold(TEXT(ALICE), (struct text){user, LABEL_USER_MAX});
	expect_user(user);
	user[LABEL_USER_MAX] = 'u';
	hold(TEXT(ALICE), (struct text){user, LABEL_USER_MAX + 1});
	expect_user("alice");
}

Test(addressed, from_may_have_the_user)
{
	strcpy(border->settings.keepalive.from, "sip:USER@PROXY;x=AUPR");
	register_as((struct registration){.contact = "<sip:line-7@192.168.1.10:5060>"});
	expect_from("sip:line-7@198.51.100.1;x=AUPR");
}

Test(addressed, from_may_be_the_address_of_record)
{
	strcpy(border->settings.keepalive.from, "AOR");
	register_as((struct registration){.contact = "<sip:line-7@192.168.1.10:5060>"});
	expect_from(ALICE);
}

Test(addressed, where_there_is_no_registration_from_is_natboxs_own)
{
	strcpy(border->settings.keepalive.from, "AOR;u=USER");
	phone_asks(border, PHONE, "INVITE", (struct exchange){.call_id = "call"});
	proxy_answers(
		border, PHONE, 200, "INVITE", (struct exchange){.call_id = "call", .to_tag = "b"});
	expect_from("sip:keepalive@198.51.100.1;u=keepalive");
}

Test(addressed, from_is_no_address_of_record_that_would_break_it)
{
	static const char *const aors[] = {"sip:a@b>;tag=1, <sip:c@d", "sip:a@b\r\nX: y",
		"sip:a@b c", "sip:\"a\"@b", "no uri", "alice", "sip:@", "sip:a@b;c=\"d e\"",
		"sip:\xc3\xa4@b", "sip:a\\@b"};

	strcpy(border->settings.keepalive.from, "AOR");
	for (size_t i = 0; i < sizeof(aors) / sizeof(*aors); i++) {
		struct border *fresh = border_new();

		strcpy(fresh->settings.keepalive.from, "AOR");
		border_free(border);
		border = fresh;
		hold(text_from(aors[i]), (struct text){0});
		expect_from("sip:keepalive@198.51.100.1");
	}
}

/* No bound but KEEPALIVE_MAX stands before the end of its buffer. */
Test(addressed, the_longest_fits)
{
	struct settings *settings = &border->settings;
	const struct address far = at("[1111:2222:3333:4444:5555:6666:7777:8888]:55555");
	struct keepalive keepalive = {.settings = settings};
	char user[LABEL_USER_MAX], aor[ADDRESSEE_AOR_MAX], out[KEEPALIVE_MAX];
	const struct keepalive_route route = {.client = &far,
		.proxy = &far,
		.addressee = {.aor = {aor, sizeof(aor)}, .user = {user, sizeof(user)}}};
	size_t length;

	memset(user, 'u', sizeof(user));
	memset(aor, 'a', sizeof(aor));
	memcpy(aor, "sip:", 4);
	memset(settings->keepalive.from, 'f', FROM_MAX - 1);
	memcpy(settings->keepalive.from, "AOR;USER;PROXY;", 15);
	memset(settings->keepalive.extra_headers, 'x', EXTRA_HEADERS_MAX - 1);
	length = keepalive_build(&keepalive, KEEPALIVE_OPTIONS, &route, UINT64_MAX, out);
	cr_expect_gt(length, FROM_MAX + EXTRA_HEADERS_MAX + 3 * LABEL_USER_MAX);
	cr_expect_leq(length, KEEPALIVE_MAX);
	length = keepalive_build(&keepalive, KEEPALIVE_NOTIFY, &route, UINT64_MAX, out);
	cr_expect_leq(length, KEEPALIVE_MAX, "%zu", length);
	memcpy(settings->keepalive.from, "PROXY;ffffffffffff", 18);
	keepalive_forget(&keepalive);
	length = keepalive_build(&keepalive, KEEPALIVE_NOTIFY, &route, UINT64_MAX, out);
	cr_expect_gt(length, FROM_MAX + EXTRA_HEADERS_MAX + 2 * LABEL_USER_MAX);
	cr_expect_leq(keepalive.forms[0].ends[PART_END], sizeof(keepalive.forms[0].text));
}

/* Ports that are KEEPALIVE_FORMS apart share a place. */
Test(addressed, a_keepalive_is_the_same_whatever_was_sent_before)
{
	static const char *const proxies[] = {"198.51.100.1:5060", "198.51.100.1:5068",
		"198.51.100.9:5060", "[2001:db8::1]:5060", "198.51.100.1:5061"};
	static const char *const froms[] = {"sip:keepalive@PROXY", "sip:USER@PROXY", "AOR"};
	const struct address phone = at("203.0.113.1:5061");

	for (unsigned i = 0; i < 60; i++) {
		const enum keepalive_method method = i % 2 ? KEEPALIVE_NOTIFY : KEEPALIVE_OPTIONS;
		const struct address proxy = at(proxies[i / 2 % 5]);
		const struct keepalive_route route = {.client = &phone,
			.proxy = &proxy,
			.addressee = {.aor = TEXT("sip:alice@b.c"), .user = TEXT("alice")}};
		static struct keepalive used;
		struct keepalive fresh = {.settings = &border->settings};
		char one[KEEPALIVE_MAX], other[KEEPALIVE_MAX];
		size_t length;

		strcpy(border->settings.keepalive.from, froms[i / 20]);
		used.settings = &border->settings;
		if (i % 20 == 0)
			keepalive_forget(&used);
		length = keepalive_build(&used, method, &route, i, one);
		cr_assert_eq(keepalive_build(&fresh, method, &route, i, other), length);
		cr_assert_arr_eq(one, other, length, "%.*s", (int)length, one);
	}
}

/* As the manual shows it; what is not in two of them the same is left out. */
Test(addressed, a_keepalive_has_what_a_notify_has_to_have)
{
	const struct address phone = at("203.0.113.2:41000"), proxy = at("198.51.100.2:5060");
	const struct keepalive_route route = {
		.client = &phone, .proxy = &proxy, .addressee = {.user = TEXT("alice")}};
	struct keepalive keepalive = {.settings = &border->settings};
	char out[KEEPALIVE_MAX + 1] = "";
	const char *rest;

	keepalive_build(&keepalive, KEEPALIVE_NOTIFY, &route, 1, out);
	rest = strstr(out, "\r\nCall-ID: ");
	cr_assert_not_null(rest);
	rest = strchr(rest, '@');
	cr_expect_str_eq(rest, "@198.51.100.2\r\nCSeq: 1 NOTIFY\r\n"
			       "Contact: <sip:198.51.100.2:5060>\r\n"
			       "Event: keep-alive\r\nSubscription-State: active\r\n"
			       "Content-Length: 0\r\n\r\n");
	memset(out, 0, sizeof(out));
	keepalive_build(&keepalive, KEEPALIVE_OPTIONS, &route, 1, out);
	cr_expect_null(strstr(out, "\r\nEvent: "));
	cr_expect_null(strstr(out, "\r\nSubscription-State: "));
}

/* Somebody who is sent keepalives himself knows a branch, but no one else's. */
Test(addressed, its_branch_is_of_one_phone_one_proxy_and_one_moment)
{
	static const char *const others[] = {
		"203.0.113.3:41000", "203.0.113.2:41001", "198.51.100.3:5060", "198.51.100.2:5061"};
	const struct address phone = at("203.0.113.2:41000"), proxy = at("198.51.100.2:5060");
	const struct keepalive_route route = {.client = &phone, .proxy = &proxy};
	struct keepalive keepalive = {.settings = &border->settings, .key = {{1, 2}}};
	char out[KEEPALIVE_MAX];
	struct sip_message message;
	enum sip_defect defect;
	struct text branch;
	uint64_t sent_us;
	size_t length;

	length = keepalive_build(&keepalive, KEEPALIVE_NOTIFY, &route, 0x1234, out);
	cr_assert_eq(sip_scan(out, length, &message, &defect), 0);
	branch = message.top_via.branch;
	cr_assert(keepalive_recognise(&keepalive, branch, &phone, &proxy, &sent_us));
	cr_expect_eq(sent_us, 0x1234);
	for (unsigned i = 0; i < 4; i++) {
		const struct address other = at(others[i]);

		cr_expect(!keepalive_recognise(&keepalive, branch, i < 2 ? &other : &phone,
				  i < 2 ? &proxy : &other, &sent_us),
			"%s", others[i]);
	}
	out[branch.at - out + (ptrdiff_t)branch.length - 17] ^= 1; /* of the time the last digit */
	cr_expect(!keepalive_recognise(&keepalive, branch, &phone, &proxy, &sent_us));
}

/* There is room for 4000 names of average length. */
Test(addressed, a_phone_may_change_its_user_any_number_of_times)
{
	char contact[256];

	for (unsigned i = 1; i <= 5000; i++) {
		snprintf(contact, sizeof(contact), "<sip:%0100u@192.168.1.10>", i);
		register_as((struct registration){.cseq = i, .contact = contact});
	}
	snprintf(contact, sizeof(contact), "%0100u", 5000);
	expect_user(contact);
}

/* Where a word stands twice, only the first is one. */
Test(addressed, each_word_of_from_counts_once)
{
	strcpy(border->settings.keepalive.from, "sip:USERUSER@PROXY;PROXY");
	register_as((struct registration){0});
	expect_from("sip:aliceUSER@198.51.100.1;PROXY");
}
