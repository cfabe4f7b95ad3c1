#include <natbox/nat.h>

#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "origin.h"

/* A message from a user agent, and what its Via and Contacts are to say instead. */
struct repair {
	const struct sip_message *message;
	const struct address *source;
	struct edits *edits;
	struct domains *domains;
	struct text sent_by_host; /* of the user agent's own Via; at is NULL in a response */
	enum { UNREAD, NAME, ADDRESS } sent_by_is; /* ADDRESS: this one */
	struct address sent_by;
	struct text port; /* of source */
	struct text host_port;
	char text[ADDRESS_TEXT_MAX];
};

static struct text text_after(struct text text)
{
	return (struct text){text_end(text), 0};
}

/* Bytes put together for one edit; the longest holds three encoded origins and two addresses. */
struct splice {
	size_t length;
	char bytes[3 * ORIGIN_CODED_MAX + 2 * ADDRESS_TEXT_MAX +
		   sizeof(";natbox=***;received=;rport=")];
};

static void splice_start(struct splice *splice, struct text text)
{
	memcpy(splice->bytes, text.at, text.length);
	splice->length = text.length;
}

static void splice_put(struct splice *splice, struct text text)
{
	memcpy(splice->bytes + splice->length, text.at, text.length);
	splice->length += text.length;
}

static bool splice_put_origin(struct splice *splice, struct text plain)
{
	size_t length = origin_encode(plain, splice->bytes + splice->length);

	splice->length += length;
	return length > 0;
}

static void splice_edit(const struct splice *splice, struct edits *edits, struct text span)
{
	edits_replace(edits, span, (struct text){splice->bytes, splice->length});
}

/* The received parameter has an IPv6 address without brackets (RFC 3261 25.1, via-received). */
static struct text received_text(const struct repair *repair)
{
	struct text host = {repair->text, repair->host_port.length - repair->port.length - 1};

	if (host.at[0] == '[')
		return (struct text){host.at + 1, host.length - 2};
	return host;
}

/* What a user agent's Via says itself about where its answers are to go. */
struct seen_at {
	bool has_received, has_rport, has_maddr;
	struct text received, rport, maddr;
	struct text rport_span, maddr_span;
};

static struct seen_at read_seen_at(const struct sip_via *via)
{
	struct seen_at said = {
		.has_received = via->received.whole.at,
		.has_rport = via->rport.whole.at,
		.received = via->received.value,
		.rport = via->rport.value,
		.rport_span = via->rport.whole,
	};

	said.has_maddr = via->has_others && maddr_find(via->params, &said.maddr, &said.maddr_span);
	return said;
}

/* "natbox", and what the user agent had written where it had written anything. */
static bool splice_put_seen_at(struct splice *splice, const struct seen_at *said)
{
	splice_put(splice, origin_param);
	if (!said->has_received && !said->has_rport && !said->has_maddr)
		return true;
	splice_put(splice, TEXT("="));
	if (said->has_received && !splice_put_origin(splice, said->received))
		return false;
	splice_put(splice, TEXT("*"));
	if (said->has_rport && !splice_put_origin(splice, said->rport))
		return false;
	if (!said->has_maddr)
		return true;
	splice_put(splice, TEXT("**"));
	return splice_put_origin(splice, said->maddr);
}

/* The natbox parameter takes maddr's place, where there is one; else it begins added, which is to
 * follow sent-by. */
static bool begin_via(struct repair *repair, const struct seen_at *said, struct splice *added)
{
	splice_start(added, said->has_maddr ? TEXT("") : TEXT(";"));
	if (!splice_put_seen_at(added, said))
		return false;
	if (said->has_maddr) {
		splice_edit(added, repair->edits, said->maddr_span);
		added->length = 0;
	}
	return true;
}

/* Answers would go to maddr, whatever received and rport say (RFC 3261 18.2.2). */
static void hide_maddr(struct repair *repair, const struct seen_at *said)
{
	struct splice hidden;

	splice_start(&hidden, origin_param);
	splice_put(&hidden, TEXT("=**"));
	if (splice_put_origin(&hidden, said->maddr))
		splice_edit(&hidden, repair->edits, said->maddr_span);
}

