/* The law: what nat_repair does, nat_restore undoes, byte for byte; and a repair touches nothing
 * but a client's Via and Contacts.
 *
 * What comes back to a client are its Contacts and its Via, in a response, and a Contact as the
 * Request-URI of a request. The response is made here by giving the repaired request another start
 * line, so that every other byte of it can be compared too. Where the client asked for rport, the
 * Via has to come back with the proxy's answer instead. */
#include "wire/capture/capture.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <natbox/nat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "sip_messages.h"
#include "tries.h"

enum { MESSAGES = 10000 / ONE_TRY_OF, BYTES_MAX = 70000 };

struct bytes {
	size_t length;
	char at[BYTES_MAX];
};

static struct settings settings;
static struct edits edits;
static unsigned taken_back;

static struct text as_text(const struct bytes *bytes)
{
	return (struct text){bytes->at, bytes->length};
}

static bool scan(const struct bytes *bytes, struct sip_message *message)
{
	enum sip_defect defect;

	return sip_scan(bytes->at, bytes->length, message, &defect) == 0;
}

static void apply(const struct bytes *from, struct bytes *to)
{
	long length = edits_apply(&edits, as_text(from), to->at, sizeof(to->at));

	cr_assert(length >= 0);
	to->length = (size_t)length;
}

static struct text value_of(const struct sip_message *message, enum sip_list list, unsigned index)
{
	struct sip_cursor cursor = {0};
	struct text value = {0};

	for (unsigned i = 0; i <= index; i++)
		cr_assert(sip_next_value(message, list, &cursor, &value));
	return value;
}

static void cut_list(struct sip_message *message, enum sip_list list)
{
	struct sip_cursor cursor = {0};
	struct text value;

	while (sip_next_value(message, list, &cursor, &value))
		edits_replace(&edits, value, (struct text){0});
}

/* All of a message but its Vias and Contacts. */
static void without_values(const struct bytes *from, struct bytes *to)
{
	struct sip_message message;

	cr_assert(scan(from, &message));
	edits_reset(&edits);
	cut_list(&message, SIP_VIA);
	cut_list(&message, SIP_CONTACT);
	apply(from, to);
}

static void assert_same(const struct bytes *a, const struct bytes *b, const char *what)
{
	cr_assert(a->length == b->length && memcmp(a->at, b->at, a->length) == 0,
		"%s\n--- is\n%.*s\n--- and not\n%.*s", what, (int)a->length, a->at, (int)b->length,
		b->at);
}

static unsigned repair(const struct bytes *from, const struct address *client, struct bytes *to)
{
	struct sip_message message;
	unsigned fields;

	cr_assert(scan(from, &message));
	edits_reset(&edits);
	fields = nat_repair(&message, client, &settings, &edits);
	apply(from, to);
	return fields;
}

static unsigned restore(const struct bytes *from, const struct address *client, struct bytes *to)
{
	struct sip_message message;
	unsigned fields;

	cr_assert(scan(from, &message));
	edits_reset(&edits);
	fields = nat_restore(&message, client, &settings, &edits);
	apply(from, to);
	return fields;
}

static void repair_touches_only_vias_and_contacts(
	const struct bytes *original, const struct bytes *repaired)
{
	static struct bytes before, after;

	without_values(original, &before);
	without_values(repaired, &after);
	assert_same(&after, &before, "repaired elsewhere");
}

static struct text part(const char *from, const char *to)
{
	return (struct text){from, (size_t)(to - from)};
}

/* The natbox parameter is the first, or stands where maddr stood, if it holds one. */
static void params_keep_all_but_maddr(struct text before, struct text after)
{
	struct text value, span, maddr = {before.at, 0};

	cr_assert(sip_param_span(after, TEXT("natbox"), &value, &span));
	if (memchr(value.at, '*', value.length))
		cr_assert(sip_param_span(before, TEXT("maddr"), &value, &maddr));
	cr_assert(text_equal(part(before.at, maddr.at), part(after.at, span.at)));
	cr_assert(text_equal(part(maddr.at + maddr.length, before.at + before.length),
		part(text_end(span), text_end(after))));
}

