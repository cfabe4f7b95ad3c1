#include "sip_lex.h"

#include <errno.h>
#include <natbox/sip.h>

/* "SIP / 2.0 / UDP " with blanks wherever the grammar has them. */
static bool parse_protocol(struct text *rest, struct text *transport)
{
	for (int part = 0;; part++) {
		*transport = lex_run(rest, LEX_TOKEN);
		if (transport->length == 0)
			return false;
		if (part == 2)
			return rest->length && lex_is(*rest->at, LEX_BLANK);
		lex_skip_blanks(rest);
		if (!lex_at(*rest, '/'))
			return false;
		lex_skip(rest, 1);
		lex_skip_blanks(rest);
	}
}

/* Finds the branch on the way: two of them would be two transactions. */
static bool parse_params(struct text *rest, struct sip_via *via)
{
	struct text whole = *rest;
	struct lex_param param;

	while (lex_at(*rest, ';')) {
		if (!lex_param(rest, &param))
			return false;
		if (text_equal_nocase(param.name, TEXT("branch"))) {
			if (via->branch.at || param.value.length == 0)
				return false;
			via->branch = param.value;
		}
		via->params = (struct text){whole.at, (size_t)(param.end - whole.at)};
	}
	return rest->length == 0;
}

/* RFC 2543 let a comment end a Via; it is no part of anything here. */
static bool cut_comment(struct text *value)
{
	struct text rest = *value;

	while (rest.length && *rest.at != '(') {
		if (*rest.at != '"')
			lex_skip(&rest, 1);
		else if (!lex_quoted(&rest))
			return false;
	}
	*value = text_trim(lex_before(*value, rest));
	return rest.length == 0 || (lex_comment(&rest) && text_trim(rest).length == 0);
}

int sip_via_parse(struct text value, struct sip_via *via)
{
	struct text rest = value;
	struct lex_host host;

	*via = (struct sip_via){.value = value};
	if (!cut_comment(&rest))
		return -EBADMSG;
	if (!parse_protocol(&rest, &via->transport))
		return -EBADMSG;
	lex_skip_blanks(&rest);
	if (!lex_host_port(&rest, true, &host))
		return -EBADMSG;
	via->host = host.host;
	via->sent_by = host.host_port;
	via->port = host.port;
	lex_skip_blanks(&rest);
	via->params = (struct text){rest.at, 0};
	return parse_params(&rest, via) ? 0 : -EBADMSG;
}
