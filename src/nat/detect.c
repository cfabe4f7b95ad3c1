#include <natbox/nat.h>

#include "domain.h"

enum {
	VIA_TESTS = NAT_VIA_SOURCE | NAT_VIA_PRIVATE,
	CONTACT_TESTS = NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE | NAT_CONTACT_PORT,
	/* Multiparts within multiparts that are looked into; real ones have one or two. */
	BOUNDARIES_MAX = 4,
};

/* What both kinds of tests ask of a host. A name is never private and never equal. 0.0.0.0, which a
 * phone writes that does not know its address, is private; not so in SDP, where it means a call on
 * hold (RFC 3264 8.4). */
struct host_look {
	bool is_private;
	bool is_source;
};

static struct host_look look_at_host(const struct address *address, const struct address *source)
{
	return (struct host_look){
		.is_private = address_is_no_place(address),
		.is_source = address_same_host(address, source),
	};
}

/* A port alone is no NAT: a phone may send from one and listen on another, where the answers go if
 * it does not ask for rport (RFC 3261 18.2.2, RFC 3581 4). */
static unsigned test_via(const struct sip_via *via, const struct address *source)
{
	struct host_look host = {0};
	struct address address;
	unsigned hits = 0;
	bool is_port = (via->port ? via->port : SIP_DEFAULT_PORT) == source->port;
	bool asks_for_rport = via->rport.whole.at;

	if (address_parse_host(via->host, &address))
		host = look_at_host(&address, source);
	if (!host.is_source || (!is_port && (asks_for_rport || host.is_private)))
		hits |= NAT_VIA_SOURCE;
	if (host.is_private)
		hits |= NAT_VIA_PRIVATE;
	return hits;
}

/* "*" and URIs other than sip: and sips: have no host. */
static unsigned test_contact(const struct sip_uri *uri, const struct address *source)
{
	struct host_look host = {0};
	unsigned hits = 0;

	if (uri->host.length == 0)
		return 0;
	if (uri->is_address)
		host = look_at_host(&uri->address, source);
	if (host.is_private)
		hits |= NAT_CONTACT_PRIVATE;
	if (!host.is_source)
		hits |= NAT_CONTACT_SOURCE;
	if (uri_port(uri) != source->port)
		hits |= NAT_CONTACT_PORT;
	return hits;
}

/* A name that is a GRUU's or an address of record's tells of no place. */
static unsigned test_contacts(
	const struct sip_message *message, const struct address *source, unsigned tests)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	struct domains domains;
	unsigned hits = 0;

	domains_start(&domains, message);
	while ((contact = sip_next_contact(message, &cursor))) {
		unsigned its = test_contact(&contact->uri, source) & tests;

		if (its && (contact->uri.is_address || !contact_is_of_domain(&domains, contact)))
			hits |= its;
	}
	return hits;
}

/* A body on its way through its lines: which of them are SDP. */
struct body_walk {
	struct text rest;
	bool in_header; /* of a part of a multipart */
	bool is_sdp;
	unsigned boundary_count;
	struct text boundaries[BOUNDARIES_MAX];
};

/* Takes note of what a Content-Type (RFC 3261 20.15) announces. */
static void walk_content_type(struct body_walk *walk, struct text content_type)
{
	const char *semicolon = memchr(content_type.at, ';', content_type.length);
	const char *end = semicolon ? semicolon : text_end(content_type);
	const char *slash = memchr(content_type.at, '/', (size_t)(end - content_type.at));
	struct text type, subtype, boundary;

	if (!slash)
		return;
	type = text_trim((struct text){content_type.at, (size_t)(slash - content_type.at)});
	subtype = text_trim((struct text){slash + 1, (size_t)(end - slash - 1)});
	walk->is_sdp = text_equal_nocase(type, TEXT("application")) &&
		       text_equal_nocase(subtype, TEXT("sdp"));
	if (!semicolon || !text_equal_nocase(type, TEXT("multipart")) ||
		walk->boundary_count == BOUNDARIES_MAX)
		return;
	if (!sip_param((struct text){semicolon, (size_t)(text_end(content_type) - semicolon)},
		    TEXT("boundary"), &boundary))
		return;
	boundary = sip_unquoted(boundary);
	if (boundary.length)
		walk->boundaries[walk->boundary_count++] = boundary;
}

/* Where the next line begins, or the end. Most lines are short, and a search takes longer than such
 * a line. */
static const char *after_line(const char *at, const char *end)
{
	enum { SHORT = 8 };

	for (unsigned i = 0; i < SHORT && at < end; i++) {
		if (*at++ == '\n')
			return at;
	}
	at = memchr(at, '\n', (size_t)(end - at));
	return at ? at + 1 : end;
}