static bool is_host_of(const struct sip_uri *uri, struct text name_addr)
{
	struct sip_contact other;

	return sip_contact_parse(name_addr, &other) == 0 &&
	       text_equal_nocase(uri->host, other.uri.host);
}

/* No address of record, no GRUU. */
static void contact_is_no_domain(const struct sip_message *message, const struct sip_uri *uri)
{
	struct text value;

	if (uri->is_address)
		return;
	cr_assert_not(sip_param(uri->params, TEXT("gr"), &value));
	cr_assert_not(is_host_of(uri, message->from));
	cr_assert_not(is_host_of(uri, message->to));
	cr_assert_not(message->is_request && is_host_of(uri, message->request_uri));
}

static void contact_keeps_all_but_host_and_port(
	const struct sip_message *message, struct text before, struct text after)
{
	struct sip_name_addr old, new;
	struct sip_uri old_uri, new_uri;

	if (text_equal(before, after))
		return;
	cr_assert_eq(sip_name_addr_parse(before, &old), 0);
	cr_assert_eq(sip_name_addr_parse(after, &new), 0);
	cr_assert_eq(sip_uri_parse(old.uri, &old_uri), 0);
	cr_assert_eq(sip_uri_parse(new.uri, &new_uri), 0);
	cr_assert(text_equal(old.display, new.display));
	cr_assert(text_equal(old.params, new.params));
	cr_assert(text_equal(old_uri.scheme, new_uri.scheme));
	cr_assert(text_equal(old_uri.user, new_uri.user));
	cr_assert(text_equal(old_uri.headers, new_uri.headers));
	params_keep_all_but_maddr(old_uri.params, new_uri.params);
	contact_is_no_domain(message, &old_uri);
}

/* A request that a peer sends to a Contact reaches the client with the URI it gave. */
static void request_uri_comes_back(
	struct text before, struct text after, const struct address *client)
{
	static struct bytes request, restored;
	struct sip_message message;
	struct sip_name_addr old, new;

	if (text_equal(before, after))
		return;
	cr_assert_eq(sip_name_addr_parse(before, &old), 0);
	cr_assert_eq(sip_name_addr_parse(after, &new), 0);
	request.length = (size_t)snprintf(request.at, sizeof(request.at),
		"BYE %.*s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nFrom: "
		"<sip:b@192.0.2.1>;tag=1\r\n"
		"To: <sip:a@192.0.2.1>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n",
		(int)new.uri.length, new.uri.at);
	cr_assert_eq(restore(&request, client, &restored), REWRITTEN_RURI);
	cr_assert(scan(&restored, &message));
	cr_assert(text_equal(message.request_uri, old.uri), "Request-URI %.*s",
		(int)message.request_uri.length, message.request_uri.at);
}

static void contacts_can_be_used(
	const struct bytes *original, const struct bytes *repaired, const struct address *client)
{
	struct sip_message old, new;
	unsigned count;

	cr_assert(scan(original, &old));
	cr_assert(scan(repaired, &new));
	count = sip_count_values(&old, SIP_CONTACT);
	cr_assert_eq(count, sip_count_values(&new, SIP_CONTACT));
	for (unsigned i = 0; i < count; i++) {
		struct text before = value_of(&old, SIP_CONTACT, i);
		struct text after = value_of(&new, SIP_CONTACT, i);

		contact_keeps_all_but_host_and_port(&old, before, after);
		request_uri_comes_back(before, after, client);
	}
}

/* The message with another start line: a response that has all its bytes. */
static void answer(const struct bytes *request, struct bytes *response)
{
	static const char start[] = "SIP/2.0 200 OK";
	struct sip_message message;

	cr_assert(scan(request, &message));
	edits_reset(&edits);
	edits_replace(
		&edits, (struct text){request->at, strcspn(request->at, "\r\n")}, TEXT(start));
	apply(request, response);
}

/* What the proxy does to the Via before it answers: fills in an rport that asks, and adds received
 * whether there is one or not. */
