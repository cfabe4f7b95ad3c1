#include <natbox/nat.h>

#include "domain.h"

enum {
	VIA_TESTS = NAT_VIA_SOURCE | NAT_VIA_PRIVATE,
	CONTACT_TESTS = NAT_CONTACT_PRIVATE | NAT_CONTACT_SOURCE | NAT_CONTACT_PORT,
	/* Multiparts within multiparts that are looked into; real ones have one or two. */
	BOUNDARIES_MAX = 4,
};

/* A host that is a name is never private and never the source; 0.0.0.0, which a phone writes that
 * does not know its address, is private. A port alone is no NAT: a phone may send from one and
 * listen on another, where the answers go if it does not ask for rport (RFC 3261 18.2.2, RFC 3581
 * 4). */
static unsigned test_via(const struct sip_via *via, const struct address *source)
{
	struct address address;
	const bool is_address = address_parse_host(via->host, &address);
	const bool is_private = is_address && address_is_no_place(&address);
	const bool is_source = is_address && address_same_host(&address, source);
	const bool is_port = (via->port ? via->port : SIP_DEFAULT_PORT) == source->port;
	unsigned hits = 0;

	if (!is_source || (!is_port && (via->rport.whole.at || is_private)))
		hits |= NAT_VIA_SOURCE;
	if (is_private)
		hits |= NAT_VIA_PRIVATE;
	return hits;
}

/* "*" and URIs other than sip: and sips: have no host. */
static unsigned test_contact(const struct sip_uri *uri, const struct address *source)
{
	unsigned hits = 0;

	if (uri->host.length == 0)
		return 0;
	if (uri->is_address && address_is_no_place(&uri->address))
		hits |= NAT_CONTACT_PRIVATE;
	if (!uri->is_address || !address_same_host(&uri->address, source))
		hits |= NAT_CONTACT_SOURCE;
	if (uri_port(uri) != source->port)
		hits |= NAT_CONTACT_PORT;
	return hits;
}

/* A name that is a GRUU's or an address of record's tells of no place. */
static unsigned test_contacts(
	const struct sip_message *message, const struct address *source, unsigned tests)
{
	struct domains domains;
	unsigned hits = 0;

	domains_start(&domains, message);
	for (unsigned i = 0; i < message->contact_count; i++) {
		const struct sip_contact *contact = &message->contacts[i];
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
	type = text_trim(text_between(content_type.at, slash));
	subtype = text_trim(text_between(slash + 1, end));
	walk->is_sdp = text_equal_nocase(type, TEXT("application")) &&
		       text_equal_nocase(subtype, TEXT("sdp"));
	if (!semicolon || !text_equal_nocase(type, TEXT("multipart")) ||
		walk->boundary_count == BOUNDARIES_MAX)
		return;
	if (!sip_param(
		    text_between(semicolon, text_end(content_type)), TEXT("boundary"), &boundary))
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
	walk->rest = text_between(at, end);
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
		struct text after = text_between(line.at + 2, text_end(line));

		if (!text_starts_with(after, walk->boundaries[i]))
			continue;
		after = text_between(after.at + walk->boundaries[i].length, text_end(line));
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
	name = text_trim(text_between(line.at, colon));
	if (text_equal_nocase(name, TEXT("Content-Type")))
		walk_content_type(walk, text_between(colon + 1, text_end(line)));
}

/* "c=IN IP4 10.0.0.1" (RFC 4566 5.7); a multicast address has its scope behind a slash. 0.0.0.0 is
 * a call on hold (RFC 3264 8.4). */
static bool connection_is_private(struct text line)
{
	struct address address;
	const char *blank, *slash;
	struct text host;

	if (!text_starts_with(line, TEXT("c=")) || !(blank = memrchr(line.at, ' ', line.length)))
		return false;
	host = text_between(blank + 1, text_end(line));
	slash = memchr(host.at, '/', host.length);
	if (slash)
		host = text_between(host.at, slash);
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
