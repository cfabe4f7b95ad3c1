#include "sip_lex.h"

#include <errno.h>
#include <natbox/sip.h>
#include <string.h>

/* Everything before the bracket, rest being left on it. Phones send names that are no tokens
 * (dots, parentheses, UTF-8); only what could be read another way is refused. */
static bool parse_display(struct text *rest, struct text *display)
{
	struct text whole = *rest;

	if (lex_at(*rest, '"')) {
		if (!lex_quoted(rest))
			return false;
		*display = lex_before(whole, *rest);
		lex_skip_blanks(rest);
		return lex_at(*rest, '<');
	}
	while (rest->length && *rest->at != '<') {
		if (*rest->at == '"' || *rest->at == ',' || *rest->at == '>')
			return false;
		lex_skip(rest, 1);
	}
	*display = text_trim(lex_before(whole, *rest));
	if (display->length == 0)
		display->at = NULL;
	return true;
}

/* "<sip:...>" */
static bool parse_bracketed(struct text *rest, struct text *uri)
{
	const char *end = memchr(rest->at, '>', rest->length);
	struct text inside;

	if (!end)
		return false;
	inside = (struct text){rest->at + 1, (size_t)(end - rest->at) - 1};
	lex_skip(rest, inside.length + 2);
	/* Blanks inside the brackets are wrong but clear (RFC 4475 3.1.2.14). */
	inside = text_trim(inside);
	*uri = lex_run(&inside, LEX_URI);
	return uri->length > 0 && inside.length == 0;
}

/* An addr-spec may hold no comma, semicolon or question mark (RFC 3261 20.10). */
static bool parse_bare(struct text *rest, struct text *uri)
{
	struct text whole = *rest;

	while (rest->length && *rest->at != ';' && *rest->at != ',' && *rest->at != '?' &&
		lex_is(*rest->at, LEX_URI))
		lex_skip(rest, 1);
	*uri = lex_before(whole, *rest);
	return uri->length > 0;
}

/* Whether a bracket comes before the first semicolon, or a quoted display name starts it all. */
static bool is_bracketed(struct text value)
{
	for (size_t i = 0; i < value.length && value.at[i] != ';'; i++) {
		if (value.at[i] == '<' || value.at[i] == '"')
			return true;
	}
	return false;
}

int sip_name_addr_parse(struct text value, struct sip_name_addr *out)
{
	struct text rest = text_trim(value);
	struct lex_param param;

	*out = (struct sip_name_addr){.value = value};
	if (text_equal(rest, TEXT("*"))) {
		out->is_star = true;
		return 0;
	}
	if (!is_bracketed(rest)) {
		if (!parse_bare(&rest, &out->uri))
			return -EBADMSG;
	} else if (!parse_display(&rest, &out->display) || !parse_bracketed(&rest, &out->uri)) {
		return -EBADMSG;
	}
	lex_skip_blanks(&rest);
	out->params = rest;
	while (lex_at(rest, ';')) {
		if (!lex_param(&rest, &param))
			return -EBADMSG;
	}
	return rest.length == 0 ? 0 : -EBADMSG;
}
