#include "sip_lex.h"

/* Takes "name=value" from at on, with the blanks around it. Where it ends, NULL when it is none. */
static const char *take_param(
	const char *at, const char *end, struct text *name, struct text *value)
{
	const char *start = lex_blanks(at, end);

	at = lex_run(start, end, LEX_TOKEN);
	*name = text_between(start, at);
	at = lex_blanks(at, end);
	if (!lex_at(at, end, '='))
		return NULL;
	start = lex_blanks(at + 1, end);
	at = lex_at(start, end, '"') ? lex_quoted(start, end) : lex_run(start, end, LEX_TOKEN);
	if (!at)
		return NULL;
	*value = text_between(start, at);
	return lex_blanks(at, end);
}

bool sip_nonce(struct text auth, struct text *nonce)
{
	const char *end = text_end(auth), *at = lex_run(auth.at, end, LEX_TOKEN); /* its scheme */
	struct text name, value;

	while ((at = take_param(at, end, &name, &value))) {
		if (text_equal_nocase(name, TEXT("nonce"))) {
			*nonce = sip_unquoted(value);
			return nonce->length > 0;
		}
		if (!lex_at(at, end, ','))
			return false;
		at++;
	}
	return false;
}
