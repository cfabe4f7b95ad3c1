#include "sip_lex.h"

#include <errno.h>

/* A user may hold semicolons and question marks (RFC 4475 3.1.1.9), nothing after it an at sign:
 * so the first one ends it. */
static const char *parse_user(const char *at, const char *end, struct text *user)
{
	const char *sign = at < end ? memchr(at, '@', (size_t)(end - at)) : NULL;

	if (!sign)
		return at;
	*user = text_between(at, sign);
	return sign + 1;
}

/* A question mark ends the parameters; the grammar has none inside them. */
static void split_params(const char *at, const char *end, struct sip_uri *out)
{
	const char *mark = at < end ? memchr(at, '?', (size_t)(end - at)) : NULL;

	if (!mark)
		mark = end;
	out->params = text_between(at, mark);
	out->headers = text_between(mark, end);
}

int sip_uri_parse(struct text uri, struct sip_uri *out)
{
	const char *odd = lex_run(uri.at, text_end(uri), LEX_URI);

	return odd == text_end(uri) ? lex_uri(uri, out) : lex_odd_uri(uri, odd, out);
}

/* Field by field: zeroing all of it at once takes as long as taking it apart. */
static void start(struct text uri, struct text scheme, struct sip_uri *out)
{
	static const struct text none;

	out->whole = uri;
	out->scheme = scheme;
	out->user = none;
	out->host = none;
	out->host_port = none;
	out->params = none;
	out->headers = none;
	out->port = 0;
	out->is_sip = false;
	out->is_address = false;
	out->address.port = 0;
}

int lex_uri(struct text uri, struct sip_uri *out)
{
	const char *end = text_end(uri), *at = lex_run(uri.at, end, LEX_SCHEME);
	struct lex_host host;

	start(uri, text_between(uri.at, at), out);
	if (out->scheme.length == 0 || !lex_at(at, end, ':'))
		return -EBADMSG;
	out->is_sip = text_equal_nocase(out->scheme, TEXT("sip"));
	if (!out->is_sip && !text_equal_nocase(out->scheme, TEXT("sips")))
		return 0;

	at = parse_user(at + 1, end, &out->user);
	at = lex_host_port(at, end, false, &host);
	if (!at || (at < end && *at != ';' && *at != '?'))
		return -EBADMSG;
	out->host = host.host;
	out->host_port = host.host_port;
	out->port = host.port;
	out->is_address = address_parse_host(host.host, &out->address);
	split_params(at, end, out);
	return 0;
}

/* Past a quoted string on one line. NULL when it does not end there. */
static const char *skip_quoted(const char *at, const char *end)
{
	const char *close = lex_quoted(at, end);

	return close && lex_run(at, close, LEX_TEXT) == close ? close : NULL;
}

/* To the question mark that stands in no quotes, or the end. NULL where there is what may not be in
 * parameters even so: an at sign would make a user of what stands before it. */
static const char *skip_odd_params(const char *at, const char *end)
{
	unsigned quoted = 0;

	while (at && at < end && *at != '?') {
		if (*at == '"')
			at = quoted++ < SIP_QUOTED_MAX ? skip_quoted(at, end) : NULL;
		else if ((lex_is(*at, LEX_URI) && *at != '@') || *at == ' ' || *at == '\t')
			at++;
		else
			return NULL;
	}
	return at;
}

int lex_odd_uri(struct text uri, const char *odd, struct sip_uri *out)
{
	const char *mark, *end = text_end(uri);

	if (lex_uri(text_between(uri.at, odd), out) != 0 || !out->params.length ||
		out->headers.length)
		return -EBADMSG;
	mark = skip_odd_params(odd, end);
	if (!mark || lex_run(mark, end, LEX_URI) != end)
		return -EBADMSG;
	out->whole = uri;
	out->params = text_between(out->params.at, mark);
	out->headers = text_between(mark, end);
	return 0;
}

bool host_is_at(struct text host, const struct address *address)
{
	struct address parsed;

	return address_parse_host(host, &parsed) && address_same_host(&parsed, address);
}

uint16_t uri_port(const struct sip_uri *uri)
{
	if (uri->port)
		return uri->port;
	return uri->is_sip ? SIP_DEFAULT_PORT : SIPS_DEFAULT_PORT;
}

bool uri_is_at(const struct sip_uri *uri, const struct address *address)
{
	return uri_port(uri) == address->port && uri->is_address &&
	       (uri->port || uri->host_port.length == uri->host.length) &&
	       address_same_host(&uri->address, address);
}
