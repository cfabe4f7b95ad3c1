#include <natbox/nat.h>

#include "origin.h"

struct restore {
	const struct address *client;
	struct edits *edits;
};

/* "maddr=" and its host, which stood where the natbox parameter stands. */
struct maddr_origin {
	struct text text; /* empty: there was none */
	char bytes[sizeof("maddr=") - 1 + ORIGIN_MAX];
};

/* False when what there is was not written by a repair. */
static bool maddr_origin_read(struct text coded, struct maddr_origin *origin)
{
	struct text host = {origin->bytes + maddr_head.length, 0};

	memcpy(origin->bytes, maddr_head.at, maddr_head.length);
	host.length = origin_decode(coded, origin->bytes + maddr_head.length);
	origin->text = (struct text){origin->bytes, maddr_head.length + host.length};
	return origin_is_host_port(host);
}

/* In the place of the natbox parameter, of which whole is all, from its semicolon on. */
static void restore_maddr(
	const struct restore *restore, struct text whole, const struct maddr_origin *origin)
{
	const char *semicolon = memchr(whole.at, ';', whole.length);

	if (!origin->text.length) {
		edits_replace(restore->edits, whole, (struct text){0});
		return;
	}
	whole = text_between(semicolon + 1, text_end(whole));
	edits_replace(restore->edits, text_trim(whole), origin->text);
}

/* What a user agent had written in its Via, as its natbox parameter tells. */
struct via_origin {
	bool is_known;
	bool tells_seen_at;          /* of these, both: */
	struct text received, rport; /* empty: nothing */
	char received_bytes[ORIGIN_MAX], rport_bytes[ORIGIN_MAX];
	struct maddr_origin maddr;
};

/* Cuts "**" and a maddr off the end. Stars that no repair has written stay. */
static void via_maddr_read(struct text *coded, struct via_origin *origin)
{
	const char *star = coded->length ? memrchr(coded->at, '*', coded->length) : NULL;

	origin->maddr.text = (struct text){0};
	if (!star || star == coded->at || star[-1] != '*')
		return;
	if (maddr_origin_read(text_between(star + 1, text_end(*coded)), &origin->maddr))
		*coded = text_between(coded->at, star - 1);
}

/* False when what there is was not written by a repair. */
static bool via_origin_read(struct text coded, struct via_origin *origin)
{
	const char *star;
	struct text received, rport;

	origin->received = (struct text){origin->received_bytes, 0};
	origin->rport = (struct text){origin->rport_bytes, 0};
	via_maddr_read(&coded, origin);
	origin->tells_seen_at = coded.length || !origin->maddr.text.length;
	star = coded.length ? memchr(coded.at, '*', coded.length) : NULL;
	if (!star)
		return !coded.at || !origin->tells_seen_at;
	received = text_between(coded.at, star);
	rport = text_between(star + 1, text_end(coded));
	origin->received.length = origin_decode(received, origin->received_bytes);
	origin->rport.length = origin_decode(rport, origin->rport_bytes);
	return (origin->received.length > 0) == (received.length > 0) &&
	       (origin->rport.length > 0) == (rport.length > 0);
}

static bool is_clients_port(struct text value, const struct address *client)
{
	uint32_t port;

	return text_number(value, &port) && port == client->port;
}

/* The next one of the name after that one. */
static bool find_double(const struct sip_via *via, struct text name, struct sip_param *param)
{
	struct text rest = text_between(text_end(param->whole), text_end(via->params));

	return via->has_doubles &&
	       sip_param_span(text_trim(rest), name, &param->value, &param->whole);
}

/* The parameters of one name that say where the client is. The first gives way to what the client
 * had written, if that is known, also where a repair has asked with it and nobody has answered; all
 * after it are what the proxy added to a repaired Via. */
static bool restore_via_param(const struct restore *restore, const struct sip_via *via,
	struct sip_param param, struct text name,
	bool (*is_clients)(struct text, const struct address *), const struct text *original)
{
	bool found = param.whole.at, restored = false, remove = original != NULL;

	for (bool first = true; found; first = false, found = find_double(via, name, &param)) {
		const bool unanswered =
			first && original && !original->length && !param.value.length;

		if (!unanswered && !is_clients(param.value, restore->client))
			continue;
		if (first && original && original->length) {
			edits_replace(restore->edits, param.value, *original);
			restored = true;
		} else if (remove) {
			edits_replace(restore->edits, param.whole, (struct text){0});
			restored = true;
		}
		remove = true;
	}
	return restored;
}

/* A response goes to the user agent itself when its Via is the only one left. */
static bool restore_via(const struct restore *restore, const struct sip_message *message)
{
	const struct sip_via *via = &message->top_via;
	struct text coded, span;
	struct via_origin origin;
	bool restored = false, is_told;

	if (message->via_count != 1)
		return false;
	origin.is_known = via->has_others &&
			  sip_param_span(via->params, origin_param, &coded, &span) &&
			  via_origin_read(coded, &origin);
	if (origin.is_known) {
		restore_maddr(restore, span, &origin.maddr);
		restored = true;
	}
	is_told = origin.is_known && origin.tells_seen_at;
	restored |= restore_via_param(restore, via, via->received, TEXT("received"), host_is_at,
		is_told ? &origin.received : NULL);
	restored |= restore_via_param(restore, via, via->rport, TEXT("rport"), is_clients_port,
		is_told ? &origin.rport : NULL);
	return restored;
}

struct text nat_origin(const struct sip_uri *uri)
{
	struct text coded;

	return origin_find(uri->params, &coded) ? coded : (struct text){0};
}

struct text nat_params(struct text params, struct text origin)
{
	if (!origin.at)
		return params;
	return text_between(text_end(origin), text_end(params));
}