static void fill_in_via(const struct bytes *from, const struct address *client, struct bytes *to)
{
	struct sip_message message;
	struct sip_via via;
	struct text value, span;
	char host[ADDRESS_TEXT_MAX], added[ADDRESS_TEXT_MAX + 16];
	int length;

	cr_assert(scan(from, &message));
	cr_assert_eq(sip_via_parse(value_of(&message, SIP_VIA, 0), &via), 0);
	edits_reset(&edits);
	if (sip_param_span(via.params, TEXT("rport"), &value, &span) && !value.length) {
		length = snprintf(added, sizeof(added), value.at ? "%u" : "=%u", client->port);
		edits_replace(&edits, (struct text){text_end(span), 0},
			(struct text){added, (size_t)length});
	}
	address_format_host(client, host);
	length = snprintf(added, sizeof(added), ";received=%s", host);
	edits_replace(&edits, (struct text){text_end(via.params), 0},
		(struct text){added, (size_t)length});
	apply(from, to);
}

static bool asks_for_rport(const struct bytes *bytes)
{
	struct sip_message message;
	struct sip_via via;
	struct text value;

	cr_assert(scan(bytes, &message));
	cr_assert_eq(sip_via_parse(value_of(&message, SIP_VIA, 0), &via), 0);
	return sip_param(via.params, TEXT("rport"), &value) && !value.length;
}

static void replace_via(const struct bytes *from, struct text via, struct bytes *to)
{
	struct sip_message message;

	cr_assert(scan(from, &message));
	edits_reset(&edits);
	edits_replace(&edits, value_of(&message, SIP_VIA, 0), via);
	apply(from, to);
}

/* What of a Via's maddr travels in its natbox parameter is to come back there. */
static void put_maddr_back(const struct bytes *original, struct bytes *bytes)
{
	static struct bytes result;
	struct sip_message old, new;
	struct text value, maddr, span;

	cr_assert(scan(original, &old));
	cr_assert(scan(bytes, &new));
	if (!sip_param_span(new.top_via.params, TEXT("natbox"), &value, &span))
		return;
	cr_assert(sip_param_span(old.top_via.params, TEXT("maddr"), &value, &maddr));
	edits_reset(&edits);
	edits_replace(&edits, span, maddr);
	apply(bytes, &result);
	*bytes = result;
}

/* The answer of a proxy, which fills in the Via as it sees fit, comes back as if the proxy had seen
 * the original; with its Via as the client sent it, or with the one answer that was asked for. */
static void answer_comes_back(const struct bytes *original, const struct bytes *repaired,
	const struct address *client, bool via_repaired)
{
	static struct bytes response, filled, expected, restored;
	struct sip_message message;

	answer(original, &expected);
	answer(repaired, &response);
	fill_in_via(&response, client, &filled);
	if (!asks_for_rport(original)) {
		restore(&response, client, &restored);
		assert_same(&restored, &expected, "restored without an answer");
	} else {
		cr_assert(scan(via_repaired ? &response : &filled, &message));
		replace_via(&expected, value_of(&message, SIP_VIA, 0), &restored);
		expected = restored;
		put_maddr_back(original, &expected);
	}
	/* To a Via that was left alone, what the proxy does is none of our business. */
	restore(via_repaired || asks_for_rport(original) ? &filled : &response, client, &restored);
	assert_same(&restored, &expected, "restored");
}

/* What a REGISTER takes back besides is cut out of the answer, and all else stays. */
static void taken_back_goes_again(const struct bytes *original, const struct address *client)
{
	static struct bytes repaired, more, less;
	const struct address before = at("203.0.113.99:9999");
	struct sip_message message;

	cr_assert(scan(original, &message));
	if (!message.is_request || message.method != SIP_REGISTER || message.flaw)
		return;
	repair(original, client, &repaired);
	for (unsigned i = 0; i < message.contact_count; i++) {
		edits_reset(&edits);
		nat_repair(&message, client, &settings, &edits);
		if (!nat_take_back(
			    &message, &message.contacts[i], message.top_via.host, &before, &edits))
			continue;
		apply(original, &more);
		cr_assert(scan(&more, &message));
		edits_reset(&edits);
		edits_cut_value(&edits, &message, value_of(&message, SIP_CONTACT, 0));
		apply(&more, &less);
		assert_same(&less, &repaired, "taken back and cut");
		cr_assert(scan(original, &message));
		taken_back++;
	}
}