/* ";rport" or ";rport=": RFC 3581 has it answered, so the answer can stay without an origin. */
static bool answer_rport(struct repair *repair, const struct seen_at *said)
{
	struct splice answer;

	if (said->has_received && said->received.length == 0)
		return false;
	if (said->has_maddr)
		hide_maddr(repair, said);
	splice_start(&answer, said->rport.at ? TEXT("") : TEXT("="));
	splice_put(&answer, repair->port);
	if (!said->has_received) {
		splice_put(&answer, TEXT(";received="));
		splice_put(&answer, received_text(repair));
	} else {
		edits_replace(repair->edits, said->received, received_text(repair));
	}
	splice_edit(&answer, repair->edits, text_after(said->rport_span));
	return true;
}

static bool is_right(const struct repair *repair, const struct seen_at *said)
{
	uint32_t port;

	return said->has_received && host_is_at(said->received, repair->source) &&
	       said->has_rport && text_number(said->rport, &port) && port == repair->source->port;
}

static bool repair_via_full(struct repair *repair, const struct sip_via *via)
{
	struct seen_at said = read_seen_at(via);
	struct splice added;

	if (said.has_rport && said.rport.length == 0)
		return answer_rport(repair, &said);
	if ((is_right(repair, &said) && !said.has_maddr) || !begin_via(repair, &said, &added))
		return false;
	if (said.has_received) {
		edits_replace(repair->edits, said.received, received_text(repair));
	} else {
		splice_put(&added, TEXT(";received="));
		splice_put(&added, received_text(repair));
	}
	if (said.has_rport) {
		edits_replace(repair->edits, said.rport, repair->port);
	} else {
		splice_put(&added, TEXT(";rport="));
		splice_put(&added, repair->port);
	}
	if (added.length)
		splice_edit(&added, repair->edits, text_after(via->sent_by));
	return true;
}

static bool ask_for_rport(struct repair *repair, const struct sip_via *via)
{
	struct seen_at said = read_seen_at(via);
	struct splice added;

	if (said.has_rport || !begin_via(repair, &said, &added))
		return false;
	splice_put(&added, TEXT(";rport"));
	splice_edit(&added, repair->edits, text_after(via->sent_by));
	return true;
}

/* Most Contacts are told without. */
static bool is_at_sent_by(struct repair *repair, const struct address *address)
{
	if (repair->sent_by_is == UNREAD)
		repair->sent_by_is =
			address_parse_host(repair->sent_by_host, &repair->sent_by) ? ADDRESS : NAME;
	return repair->sent_by_is == ADDRESS && address_same_host(address, &repair->sent_by);
}

/* A response shows no Via of the user agent's to compare a name with; but the Contact of one that
 * may have a Contact is its sender's (RFC 3261 12.1.1). */
static bool is_own(struct repair *repair, const struct sip_contact *contact)
{
	const struct sip_uri *uri = &contact->uri;
	bool is_sent_by = text_equal_nocase(uri->host, repair->sent_by_host);

	if (!uri->is_address)
		return (is_sent_by || !repair->message->is_request) &&
		       !contact_is_of_domain(repair->domains, contact);
	if (is_sent_by)
		return true;
	return (address_is_private(&uri->address) ||
		       address_same_host(&uri->address, repair->source) ||
		       is_at_sent_by(repair, &uri->address)) &&
	       !contact_is_of_domain(repair->domains, contact);
}

/* The scanner takes whatever looks like an IPv6 address in its brackets. */
static bool has_valid_host(const struct sip_uri *uri)
{
	return uri->is_address || uri->host.at[0] != '[';
}

static bool is_udp(struct text params)
{
	struct text transport;

	return !sip_param(params, TEXT("transport"), &transport) ||
	       text_equal_nocase(transport, TEXT("udp"));
}

/* Host and port give way to source, and the natbox parameter follows them. */
static bool repair_uri(struct repair *repair, const struct sip_uri *uri, bool bracketed)
{
	struct splice splice;

	splice_start(&splice, repair->host_port);
	splice_put(&splice, TEXT(";"));
	splice_put(&splice, origin_param);
	splice_put(&splice, bracketed ? TEXT("=") : TEXT("=-"));
	if (!splice_put_origin(&splice, uri->host_port))
		return false;
	if (!bracketed) {
		edits_replace(repair->edits, (struct text){uri->whole.at, 0}, TEXT("<"));
		splice_put(&splice, TEXT(">"));
	}
	splice_edit(&splice, repair->edits, uri->host_port);
	return true;
}

