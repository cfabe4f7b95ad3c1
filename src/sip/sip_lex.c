#include "sip_lex.h"

enum {
	ANY = LEX_PLAIN | LEX_REMARK,
	BLANK = LEX_BLANK | ANY,
	SYMBOL = LEX_TOKEN | LEX_TEXT | LEX_URI | LEX_VALUE | LEX_NAME | ANY,
	DIGIT = SYMBOL | LEX_HOST | LEX_IPV6 | LEX_SCHEME,
	HEX = DIGIT,
	LETTER = SYMBOL | LEX_HOST | LEX_SCHEME,
	OTHER = LEX_TEXT | LEX_URI | LEX_VALUE | LEX_NAME | ANY,
};

/* clang-format off */
const uint16_t lex_class[256] = {
	[0 ... 8] = ANY, [11 ... 12] = ANY, [14 ... 31] = ANY, [127] = ANY,
	['\t'] = LEX_TEXT | BLANK, ['\n'] = BLANK, ['\r'] = BLANK, [' '] = LEX_TEXT | BLANK,
	['0' ... '9'] = DIGIT,
	['A' ... 'F'] = HEX, ['a' ... 'f'] = HEX,
	['G' ... 'Z'] = LETTER, ['g' ... 'z'] = LETTER,
	['-'] = SYMBOL | LEX_HOST | LEX_SCHEME, ['.'] = DIGIT, ['_'] = SYMBOL | LEX_HOST,
	['+'] = SYMBOL | LEX_SCHEME,
	['!'] = SYMBOL, ['%'] = SYMBOL, ['*'] = SYMBOL, ['`'] = SYMBOL, ['\''] = SYMBOL,
	['~'] = SYMBOL,
	[':'] = OTHER | LEX_IPV6,
	['#'] = OTHER, ['$'] = OTHER, ['&'] = OTHER, ['/'] = OTHER, ['?'] = OTHER, ['@'] = OTHER,
	['['] = OTHER, [']'] = OTHER, ['^'] = OTHER, ['{'] = OTHER, ['|'] = OTHER, ['}'] = OTHER,
	['='] = (LEX_TEXT | LEX_URI | LEX_VALUE) | ANY, [';'] = LEX_TEXT | LEX_URI | ANY,
	[','] = LEX_TEXT | LEX_URI | LEX_REMARK,
	['('] = OTHER & ~ANY, [')'] = OTHER & ~LEX_REMARK, ['\\'] = OTHER & ~LEX_REMARK,
	['"'] = LEX_TEXT | LEX_REMARK, ['<'] = LEX_TEXT | LEX_REMARK, ['>'] = LEX_TEXT | ANY,
	[0x80 ... 0xff] = OTHER,
};
/* clang-format on */

const char *lex_quoted(const char *at, const char *end)
{
	const char *close;

	/* A search takes longer than one that is empty. */
	if (lex_at(at + 1, end, '"'))
		return at + 2;
	close = memchr(at + 1, '"', (size_t)(end - at) - 1);
	if (!close || !memchr(at, '\\', (size_t)(close - at)))
		return close ? close + 1 : NULL;
	while (++at < end) {
		if (*at == '"')
			return at + 1;
		if (*at == '\\')
			at++;
	}
	return NULL;
}

const char *lex_comment(const char *at, const char *end)
{
	size_t depth = 0;

	for (; (at = lex_run(at, end, LEX_REMARK)) < end; at++) {
		if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return at + 1;
		else if (*at == '\\')
			at++;
	}
	return NULL;
}

static const char *lex_host_name(const char *at, const char *end)
{
	const char *start = at;

	if (!lex_at(at, end, '[')) {
		at = lex_run(at, end, LEX_HOST);
		return at > start ? at : NULL;
	}
	at = lex_run(at + 1, end, LEX_IPV6);
	return lex_at(at, end, ']') && at > start + 1 ? at + 1 : NULL;
}

const char *lex_host_port(const char *at, const char *end, bool blanks, struct lex_host *out)
{
	const char *start = at, *digits;
	uint32_t port;

	at = lex_host_name(start, end);
	if (!at)
		return NULL;
	out->port = 0;
	out->host = text_between(start, at);
	out->host_port = text_between(start, at);
	if (blanks)
		at = lex_blanks(at, end);
	if (!lex_at(at, end, ':'))
		return at;
	digits = blanks ? lex_blanks(at + 1, end) : at + 1;
	at = lex_run(digits, end, LEX_HOST);
	if (!text_number(text_between(digits, at), &port) || port > UINT16_MAX)
		return NULL;
	out->port = (uint16_t)port;
	out->host_port = text_between(start, at);
	return at;
}

/* A feature's string stands in brackets, as an instance does (RFC 3840 9). Some phones leave out
 * the quotes around them. */
static const char *lex_unquoted(const char *at, const char *end, bool is_feature)
{
	at = lex_run(at, end, LEX_VALUE);
	if (!is_feature || !lex_at(at, end, '<'))
		return at;
	at = memchr(at, '>', (size_t)(end - at));
	return at ? lex_run(at + 1, end, LEX_VALUE) : NULL;
}

static const char *lex_param_end(const char *at, const char *end)
{
	at = lex_blanks(at, end);
	return at == end || *at == ';' ? at : NULL;
}

const char *lex_param(const char *at, const char *end, struct lex_param *param)
{
	const char *semicolon = at, *name = lex_blanks(at + 1, end), *value;

	at = lex_run(name, end, LEX_NAME);
	param->name = text_between(name, at);
	param->value = (struct text){0};
	param->end = at > name ? at : semicolon + 1;
	if (lex_at(at, end, ';'))
		return at;
	at = lex_blanks(at, end);
	if (!lex_at(at, end, '='))
		return lex_param_end(at, end);
	if (param->name.length == 0)
		return NULL;
	param->end = at + 1;
	value = lex_blanks(at + 1, end);
	at = lex_at(value, end, '"') ? lex_quoted(value, end)
				     : lex_unquoted(value, end, *name == '+');
	if (!at)
		return NULL;
	/* An empty one stands before the blanks that follow it. */
	param->value = at > value ? text_between(value, at) : text_between(param->end, param->end);
	if (param->value.length)
		param->end = at;
	return lex_param_end(at, end);
}