/* Up to a line that is of interest outside the header of a part, if it can be told by its first
 * byte: blanks before it do not count. */
static void skip_lines(struct body_walk *walk)
{
	const char *at = walk->rest.at, *end = text_end(walk->rest);

	while (at < end && *at != 'c' && *at != '-' && *at != ' ' && *at != '\t')
		at = after_line(at, end);
	walk->rest = (struct text){at, (size_t)(end - at)};
}

/* The next line without its end; in the header of a part with the lines folded into it. */
static struct text walk_line(struct body_walk *walk)
{
	struct text line = {walk->rest.at, 0};
	const char *end = text_end(walk->rest);

	do {
		line.length = (size_t)(after_line(text_end(line), end) - line.at);
	} while (walk->in_header && line.length > 2 && line.length < walk->rest.length &&
		 (*text_end(line) == ' ' || *text_end(line) == '\t'));
	walk->rest.at += line.length;
	walk->rest.length -= line.length;
	return text_trim(line);
}

/* RFC 2046 5.1.1: "--" and the boundary begin a part, with another "--" they end the last one. */
static void walk_delimiter(struct body_walk *walk, struct text line)
{
	if (!text_starts_with(line, TEXT("--")))
		return;
	for (unsigned i = 0; i < walk->boundary_count; i++) {
		struct text boundary = walk->boundaries[i], after;

		if (line.length < 2 + boundary.length ||
			memcmp(line.at + 2, boundary.at, boundary.length) != 0)
			continue;
		after = (struct text){
			line.at + 2 + boundary.length, line.length - 2 - boundary.length};
		if (after.length && !text_equal(after, TEXT("--")))
			continue;
		walk->in_header = after.length == 0;
		walk->is_sdp = false;
		return;
	}
}

static void walk_part_header(struct body_walk *walk, struct text line)
{
	const char *colon;
	struct text name;

	/* A search takes longer than to see that most lines are another field's. */
	if (line.length == 0 || (*line.at != 'C' && *line.at != 'c') ||
		!(colon = memchr(line.at, ':', line.length)))
		return;
	name = text_trim((struct text){line.at, (size_t)(colon - line.at)});
	if (text_equal_nocase(name, TEXT("Content-Type")))
		walk_content_type(
			walk, (struct text){colon + 1, (size_t)(text_end(line) - colon - 1)});
}

/* "c=IN IP4 10.0.0.1" (RFC 4566 5.7); a multicast address has its scope behind a slash. */
static bool connection_is_private(struct text line)
{
	struct address address;
	const char *blank, *slash;
	struct text host;

	if (!text_starts_with(line, TEXT("c=")) || !(blank = memrchr(line.at, ' ', line.length)))
		return false;
	host = (struct text){blank + 1, (size_t)(text_end(line) - blank - 1)};
	slash = memchr(host.at, '/', host.length);
	if (slash)
		host.length = (size_t)(slash - host.at);
	return address_parse_host(host, &address) && address_is_private(&address);
}

static bool sdp_is_private(const struct sip_message *message)
{
	struct body_walk walk = {.rest = message->body};

	if (message->content_type.length)
		walk_content_type(&walk, message->content_type);
	if (!walk.is_sdp && walk.boundary_count == 0)
		return false;
	while (walk.rest.length) {
		struct text line;

		if (!walk.in_header)
			skip_lines(&walk);
		line = walk_line(&walk);
		walk_delimiter(&walk, line);
		if (walk.in_header) {
			walk.in_header = line.length != 0;
			walk_part_header(&walk, line);
		} else if (walk.is_sdp && connection_is_private(line)) {
			return true;
		}
	}
	return false;
}

/* Contacts of a redirection or of 485 Ambiguous are other places: they tell nothing of this one. */
static bool contacts_are_own(const struct sip_message *message)
{
	return message->status / 100 != 3 && message->status != 485;
}

unsigned nat_detect(const struct sip_message *message, const struct address *source, unsigned tests)
{
	unsigned hits = 0;

	if (message->is_request) {
		if (message->via_count != 1)
			return 0;
		if (tests & VIA_TESTS)
			hits |= test_via(&message->top_via, source);
		if ((tests & NAT_SDP_PRIVATE) && sdp_is_private(message))
			hits |= NAT_SDP_PRIVATE;
	}
	if ((tests & CONTACT_TESTS) && contacts_are_own(message))
		hits |= test_contacts(message, source, tests);
	return hits & tests;
}