/* Where a URI is sent to is its maddr, whatever its host (RFC 3261 19.1.1). */
struct maddr {
	struct text host, span;
};

/* The natbox parameter takes the place of maddr. */
static bool repair_uri_with_maddr(
	struct repair *repair, const struct sip_uri *uri, const struct maddr *maddr)
{
	struct splice splice;

	splice_start(&splice, origin_param);
	splice_put(&splice, TEXT("="));
	if (!splice_put_origin(&splice, uri->host_port))
		return false;
	splice_put(&splice, TEXT("*"));
	if (!splice_put_origin(&splice, maddr->host))
		return false;
	edits_replace(repair->edits, uri->host_port, repair->host_port);
	splice_edit(&splice, repair->edits, maddr->span);
	return true;
}

/* Without brackets what follows a semicolon is the header's; phones mean the URI's all the same. */
static bool repair_contact(struct repair *repair, const struct sip_contact *contact)
{
	const struct sip_uri *uri = &contact->uri;
	bool bracketed = name_addr_is_bracketed(&contact->name_addr), has_maddr;
	struct maddr maddr;

	if (!uri->is_sip || !is_udp(uri->params) || !has_valid_host(uri))
		return false;
	has_maddr = maddr_find(uri->params, &maddr.host, &maddr.span);
	if (uri_is_at(uri, repair->source) &&
		(!has_maddr || host_is_at(maddr.host, repair->source)))
		return false;
	if (!is_own(repair, contact))
		return false;
	if (has_maddr)
		return repair_uri_with_maddr(repair, uri, &maddr);
	if (!bracketed && (!uri_is_plain(uri) || !is_udp(contact->name_addr.params)))
		return false;
	return repair_uri(repair, uri, bracketed);
}

/* What a REGISTER adds, where it may take back something, too. */
struct additions {
	const struct sip_contact *first; /* NULL: nothing */
	bool any_more;
	bool removes; /* what does not say for how long it is meant is taken back */
};

/* RFC 3261 10.2.2. */
static bool is_removal(const struct additions *additions, const struct sip_contact *contact)
{
	const struct text expires = contact->name_addr.expires;
	uint32_t seconds;

	return expires.at && text_number(expires, &seconds) ? seconds == 0 : additions->removes;
}

static struct additions find_additions(const struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	struct additions additions = {0};
	const struct sip_contact *contact;
	uint32_t seconds;

	if (!message->is_request || message->method != SIP_REGISTER || message->contact_count < 2)
		return additions;
	additions.removes = text_number(message->expires, &seconds) && seconds == 0;
	while (!additions.any_more && (contact = sip_next_contact(message, &cursor))) {
		if (contact->name_addr.is_star || is_removal(&additions, contact))
			continue;
		additions.any_more = additions.first != NULL;
		if (!additions.first)
			additions.first = contact;
	}
	return additions;
}

/* A Contact that is taken back, and that a repair may make equal to one that is added. Those that
 * had one place before are the user agent's business. */
static bool may_clash(const struct additions *additions, const struct sip_contact *contact)
{
	return additions->first && !contact->name_addr.is_star && is_removal(additions, contact) &&
	       (additions->any_more ||
		       !text_equal_nocase(additions->first->uri.host_port, contact->uri.host_port));
}

static bool repair_contacts(struct repair *repair)
{
	const struct additions additions = find_additions(repair->message);
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	bool repaired = false;

	while (!repair->edits->overflow && (contact = sip_next_contact(repair->message, &cursor))) {
		if (!may_clash(&additions, contact))
			repaired |= repair_contact(repair, contact);
	}
	return repaired;
}

static bool repair_via(struct repair *repair, const struct sip_via *via, enum nat_fix_via fix)
{
	switch (fix) {
	case FIX_VIA_FULL:
		return repair_via_full(repair, via);
	case FIX_VIA_RPORT:
		return ask_for_rport(repair, via);
	case FIX_VIA_NO:
		break;
	}
	return false;
}

static void format_source(struct repair *repair)
{
	size_t length = address_format(repair->source, repair->text);
	const char *colon = memrchr(repair->text, ':', length);

	repair->host_port = (struct text){repair->text, length};
	repair->port = (struct text){colon + 1, (size_t)(text_end(repair->host_port) - colon - 1)};
}

