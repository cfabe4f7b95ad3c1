#include "sip_lex.h"

enum {
	SYMBOL = LEX_TOKEN | LEX_URI | LEX_PARAM,
	DIGIT = SYMBOL | LEX_HOST | LEX_IPV6 | LEX_SCHEME,
	HEX = DIGIT,
	LETTER = SYMBOL | LEX_HOST | LEX_SCHEME,
	OTHER = LEX_URI | LEX_PARAM,
};

/* clang-format off */
const uint8_t lex_class[256] = {
	['\t'] = LEX_BLANK, ['\n'] = LEX_BLANK, ['\r'] = LEX_BLANK, [' '] = LEX_BLANK,
	['0' ... '9'] = DIGIT,
	['A' ... 'F'] = HEX, ['a' ... 'f'] = HEX,
	['G' ... 'Z'] = LETTER, ['g' ... 'z'] = LETTER,
	['-'] = SYMBOL | LEX_HOST | LEX_SCHEME, ['.'] = DIGIT, ['_'] = SYMBOL | LEX_HOST,
	['+'] = SYMBOL | LEX_SCHEME,
	['!'] = SYMBOL, ['%'] = SYMBOL, ['*'] = SYMBOL, ['`'] = SYMBOL, ['\''] = SYMBOL,
	['~'] = SYMBOL,
	[':'] = OTHER | LEX_IPV6,
	['#'] = OTHER, ['$'] = OTHER, ['&'] = OTHER, ['('] = OTHER, [')'] = OTHER, ['/'] = OTHER,
	['?'] = OTHER, ['@'] = OTHER, ['['] = OTHER, [']'] = OTHER, ['^'] = OTHER, ['{'] = OTHER,
	['|'] = OTHER, ['}'] = OTHER, ['\\'] = OTHER,
	['='] = LEX_URI, [';'] = LEX_URI, [','] = LEX_URI,
	[0x80 ... 0xff] = OTHER,
};
/* clang-format on */

bool lex_quoted(struct text *rest)
{
	for (size_t i = 1; i < rest->length; i++) {
		if (rest->at[i] == '\\') {
			i++;
		} else if (rest->at[i] == '"') {
			lex_skip(rest, i + 1);
			return true;
		}
	}
	return false;
}

bool lex_comment(struct text *rest)
{
	size_t depth = 0;

	for (size_t i = 0; i < rest->length; i++) {
		char c = rest->at[i];

		if (c == '\\') {
			i++;
		} else if (c == '(') {
			depth++;
		} else if (c == ')' && --depth == 0) {
			lex_skip(rest, i + 1);
			return true;
		}
	}
	return false;
}

static bool lex_host_name(struct text *rest, struct text *host)
{
	struct text whole = *rest;

	if (!lex_at(*rest, '[')) {
		*host = lex_run(rest, LEX_HOST);
		return host->length > 0;
	}
	lex_skip(rest, 1);
	if (lex_run(rest, LEX_IPV6).length == 0 || !lex_at(*rest, ']'))
		return false;
	lex_skip(rest, 1);
	*host = lex_before(whole, *rest);
	return true;
}

bool lex_host_port(struct text *rest, bool blanks, struct lex_host *out)
{
	struct text whole = *rest, after;
	uint32_t port;

	out->port = 0;
	if (!lex_host_name(rest, &out->host))
		return false;
	out->host_port = out->host;
	after = *rest;
	if (blanks)
		lex_skip_blanks(&after);
	if (!lex_at(after, ':'))
		return true;
	lex_skip(&after, 1);
	if (blanks)
		lex_skip_blanks(&after);
	if (!text_number(lex_run(&after, LEX_HOST), &port) || port == 0 || port > UINT16_MAX)
		return false;
	out->port = (uint16_t)port;
	out->host_port = lex_before(whole, after);
	*rest = after;
	return true;
}

bool lex_param(struct text *rest, struct lex_param *param)
{
	struct text value;

	lex_skip(rest, 1);
	param->end = rest->at;
	param->value = (struct text){0};
	lex_skip_blanks(rest);
	param->name = lex_run(rest, LEX_PARAM);
	if (param->name.length)
		param->end = rest->at;
	lex_skip_blanks(rest);
	if (!lex_at(*rest, '='))
		return rest->length == 0 || *rest->at == ';';
	lex_skip(rest, 1);
	param->end = rest->at;
	lex_skip_blanks(rest);
	value = *rest;
	if (lex_at(*rest, '"')) {
		if (!lex_quoted(rest))
			return false;
	} else {
		/* An equals sign belongs to the value: base64 ends in them. */
		while (lex_run(rest, LEX_PARAM).length || lex_at(*rest, '=')) {
			if (lex_at(*rest, '='))
				lex_skip(rest, 1);
		}
	}
	param->value = lex_before(value, *rest);
	if (param->value.length)
		param->end = rest->at;
	lex_skip_blanks(rest);
	return param->name.length && (rest->length == 0 || *rest->at == ';');
}
