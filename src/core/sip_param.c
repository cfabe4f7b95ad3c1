#include "sip_lex.h"

#include <natbox/sip.h>

bool sip_param_span(struct text params, struct text name, struct text *value, struct text *whole)
{
	const char *at = params.at, *end = text_end(params), *start = at;
	struct lex_param param;

	while (at && lex_at(at, end, ';')) {
		at = lex_param(at, end, &param);
		if (at && text_equal_nocase(param.name, name)) {
			*value = param.value;
			*whole = lex_text(start, param.end);
			return true;
		}
		start = param.end;
	}
	return false;
}

bool sip_param(struct text params, struct text name, struct text *value)
{
	struct text whole;

	return sip_param_span(params, name, value, &whole);
}