unsigned nat_repair(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits)
{
	struct domains domains;
	struct repair repair = {
		.message = message, .source = source, .edits = edits, .domains = &domains};
	unsigned fields = 0;

	domains_start(&domains, message);
	format_source(&repair);
	if (message->is_request) {
		if (message->via_count != 1)
			return 0;
		repair.sent_by_host = message->top_via.host;
		if (repair_via(&repair, &message->top_via, settings->nat.fix_via))
			fields |= REWRITTEN_VIA;
	} else if (message->status >= 300) {
		return 0;
	}
	if (settings->nat.fix_contact && repair_contacts(&repair))
		fields |= REWRITTEN_CONTACT;
	return fields;
}

/* Before the first header field with a Contact. */
static bool find_front(const struct sip_message *message, struct text *front)
{
	struct sip_cursor cursor = {0};
	struct text value, before;
	const char *line_end;

	if (!sip_next_value(message, SIP_CONTACT, &cursor, &value) || !value.length)
		return false;
	before = (struct text){message->whole.at, (size_t)(value.at - message->whole.at)};
	before = text_trim(before);
	if (!before.length || text_end(before)[-1] != ':')
		return false;
	line_end = memrchr(before.at, '\n', before.length);
	if (!line_end)
		return false;
	*front = (struct text){line_end + 1, 0};
	return true;
}

/* The longest URI that is taken back, repaired: of the longest user and host names there are. */
enum { TAKEN_BACK_MAX = 1024 };

bool nat_take_back(const struct sip_message *message, const struct sip_contact *contact,
	const struct address *source, struct edits *edits)
{
	const struct text open = TEXT("Contact: <"), close = TEXT(">;expires=0\r\n");
	const size_t bare = name_addr_is_bracketed(&contact->name_addr) ? 0 : 1;
	struct domains domains;
	struct edits change;
	struct repair repair = {
		.message = message, .source = source, .edits = &change, .domains = &domains};
	char bytes[TAKEN_BACK_MAX];
	struct text front, text = {bytes, open.length - bare};
	long length;

	if (contact->name_addr.is_star || !find_front(message, &front))
		return false;
	edits_reset(&change);
	domains_start(&domains, message);
	format_source(&repair);
	repair.sent_by_host = message->top_via.host;
	if (!repair_contact(&repair, contact) && !uri_is_at(&contact->uri, source))
		return false;
	memcpy(bytes, open.at, text.length);
	length = edits_apply(&change, contact->uri.whole, bytes + text.length,
		sizeof(bytes) - open.length - close.length);
	if (length < 0)
		return false;
	text.length += (size_t)length;
	memcpy(bytes + text.length, close.at + bare, close.length - bare);
	text.length += close.length - bare;
	if (edits->count == EDITS_MAX || text.length > EDITS_BYTES_MAX - edits->used)
		return false;
	edits_replace(edits, front, text);
	return true;
}

/* As it stands, before the additions that a repair makes equal to it. */
static bool move_to_front(
	const struct sip_message *message, const struct sip_contact *contact, struct edits *edits)
{
	const struct text name = TEXT("Contact: "), line_end = TEXT("\r\n");
	const struct text value = contact->name_addr.value;
	char bytes[TAKEN_BACK_MAX];
	struct text front, text = {bytes, name.length + value.length + line_end.length};

	if (text.length > sizeof(bytes) || !find_front(message, &front) ||
		edits->count + 2 > EDITS_MAX || text.length > EDITS_BYTES_MAX - edits->used)
		return false;
	memcpy(bytes, name.at, name.length);
	memcpy(bytes + name.length, value.at, value.length);
	memcpy(bytes + name.length + value.length, line_end.at, line_end.length);
	edits_replace(edits, front, text);
	edits_cut_value(edits, message, value);
	return true;
}

unsigned nat_repair_removals(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits)
{
	const struct additions additions = find_additions(message);
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	bool any = false, has_moved = false;

	if (!settings->nat.fix_contact || !additions.first)
		return 0;
	while (edits->count < EDITS_MAX && (contact = sip_next_contact(message, &cursor))) {
		if (!may_clash(&additions, contact))
			continue;
		if (!uri_is_at(&contact->uri, source))
			any |= nat_take_back(message, contact, source, edits);
		else if (!has_moved && contact > additions.first)
			any |= has_moved = move_to_front(message, contact, edits);
	}
	return any ? REWRITTEN_CONTACT : 0;
}