static void law_holds(const struct bytes *original, const struct address *client)
{
	static struct bytes repaired, restored;
	struct sip_message message;
	unsigned fields;

	cr_assert(scan(original, &message));
	fields = repair(original, client, &repaired);
	repair_touches_only_vias_and_contacts(original, &repaired);
	contacts_can_be_used(original, &repaired, client);
	taken_back_goes_again(original, client);
	if (!fields)
		assert_same(&repaired, original, "nothing repaired");
	if (!message.is_request) {
		restore(&repaired, client, &restored);
		assert_same(&restored, original, "restored");
	} else if (sip_count_values(&message, SIP_VIA) == 1) {
		answer_comes_back(original, &repaired, client, fields & REWRITTEN_VIA);
	}
}

static const char *const clients[] = {"203.0.113.7:40000", "192.0.2.15:5060", "[2001:db8::7]:5060",
	"[2001:db8::9:1]:65535", "192.168.1.20:5062"};
enum { CLIENTS = sizeof(clients) / sizeof(*clients) };

static void set_all(enum nat_fix_via fix_via)
{
	settings.nat.fix_via = fix_via;
	settings.nat.fix_contact = true;
	settings.nat.restore = true;
}

/* What was repaired before (recorded behind a natbox) comes back as it was before that. */
static bool is_repaired(struct text datagram)
{
	return memmem(datagram.at, datagram.length, ";natbox", strlen(";natbox"));
}

/* False for a datagram that is no SIP message. */
static bool law_holds_for_datagram(struct text datagram, const struct address *client)
{
	static struct bytes bytes;
	struct sip_message message;

	cr_assert_leq(datagram.length, sizeof(bytes.at));
	memcpy(bytes.at, datagram.at, datagram.length);
	bytes.length = datagram.length;
	if (!scan(&bytes, &message))
		return false;
	law_holds(&bytes, client);
	return true;
}

/* Changes some bytes into others that matter to a parser. */
static void damage(struct generator *generator, struct generated *message)
{
	static const char bytes[] = "\r\n\t ;:,<>\"\\()[]=@?%*.-_0aZ/\0\xff";

	for (uint32_t count = generator_below(generator, 6); count > 0; count--)
		message->bytes[generator_below(generator, (uint32_t)message->length)] =
			bytes[generator_below(generator, sizeof(bytes) - 1)];
}

static void law_holds_for_generated(
	uint64_t seed, unsigned vias, enum nat_fix_via fix_via, bool damaged)
{
	static struct generated message;
	struct generator generator;

	set_all(fix_via);
	generator_seed(&generator, seed);
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct generate_wish wish = {.vias = vias, .empty_rport = true};
		struct address client = at(clients[i % CLIENTS]);

		generate_message(&generator, &wish, &message);
		if (damaged)
			damage(&generator, &message);
		cr_assert(law_holds_for_datagram(
				  (struct text){message.bytes, message.length}, &client) ||
			  damaged);
	}
}

Test(reversal, generated_messages_come_back)
{
	law_holds_for_generated(1, 1, FIX_VIA_FULL, false);
	cr_expect_gt(taken_back, MESSAGES / 100);
}

Test(reversal, generated_messages_come_back_when_rport_is_only_asked_for)
{
	law_holds_for_generated(2, 1, FIX_VIA_RPORT, false);
}

Test(reversal, generated_messages_come_back_when_no_via_is_fixed)
{
	law_holds_for_generated(3, 1, FIX_VIA_NO, false);
}

Test(reversal, generated_messages_of_any_number_of_vias_come_back)
{
	law_holds_for_generated(4, 0, FIX_VIA_FULL, false);
}

Test(reversal, damaged_messages_come_back_as_far_as_they_are_messages)
{
	law_holds_for_generated(5, 1, FIX_VIA_FULL, true);
	law_holds_for_generated(6, 1, FIX_VIA_RPORT, true);
}

