#include "sip_lex.h"

#include <errno.h>

/* "SIP / 2.0 / UDP " with blanks wherever the grammar has them. */
static const char *parse_protocol(const char *at, const char *end, struct text *transport)
{
	static const struct text plain = {"SIP/2.0/UDP ", 12};

	/* As nearly all write it. */
	if (text_starts_with(text_between(at, end), plain)) {
		*transport = (struct text){at + strlen("SIP/2.0/"), strlen("UDP")};
		return lex_blanks(at + plain.length, end);
	}
	for (int part = 0;; part++) {
		const char *start = at;

		at = lex_run(start, end, LEX_TOKEN);
		if (at == start)
			return NULL;
		*transport = text_between(start, at);
		start = at;
		at = lex_blanks(at, end);
		if (part == 2)
			return at > start ? at : NULL;
		if (!lex_at(at, end, '/'))
			return NULL;
		at = lex_blanks(at + 1, end);
	}
}

static void note_first(struct sip_via *via, struct sip_param *first, struct sip_param param)
{
	if (first->whole.at)
		via->has_doubles = true;
	else
		*first = param;
}

/* False when it is a branch and cannot be: two that differ would be two transactions. */
static bool note(struct sip_via *via, struct text name, struct sip_param param)
{
	if (text_equal_nocase(name, TEXT("branch"))) {
		if ((via->branch.at && !text_equal(via->branch, param.value)) ||
			param.value.length == 0)
			return false;
		via->branch = param.value;
	} else if (text_equal_nocase(name, TEXT("received"))) {
		note_first(via, &via->received, param);
	} else if (text_equal_nocase(name, TEXT("rport"))) {
		note_first(via, &via->rport, param);
	} else {
		via->has_others = true;
	}
	return true;
}

static int parse_params(const char *at, const char *end, struct sip_via *via)
{
	const char *start = at, *previous_end = at;
	struct lex_param param = {.end = at};

	for (; lex_at(at, end, ';'); previous_end = param.end) {
		at = via->param_count++ < SIP_PARAMS_MAX ? lex_param(at, end, &param) : NULL;
		if (!at || !note(via, param.name,
				   (struct sip_param){
					   param.value, text_between(previous_end, param.end)}))
			return -EBADMSG;
	}
	via->params = text_between(start, param.end);
	return at == end ? 0 : -EBADMSG;
}

/* Where the value ends for us: RFC 2543 let a comment follow. NULL when that does not end well. */
static const char *find_end(struct text value)
{
	const char *at = value.at, *end = text_end(value), *comment;

	if (!value.length || !memchr(at, '(', value.length))
		return end;
	while (at && at < end && *at != '(')
		at = *at == '"' ? lex_quoted(at, end) : at + 1;
	if (!at || at == end)
		return at;
	comment = at;
	at = lex_comment(at, end);
	return at && lex_blanks(at, end) == end ? comment : NULL;
}

int sip_via_parse(struct text value, struct sip_via *via)
{
	const char *end = find_end(value), *at;
	struct lex_host host;

	via->value = value;
	via->branch = (struct text){0};
	via->received = (struct sip_param){0};
	via->rport = (struct sip_param){0};
	via->has_doubles = false;
	via->has_others = false;
	via->param_count = 0;
	if (!end)
		return -EBADMSG;
	at = parse_protocol(value.at, end, &via->transport);
	if (at)
		at = lex_host_port(at, end, true, &host);
	if (!at)
		return -EBADMSG;
	via->host = host.host;
	via->sent_by = host.host_port;
	via->port = host.port;
	return parse_params(lex_blanks(at, end), end, via);
}