bool nat_origin_address(struct text origin, struct address *address)
{
	struct text plain;
	char bytes[ORIGIN_MAX];

	if (!origin.at)
		return false;
	if (origin.at[0] == '-') {
		origin.at++;
		origin.length--;
	}
	plain = (struct text){bytes, origin_decode(origin, bytes)};
	return address_parse(plain, SIP_DEFAULT_PORT, address) == 0;
}

/* What a repair of a URI has to be undone: where the parameter stands, and what it stands for. */
struct uri_origin {
	struct text span;
	struct text host_port;
	bool was_bare; /* the URI stood without angle brackets */
	char bytes[ORIGIN_MAX];
	struct maddr_origin maddr;
};

/* params is where the parameter is to be found. False when the URI is not a repaired one of the
 * client's own. */
static bool uri_origin_read(const struct restore *restore, const struct sip_uri *uri,
	struct text params, struct uri_origin *origin)
{
	struct text coded;
	const char *star;

	if (!uri->is_sip || !uri_is_at(uri, restore->client) ||
		!sip_param_span(params, origin_param, &coded, &origin->span) || coded.length == 0)
		return false;
	origin->was_bare = coded.at[0] == '-';
	if (origin->was_bare) {
		coded.at++;
		coded.length--;
	}
	origin->maddr.text = (struct text){0};
	star = coded.length ? memchr(coded.at, '*', coded.length) : NULL;
	if (star) {
		if (origin->was_bare ||
			!maddr_origin_read(text_between(star + 1, text_end(coded)), &origin->maddr))
			return false;
		coded = text_between(coded.at, star);
	}
	origin->host_port = (struct text){origin->bytes, origin_decode(coded, origin->bytes)};
	return origin_is_host_port(origin->host_port);
}

static void restore_host_port(
	const struct restore *restore, const struct sip_uri *uri, const struct uri_origin *origin)
{
	edits_replace(restore->edits, uri->host_port, origin->host_port);
	restore_maddr(restore, origin->span, &origin->maddr);
}

static bool restore_uri(const struct restore *restore, struct text text)
{
	struct uri_origin origin;
	struct sip_uri uri;

	if (sip_uri_parse(text, &uri) != 0 || !uri_origin_read(restore, &uri, uri.params, &origin))
		return false;
	restore_host_port(restore, &uri, &origin);
	return true;
}

/* Whoever writes the URI without its brackets makes our parameter the header's, where it stays when
 * the next one writes brackets again. */
static bool restore_parsed(
	const struct restore *restore, const struct sip_contact *contact, struct uri_origin *origin)
{
	const struct sip_uri *uri = &contact->uri;

	if (!uri_origin_read(restore, uri, uri->params, origin) &&
		!uri_origin_read(restore, uri, contact->name_addr.params, origin))
		return false;
	restore_host_port(restore, uri, origin);
	return true;
}

static bool restore_name_addr(const struct restore *restore, struct text value)
{
	struct sip_contact contact;
	struct uri_origin origin;

	return sip_contact_parse(value, &contact) == 0 &&
	       restore_parsed(restore, &contact, &origin);
}

/* Whether a URI that is restored may stand without angle brackets (RFC 3261 20): no comma,
 * semicolon or question mark. */
static bool is_plain(const struct sip_uri *uri, const struct uri_origin *origin)
{
	if (uri->params.length != origin->span.length || uri->headers.length)
		return false;
	for (size_t i = 0; i < uri->user.length; i++) {
		char c = uri->user.at[i];

		if (c == ',' || c == ';' || c == '?')
			return false;
	}
	return true;
}

static void remove_brackets(const struct restore *restore, struct text uri)
{
	struct text open = {uri.at - 1, 1}, close = {text_end(uri), 1};

	/* Where blanks stand between them, the brackets are not ours. */
	if (*open.at != '<' || *close.at != '>')
		return;
	edits_replace(restore->edits, open, (struct text){0});
	edits_replace(restore->edits, close, (struct text){0});
}

static bool restore_contact(const struct restore *restore, const struct sip_contact *contact)
{
	const struct sip_name_addr *name_addr = &contact->name_addr;
	struct uri_origin origin;

	if (!restore_parsed(restore, contact, &origin))
		return false;
	if (origin.was_bare && !name_addr->display.at && is_plain(&contact->uri, &origin))
		remove_brackets(restore, name_addr->uri);
	return true;
}

static bool restore_contacts(const struct restore *restore, const struct sip_message *message)
{
	bool restored = false;

	for (unsigned i = 0; i < message->contact_count && !restore->edits->overflow; i++)
		restored |= restore_contact(restore, &message->contacts[i]);
	return restored;
}

static bool restore_routes(const struct restore *restore, const struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	struct text value;
	bool restored = false;

	while (sip_next_value(message, SIP_ROUTE, &cursor, &value))
		restored |= restore_name_addr(restore, value);
	return restored;
}

unsigned nat_restore(const struct sip_message *message, const struct address *client,
	const struct settings *settings, struct edits *edits)
{
	struct restore restore = {.client = client, .edits = edits};
	unsigned fields = 0;

	if (!settings->nat.restore)
		return 0;
	if (restore_contacts(&restore, message))
		fields |= REWRITTEN_CONTACT;
	if (!message->is_request)
		return fields | (restore_via(&restore, message) ? REWRITTEN_VIA : 0);
	if (restore_uri(&restore, message->request_uri))
		fields |= REWRITTEN_RURI;
	if (restore_routes(&restore, message))
		fields |= REWRITTEN_OTHER;
	if (restore_name_addr(&restore, message->to))
		fields |= REWRITTEN_OTHER;
	return fields;
}