/* Files below a folder whose names end so; NULL after the last. */
static const char *next_file(DIR *folder, const char *name, const char *end)
{
	static char path[512];
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		size_t length = strlen(entry->d_name), end_length = strlen(end);

		if (length < end_length || strcmp(entry->d_name + length - end_length, end) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		return path;
	}
	return NULL;
}

Test(reversal, recorded_messages_come_back)
{
	static const char folder_name[] = "pcaps";
	DIR *folder = opendir(folder_name);
	const char *path;

	set_all(FIX_VIA_FULL);
	while ((path = next_file(folder, folder_name, ".pcap"))) {
		struct capture *capture;
		struct datagram datagram;
		struct fault fault;

		cr_assert_eq(capture_open_file(path, &capture, &fault), 0, "%s", path);
		while (capture_next(capture, &datagram, &fault) == 1) {
			if (!is_repaired(datagram.bytes))
				law_holds_for_datagram(datagram.bytes, &datagram.flow.source);
		}
		capture_close(capture);
	}
	if (folder)
		closedir(folder);
}

Test(reversal, torture_messages_come_back)
{
	static const char folder_name[] = "../shared/corpus/rfc4475";
	static char bytes[BYTES_MAX];
	DIR *folder = opendir(folder_name);
	const char *path;

	if (!folder)
		cr_skip("the corpus is not here");
	set_all(FIX_VIA_FULL);
	while ((path = next_file(folder, folder_name, ".dat"))) {
		FILE *file = fopen(path, "rb");
		struct text datagram = {bytes, 0};

		cr_assert(file);
		datagram.length = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		for (unsigned i = 0; i < CLIENTS; i++) {
			struct address client = at(clients[i]);

			law_holds_for_datagram(datagram, &client);
		}
	}
	closedir(folder);
}

/* False where it has more Contacts than a repair has room for. */
static bool law_holds_for_contacts(
	unsigned count, const char *contact, const struct address *client)
{
	static struct bytes bytes;
	struct sip_message message;

	bytes.length = (size_t)snprintf(bytes.at, sizeof(bytes.at),
		"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
		"From: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: 1\r\n"
		"CSeq: 1 REGISTER\r\nExpires: 60\r\n");
	for (unsigned i = 0; i < count; i++)
		bytes.length += (size_t)snprintf(
			bytes.at + bytes.length, sizeof(bytes.at) - bytes.length, contact, i);
	memcpy(bytes.at + bytes.length, "\r\n", 2);
	bytes.length += 2;
	cr_assert(scan(&bytes, &message));
	edits_reset(&edits);
	nat_repair(&message, client, &settings, &edits);
	if (edits.overflow)
		return false;
	law_holds(&bytes, client);
	return true;
}

Test(reversal, as_many_contacts_as_are_repaired_come_back)
{
	static const char *const contacts[] = {
		"Contact: <sip:a%u@10.0.0.1>\r\n", "Contact: sip:a%u@10.0.0.1;q=0.5\r\n"};
	const struct address client = at(clients[0]);

	set_all(FIX_VIA_FULL);
	for (unsigned i = 0; i < 2; i++) {
		unsigned count = 0;

		while (law_holds_for_contacts(count + 1, contacts[i], &client))
			count++;
		cr_expect_geq(count, 20);
		cr_expect_leq(count, REPAIR_EDITS_MAX);
	}
}

Test(reversal, a_via_of_many_parameters_comes_back)
{
	static char bytes[BYTES_MAX];
	const struct address client = at(clients[0]);

	set_all(FIX_VIA_FULL);
	for (unsigned count = 1; count <= SIP_PARAMS_MAX; count++) {
		int length = snprintf(bytes, sizeof(bytes),
			"OPTIONS sip:example.com SIP/2.0\r\nFrom: <sip:a@example.com>;tag=1\r\n"
			"To: <sip:a@example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
			"Via: SIP/2.0/UDP 10.0.0.1");

		for (unsigned i = 0; i < count; i++)
			length += snprintf(
				bytes + length, sizeof(bytes) - (size_t)length, ";param%u", i);
		length += snprintf(bytes + length, sizeof(bytes) - (size_t)length, "\r\n\r\n");
		cr_assert(law_holds_for_datagram((struct text){bytes, (size_t)length}, &client));
	}
}
