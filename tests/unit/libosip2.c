#include "libosip2.h"

#include <natbox/sip.h>
#include <osipparser2/osip_parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char difference[1024];

__attribute__((format(printf, 1, 2))) static bool differ(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(difference, sizeof(difference), format, arguments);
	va_end(arguments);
	return false;
}

static void be_silent(
	const char *file, int line, osip_trace_level_t level, const char *format, va_list arguments)
{
	(void)file, (void)line, (void)level, (void)format, (void)arguments;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next byte, a run of white space being one space: libosip2 unfolds lines. */
static char next_byte(const char **at, const char *end)
{
	char c;

	if (*at == end)
		return 0;
	c = *(*at)++;
	if (!is_blank(c))
		return c;
	while (*at < end && is_blank(**at))
		(*at)++;
	return ' ';
}

static bool same_text(const char *field, struct text ours, const char *theirs)
{
	const char *a = ours.at, *a_end = text_end(ours), *b = theirs;
	const char *b_end = theirs ? theirs + strlen(theirs) : NULL;
	char c;

	/* libosip2 has no text for an empty one. */
	if (ours.length == 0 && (!theirs || !*theirs))
		return true;
	if (!ours.at || !theirs)
		return differ("%s: scanner %s \"%.*s\", libosip2 %s \"%s\"", field,
			ours.at ? "has" : "none", (int)ours.length, ours.at ? ours.at : "",
			theirs ? "has" : "none", theirs ? theirs : "");
	do {
		c = next_byte(&a, a_end);
		if (c != next_byte(&b, b_end))
			return differ("%s: scanner \"%.*s\", libosip2 \"%s\"", field,
				(int)ours.length, ours.at, theirs);
	} while (c);
	return true;
}

static bool same_number(const char *field, unsigned long ours, const char *theirs)
{
	unsigned long number = theirs ? strtoul(theirs, NULL, 10) : 0;

	return number == ours || differ("%s: scanner %lu, libosip2 %lu", field, ours, number);
}

/* libosip2 takes IPv6 out of its brackets. */
static bool same_host(const char *field, struct text ours, const char *theirs)
{
	if (ours.length > 1 && *ours.at == '[') {
		ours.at++;
		ours.length -= 2;
	}
	return same_text(field, ours, theirs);
}

/* libosip2 parts user and password, and takes the escapes out of both. */
static bool same_user(const char *field, struct text ours, const osip_uri_t *theirs)
{
	char user[1024], their_user[1024];
	size_t length = 0;
	unsigned byte;

	for (size_t i = 0; i < ours.length && length < sizeof(user) - 1; i++) {
		if (ours.length - i > 2 && sscanf(ours.at + i, "%%%2x", &byte) == 1) {
			user[length++] = (char)byte;
			i += 2;
		} else {
			user[length++] = ours.at[i];
		}
	}
	snprintf(their_user, sizeof(their_user), "%s%s%s", theirs->username ? theirs->username : "",
		theirs->password ? ":" : "", theirs->password ? theirs->password : "");
	return same_text(field, (struct text){user, length}, their_user);
}

static bool same_uri(const char *field, struct text ours, osip_uri_t *theirs)
{
	struct sip_uri uri;
	osip_uri_param_t *param;
	struct text value;
	bool has;

	if (!theirs)
		return differ("%s: libosip2 has none", field);
	if (sip_uri_parse(ours, &uri) != 0)
		return differ("%s: scanner refuses \"%.*s\"", field, (int)ours.length, ours.at);
	if (!same_text(field, uri.scheme, theirs->scheme))
		return false;
	if (!uri.host.at)
		return true;
	if (!same_user(field, uri.user, theirs) || !same_host(field, uri.host, theirs->host) ||
		!same_number(field, uri.port, theirs->port))
		return false;
	has = osip_uri_uparam_get_byname(theirs, "transport", &param) == OSIP_SUCCESS;
	if (sip_param(uri.params, TEXT("transport"), &value) != has)
		return differ("%s: transport parameter", field);
	return !has || same_text("transport", value, param->gvalue);
}

static bool same_param(const char *name, struct text params, osip_list_t *theirs)
{
	osip_generic_param_t *param = NULL;
	char copy[32];
	struct text value;
	bool has;

	snprintf(copy, sizeof(copy), "%s", name);
	has = osip_generic_param_get_byname(theirs, copy, &param) == OSIP_SUCCESS;
	if (sip_param(params, text_from(name), &value) != has)
		return differ("parameter %s: libosip2 %s", name, has ? "has it" : "has it not");
	return !has || same_text(name, value, param->gvalue);
}

static bool same_address(const char *field, struct text ours, osip_from_t *theirs)
{
	struct sip_name_addr address;

	if (!theirs)
		return differ("%s: libosip2 has none", field);
	if (sip_name_addr_parse(ours, &address) != 0)
		return differ("%s: scanner refuses \"%.*s\"", field, (int)ours.length, ours.at);
	if (address.is_star)
		return same_text(field, TEXT("*"), theirs->displayname);
	return same_text(field, address.display, theirs->displayname) &&
	       same_uri(field, address.uri, theirs->url) &&
	       same_param("expires", address.params, &theirs->gen_params) &&
	       same_param("tag", address.params, &theirs->gen_params) &&
	       same_param("+sip.instance", address.params, &theirs->gen_params);
}

static bool same_addresses(const char *field, const struct sip_message *message, enum sip_list list,
	osip_list_t *theirs)
{
	struct sip_cursor cursor = {0};
	struct text value;
	int count = 0;

	for (; sip_next_value(message, list, &cursor, &value); count++) {
		if (!same_address(field, value, osip_list_get(theirs, count)))
			return false;
	}
	return count == osip_list_size(theirs) ||
	       differ("%s: scanner %d, libosip2 %d", field, count, osip_list_size(theirs));
}

static bool same_via(struct text ours, osip_via_t *theirs)
{
	struct sip_via via;

	if (!theirs)
		return differ("Via: libosip2 has none");
	if (sip_via_parse(ours, &via) != 0)
		return differ("Via: scanner refuses \"%.*s\"", (int)ours.length, ours.at);
	return same_text("Via", via.transport, theirs->protocol) &&
	       same_host("Via", via.host, theirs->host) &&
	       same_number("Via", via.port, theirs->port) &&
	       same_param("branch", via.params, &theirs->via_params) &&
	       same_param("rport", via.params, &theirs->via_params) &&
	       same_param("received", via.params, &theirs->via_params);
}

static bool same_vias(const struct sip_message *message, osip_list_t *theirs)
{
	struct sip_cursor cursor = {0};
	struct text value;
	int count = 0;

	for (; sip_next_value(message, SIP_VIA, &cursor, &value); count++) {
		if (!same_via(value, osip_list_get(theirs, count)))
			return false;
	}
	return count == osip_list_size(theirs) ||
	       differ("Via: scanner %d, libosip2 %d", count, osip_list_size(theirs));
}

/* A header field that libosip2 keeps as it stands, by either name. */
static bool same_header(
	struct text ours, osip_message_t *theirs, const char *name, const char *compact)
{
	osip_header_t *header = NULL;

	if (osip_message_header_get_byname(theirs, name, 0, &header) < 0 && compact)
		osip_message_header_get_byname(theirs, compact, 0, &header);
	return same_text(name, ours, header ? header->hvalue : NULL);
}

static bool same_start_line(const struct sip_message *message, osip_message_t *theirs)
{
	if (message->is_request != !!MSG_IS_REQUEST(theirs))
		return differ("one sees a request, the other a response");
	if (message->is_request)
		return same_text("method", message->method_name, theirs->sip_method) &&
		       same_uri("Request-URI", message->request_uri, theirs->req_uri);
	if (message->status != (unsigned)theirs->status_code)
		return differ(
			"status: scanner %u, libosip2 %d", message->status, theirs->status_code);
	return same_text("reason", message->reason, theirs->reason_phrase);
}

static bool same_call_id(const struct sip_message *message, osip_message_t *theirs)
{
	const osip_call_id_t *id = theirs->call_id;
	char whole[1024] = "";

	if (id)
		snprintf(whole, sizeof(whole), "%s%s%s", id->number, id->host ? "@" : "",
			id->host ? id->host : "");
	return same_text("Call-ID", message->call_id, whole);
}

static bool same_cseq(const struct sip_message *message, osip_message_t *theirs)
{
	if (!theirs->cseq)
		return differ("CSeq: libosip2 has none");
	return same_number("CSeq", message->cseq_number, theirs->cseq->number) &&
	       same_text("CSeq", message->method_name, theirs->cseq->method);
}

/* libosip2 takes the parts of a multipart body apart; the scanner has no business there. */
static bool same_body(const struct sip_message *message, osip_message_t *theirs)
{
	osip_body_t *body = osip_list_get(&theirs->bodies, 0);
	size_t length = body ? body->length : 0;

	if (osip_list_size(&theirs->bodies) > 1 ||
		text_starts_with(message->content_type, TEXT("multipart/")))
		return true;
	if (length != message->body.length ||
		(length && memcmp(body->body, message->body.at, length) != 0))
		return differ(
			"body: scanner %zu bytes, libosip2 %zu", message->body.length, length);
	return true;
}

static bool same_content(const struct sip_message *message, osip_message_t *theirs)
{
	struct text type = message->content_type;
	const char *length = theirs->content_length ? theirs->content_length->value : NULL;
	const char *slash = type.length ? memchr(type.at, '/', type.length) : NULL;

	/* Where there is none libosip2 makes one. */
	if (message->content_length.at &&
		!same_text("Content-Length", message->content_length, length))
		return false;
	if (slash)
		type.length = (size_t)(slash - type.at);
	return same_text("Content-Type", type,
		       theirs->content_type ? theirs->content_type->type : NULL) &&
	       same_body(message, theirs);
}

static bool same_message(const struct sip_message *message, osip_message_t *theirs)
{
	return same_start_line(message, theirs) && same_call_id(message, theirs) &&
	       same_cseq(message, theirs) && same_vias(message, &theirs->vias) &&
	       same_address("From", message->from, theirs->from) &&
	       same_address("To", message->to, theirs->to) &&
	       same_addresses("Contact", message, SIP_CONTACT, &theirs->contacts) &&
	       same_addresses("Route", message, SIP_ROUTE, &theirs->routes) &&
	       same_addresses("Record-Route", message, SIP_RECORD_ROUTE, &theirs->record_routes) &&
	       same_header(message->expires, theirs, "expires", NULL) &&
	       same_header(message->event, theirs, "event", "o") &&
	       same_header(message->subscription_state, theirs, "subscription-state", NULL) &&
	       same_header(message->session_expires, theirs, "session-expires", "x") &&
	       same_content(message, theirs);
}

static bool takes_addresses(const struct sip_message *message, enum sip_list list)
{
	struct sip_cursor cursor = {0};
	struct sip_name_addr address;
	struct text value;

	while (sip_next_value(message, list, &cursor, &value)) {
		if (sip_name_addr_parse(value, &address) != 0)
			return false;
	}
	return true;
}

/* libosip2 parses all values at once; the scanner parses most of them on demand. */
static bool takes(const char *bytes, size_t length, struct sip_message *message, const char **why)
{
	enum sip_defect defect = DEFECT_NONE;
	struct sip_name_addr address;
	struct sip_uri uri;
	int result = sip_scan(bytes, length, message, &defect);

	/* libosip2 knows no messages that are broken and can be read. */
	*why = sip_defect_names[result ? defect : message->flaw];
	if (result != 0 || message->flaw)
		return false;
	*why = "bad address or URI";
	return sip_name_addr_parse(message->from, &address) == 0 &&
	       sip_name_addr_parse(message->to, &address) == 0 &&
	       takes_addresses(message, SIP_CONTACT) && takes_addresses(message, SIP_ROUTE) &&
	       takes_addresses(message, SIP_RECORD_ROUTE) &&
	       (!message->is_request || sip_uri_parse(message->request_uri, &uri) == 0);
}

/* Blanks of one header field's white space from at on, the line ends of folded lines included. */
static size_t blanks(const char *at, const char *end)
{
	const char *start = at;

	for (; at < end; at++) {
		const char *feed = *at == '\r' ? at + 1 : at;
		bool folds = end - feed > 1 && *feed == '\n' && (feed[1] == ' ' || feed[1] == '\t');

		if (*at != ' ' && *at != '\t' && !folds)
			break;
		at = folds ? feed : at;
	}
	return (size_t)(at - start);
}

static bool is_header_end(const char *at, const char *end)
{
	return (end - at > 1 && memcmp(at, "\n\n", 2) == 0) ||
	       (end - at > 3 && memcmp(at, "\r\n\r\n", 4) == 0);
}

/* libosip2's request line is parted at its first two spaces: those in the Request-URI's parameters
 * become another byte. */
static char *copy_start_line(const char *at, const char *end, char *to)
{
	const char *first = memchr(at, ' ', (size_t)(end - at));
	const char *last = memrchr(at, ' ', (size_t)(end - at));
	bool is_request = *at != 'S' || end - at < 4 || memcmp(at, "SIP/", 4) != 0;

	for (; at < end; at++)
		*to++ = is_request && is_blank(*at) && at > first && at < last ? '_' : *at;
	return to;
}

/* libosip2 5.3.0 takes no tab between the words of Via and CSeq, and no white space between a URI
 * without brackets and its semicolon. RFC 3261 has both, so it is given a copy with plain spaces,
 * and none before a semicolon; the scanner reads the message as it is. */
static size_t copy_plain(const char *bytes, size_t length, char *copy)
{
	const char *end = bytes + length, *at;
	const char *line_end = memchr(bytes, '\n', length);
	bool quoted = false;
	char *to = copy;

	at = line_end ? line_end : end;
	to = copy_start_line(bytes, at, to);
	while (at < end && !is_header_end(at, end)) {
		size_t skipped = quoted ? 0 : blanks(at, end);

		if (skipped && at + skipped < end && at[skipped] != ';')
			*to++ = ' ';
		at += skipped;
		if (skipped)
			continue;
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\n')
			quoted = false;
		else if (*at == '\\' && quoted && end - at > 1)
			*to++ = *at++;
		*to++ = *at++;
	}
	memcpy(to, at, (size_t)(end - at));
	return (size_t)(to - copy) + (size_t)(end - at);
}

/* The header fields that libosip2 takes but once, by either name. */
static const char *const single[][2] = {{"From", "f"}, {"To", "t"}, {"Call-ID", "i"}, {"CSeq", ""},
	{"Content-Type", "c"}, {"Content-Length", "l"}};

enum { SINGLES = sizeof(single) / sizeof(*single) };

/* Which of them a line is, and what it says; SINGLES when it is another header field. */
static size_t read_single(struct text line, struct text *value)
{
	const char *colon = memchr(line.at, ':', line.length);
	struct text name = {line.at, colon ? (size_t)(colon - line.at) : 0};

	name = text_trim(name);
	*value = text_trim((struct text){
		colon ? colon + 1 : line.at, colon ? (size_t)(text_end(line) - colon - 1) : 0});
	for (size_t i = 0; i < SINGLES; i++) {
		for (size_t form = 0; form < 2; form++) {
			struct text known = text_from(single[i][form]);

			if (known.length && text_equal_nocase(known, name))
				return i;
		}
	}
	return SINGLES;
}

/* Takes out what says the same again. Lines are not folded any more. */
static size_t drop_doubles(char *bytes, size_t length)
{
	struct text seen[SINGLES + 1] = {0}, value;
	char *at = memchr(bytes, '\n', length), *end = bytes + length, *next;

	for (at = at ? at + 1 : end; at < end && *at != '\r' && *at != '\n'; at = next) {
		char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t which;

		next = feed ? feed + 1 : end;
		which = read_single((struct text){at, (size_t)(next - at)}, &value);
		if (which < SINGLES && seen[which].at && text_equal(seen[which], value)) {
			memmove(at, next, (size_t)(end - next));
			end -= next - at;
			next = at;
		} else if (!seen[which].at) {
			seen[which] = value;
		}
	}
	return (size_t)(end - bytes);
}

const char *libosip2_differs(const char *bytes, size_t length)
{
	static struct sip_message message;
	char *copy = malloc(length + 1);
	osip_message_t *theirs;
	const char *why;
	bool same, taken, theirs_taken;

	parser_init();
	osip_trace_initialize_func(TRACE_LEVEL0, be_silent);
	if (!copy || osip_message_init(&theirs) != OSIP_SUCCESS)
		abort();
	taken = takes(bytes, length, &message, &why);
	theirs_taken = osip_message_parse(theirs, copy,
			       drop_doubles(copy, copy_plain(bytes, length, copy))) == OSIP_SUCCESS;
	if (taken && theirs_taken)
		same = same_message(&message, theirs);
	else if (taken)
		same = differ("libosip2 alone refuses it");
	else
		same = !theirs_taken || differ("scanner alone refuses it: %s", why);
	osip_message_free(theirs);
	free(copy);
	return same ? NULL : difference;
}
