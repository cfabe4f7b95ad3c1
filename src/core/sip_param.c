#include "sip_lex.h"

#include <natbox/sip.h>

bool sip_param_span(struct text params, struct text name, struct text *value, struct text *whole)
{
	struct text rest = params;
	const char *start = params.at;
	struct lex_param param;

	while (lex_at(rest, ';')) {
		if (!lex_param(&rest, &param))
			return false;
		if (text_equal_nocase(param.name, name)) {
			*value = param.value;
			*whole = (struct text){start, (size_t)(param.end - start)};
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
