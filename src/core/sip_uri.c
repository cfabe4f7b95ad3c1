#include "sip_lex.h"

#include <errno.h>
#include <natbox/sip.h>
#include <string.h>

/* A question mark ends the parameters; the grammar has none inside them. */
static void split_params(struct text rest, struct sip_uri *uri)
{
	const char *mark = rest.length ? memchr(rest.at, '?', rest.length) : NULL;

	uri->params = uri->headers = rest;
	if (!mark)
		mark = text_end(rest);
	uri->params.length = (size_t)(mark - rest.at);
	uri->headers.at = mark;
	uri->headers.length = rest.length - uri->params.length;
}

int sip_uri_parse(struct text uri, struct sip_uri *out)
{
	struct text rest = uri;
	struct lex_host host;
	const char *at_sign;

	*out = (struct sip_uri){.whole = uri};
	out->scheme = lex_run(&rest, LEX_SCHEME);
	if (out->scheme.length == 0 || !lex_at(rest, ':'))
		return -EBADMSG;
	lex_skip(&rest, 1);
	out->is_sip = text_equal_nocase(out->scheme, TEXT("sip"));
	if (!out->is_sip && !text_equal_nocase(out->scheme, TEXT("sips")))
		return 0;

	/* A user may hold semicolons and question marks (RFC 4475 3.1.1.13), nothing after it an
	 * at sign: so the first one ends it. */
	at_sign = rest.length ? memchr(rest.at, '@', rest.length) : NULL;
	if (at_sign) {
		out->user = (struct text){rest.at, (size_t)(at_sign - rest.at)};
		lex_skip(&rest, out->user.length + 1);
	}
	if (!lex_host_port(&rest, false, &host))
		return -EBADMSG;
	if (rest.length && *rest.at != ';' && *rest.at != '?')
		return -EBADMSG;
	out->host = host.host;
	out->host_port = host.host_port;
	out->port = host.port;
	split_params(rest, out);
	if (lex_run(&uri, LEX_URI).length != out->whole.length)
		return -EBADMSG;
	return 0;
}
