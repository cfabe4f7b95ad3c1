#include "sip_lex.h"

#include <errno.h>

/* Everything before the bracket. Phones send names that are no tokens (dots, parentheses, UTF-8);
 * only what could be read another way is refused. */
static const char *parse_display(const char *at, const char *end, struct text *display)
{
	const char *start = at;

	if (*at == '"') {
		at = lex_quoted(at, end);
		if (!at)
			return NULL;
		*display = text_between(start, at);
		at = lex_blanks(at, end);
		return lex_at(at, end, '<') ? at : NULL;
	}
	while (at < end && *at != '<' && *at != '"' && *at != ',' && *at != '>')
		at++;
	if (!lex_at(at, end, '<'))
		return NULL;
	*display = text_trim(text_between(start, at));
	if (display->length == 0)
		display->at = NULL;
	return at;
}

/* "<sip:...>". Blanks inside the brackets are wrong but clear (RFC 4475 3.1.2.14). */
static const char *parse_bracketed(
	const char *at, const char *end, struct sip_name_addr *out, struct sip_uri *uri)
{
	const char *close = lex_run(at + 1, end, LEX_URI), *odd;

	out->uri = text_between(at + 1, close);
	if (out->uri.length && lex_at(close, end, '>'))
		return close + 1;
	close = memchr(close, '>', (size_t)(end - close));
	if (!close)
		return NULL;
	out->uri = text_trim(text_between(at + 1, close));
	odd = lex_run(out->uri.at, close, LEX_URI);
	out->is_odd = odd != text_end(out->uri);
	if (out->uri.length == 0 || (out->is_odd && lex_odd_uri(out->uri, odd, uri) != 0))
		return NULL;
	return close + 1;
}

/* An addr-spec may hold no comma, semicolon or question mark (RFC 3261 20.10). */
static const char *parse_bare(const char *at, const char *end, struct text *uri)
{
	const char *start = at;

	while (at < end && lex_is(*at, LEX_URI) && *at != ';' && *at != ',' && *at != '?')
		at++;
	*uri = text_between(start, at);
	return at > start ? at : NULL;
}

/* Whether a bracket comes before the first semicolon, or a quoted display name starts it all. */
static bool is_bracketed(const char *at, const char *end)
{
	while (at < end && *at != ';' && *at != '<' && *at != '"')
		at++;
	return at < end && *at != ';';
}

static void note(struct sip_name_addr *out, const struct lex_param *param)
{
	struct text *noted = NULL;

	if (text_equal_nocase(param->name, TEXT("expires")))
		noted = &out->expires;
	else if (text_equal_nocase(param->name, TEXT("+sip.instance")))
		noted = &out->instance;
	if (!noted || noted->at)
		return;
	*noted = param->value.at ? param->value : text_between(param->end, param->end);
	/* RFC 2543 6.14 has quotes around a time that is a date; some have them around a number. */
	if (noted == &out->expires)
		*noted = sip_unquoted(*noted);
}

int sip_name_addr_parse(struct text value, struct sip_name_addr *out)
{
	struct sip_uri uri;

	return lex_name_addr(value, out, &uri);
}

int lex_name_addr(struct text value, struct sip_name_addr *out, struct sip_uri *uri)
{
	struct text inside = text_trim(value);
	const char *at = inside.at, *end = text_end(inside), *params;
	struct lex_param param;

	*out = (struct sip_name_addr){.value = value};
	if (text_equal(inside, TEXT("*"))) {
		out->is_star = true;
		return 0;
	}
	if (is_bracketed(at, end)) {
		at = parse_display(at, end, &out->display);
		if (at)
			at = parse_bracketed(at, end, out, uri);
	} else {
		at = parse_bare(at, end, &out->uri);
	}
	if (!at)
		return -EBADMSG;

	params = at = lex_blanks(at, end);
	while (at && lex_at(at, end, ';')) {
		at = out->param_count++ < SIP_PARAMS_MAX ? lex_param(at, end, &param) : NULL;
		if (at)
			note(out, &param);
	}
	out->params = text_between(params, end);
	return at == end ? 0 : -EBADMSG;
}
