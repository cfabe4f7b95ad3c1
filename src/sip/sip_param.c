#include "sip_lex.h"

/* The next semicolon that stands in no quotes, the last where several stand together, or the
 * end. */
static const char *find_semicolon(const char *at, const char *end)
{
	while (at < end && *at != ';') {
		at = *at == '"' ? lex_quoted(at, end) : at + 1;
		if (!at)
			return end;
	}
	while (end - at > 1 && at[1] == ';')
		at++;
	return at;
}

/* Whether a name may begin there: most parameters differ within two letters. */
static bool may_be_named(const char *first, const char *end, struct text name)
{
	return end - first >= 2 && ((first[0] ^ name.at[0]) & ~0x20) == 0 &&
	       ((first[1] ^ name.at[1]) & ~0x20) == 0;
}

/* Few parameters begin like the name, and only those are taken apart. */
bool sip_param_span(struct text params, struct text name, struct text *value, struct text *whole)
{
	const char *at = params.at, *end = text_end(params);
	struct lex_param param;

	for (; lex_at(at, end, ';'); at = find_semicolon(at + 1, end)) {
		const char *first = lex_blanks(at + 1, end), *start = at;

		if (first == end || ((*first ^ *name.at) & ~0x20) != 0 ||
			(name.length > 1 && !may_be_named(first, end, name)) ||
			!lex_param(at, end, &param) || !text_equal_nocase(param.name, name))
			continue;
		while (start > params.at && lex_is(start[-1], LEX_BLANK))
			start--;
		*value = param.value;
		*whole = text_between(start, param.end);
		return true;
	}
	return false;
}

void sip_params(struct text params, const struct text *names, unsigned count, struct text *values)
{
	const char *at = params.at, *end = text_end(params);
	struct lex_param param;

	for (; lex_at(at, end, ';'); at = find_semicolon(at + 1, end)) {
		const char *first = lex_blanks(at + 1, end);

		for (unsigned i = 0; i < count; i++) {
			if (values[i].at || !may_be_named(first, end, names[i]) ||
				!lex_param(at, end, &param) ||
				!text_equal_nocase(param.name, names[i]))
				continue;
			values[i] =
				param.value.at ? param.value : text_between(param.end, param.end);
			break;
		}
	}
}

struct text sip_unquoted(struct text value)
{
	if (value.length && *value.at == '"')
		return (struct text){value.at + 1, value.length - 2};
	return value;
}

bool sip_param(struct text params, struct text name, struct text *value)
{
	struct text whole;

	return sip_param_span(params, name, value, &whole);
}
