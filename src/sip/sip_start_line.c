#include "sip_lex.h"

/* The most frequent first. */
static const struct {
	struct text name;
	enum sip_method method;
} methods[] = {
	{TEXT("REGISTER"), SIP_REGISTER},
	{TEXT("OPTIONS"), SIP_OPTIONS},
	{TEXT("NOTIFY"), SIP_NOTIFY},
	{TEXT("SUBSCRIBE"), SIP_SUBSCRIBE},
	{TEXT("INVITE"), SIP_INVITE},
	{TEXT("ACK"), SIP_ACK},
	{TEXT("BYE"), SIP_BYE},
	{TEXT("CANCEL"), SIP_CANCEL},
	{TEXT("UPDATE"), SIP_UPDATE},
	{TEXT("INFO"), SIP_INFO},
	{TEXT("PRACK"), SIP_PRACK},
	{TEXT("REFER"), SIP_REFER},
};

enum sip_method lex_method(struct text name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (methods[i].name.length == name.length && text_equal(methods[i].name, name))
			return methods[i].method;
	}
	return SIP_OTHER;
}

bool lex_means_sip(struct text line)
{
	const char *end = text_end(line);

	for (const char *at = line.at; end - at >= 4; at++) {
		bool starts_word = at == line.at || lex_is(at[-1], LEX_BLANK);

		if (starts_word && text_equal_nocase(text_between(at, at + 4), TEXT("SIP/")))
			return true;
	}
	return false;
}

/* "200 OK": what follows the version and its space. */
static enum sip_defect parse_status(const char *at, const char *end, struct sip_message *message)
{
	uint32_t status;

	if (end - at < 3 || !text_number(text_between(at, at + 3), &status) || status < 100 ||
		status > 699 || (end - at > 3 && at[3] != ' '))
		return DEFECT_BAD_STATUS;
	message->status = status;
	message->reason = text_trim(text_between(at + 3, end));
	return DEFECT_NONE;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim_spaces(const char *at, const char *end)
{
	while (at < end && is_space(end[-1]))
		end--;
	while (at < end && is_space(*at))
		at++;
	return text_between(at, end);
}

/* What follows the method and its space, where one space and a URI without any is not all that
 * stands before the version (RFC 4475 3.1.2.7 to 3.1.2.10). */
static enum sip_defect parse_odd_request(
	const char *at, const char *end, struct sip_message *message)
{
	const struct text version = TEXT(" SIP/2.0");
	struct text line = trim_spaces(at, end), uri;
	struct sip_uri parsed;

	if (line.length <= version.length)
		return DEFECT_BAD_START_LINE;
	uri = text_between(line.at, text_end(line) - version.length);
	if (!text_equal_nocase(text_between(text_end(uri), text_end(line)), version))
		return lex_at(lex_run(at, end, LEX_URI), end, ' ') && *at != ' '
			       ? DEFECT_NOT_SIP_2
			       : DEFECT_BAD_START_LINE;
	message->request_uri = trim_spaces(uri.at, text_end(uri));
	if (line.at == at && text_end(line) == end && sip_uri_parse(uri, &parsed) == 0)
		return DEFECT_NONE;
	/* It can at least be nothing else where it is all on one line. */
	if (lex_run(uri.at, text_end(uri), LEX_TEXT) != text_end(uri))
		return DEFECT_BAD_START_LINE;
	lex_note_flaw(message, DEFECT_BAD_START_LINE);
	return DEFECT_NONE;
}

/* One space parts the words (RFC 3261 7.1). */
static enum sip_defect parse_request(const char *at, const char *end, struct sip_message *message)
{
	const char *start = at;

	message->is_request = true;
	at = lex_run(start, end, LEX_TOKEN);
	message->method_name = text_between(start, at);
	if (at == start || !lex_at(at, end, ' '))
		return DEFECT_BAD_START_LINE;
	message->method = lex_method(message->method_name);
	start = at + 1;
	at = lex_run(start, end, LEX_URI);
	message->request_uri = text_between(start, at);
	if (at > start && text_equal_nocase(text_between(at, end), TEXT(" SIP/2.0")))
		return DEFECT_NONE;
	return parse_odd_request(start, end, message);
}

enum sip_defect lex_start_line(struct text line, struct sip_message *message)
{
	struct text version = TEXT("SIP/2.0 ");

	if (line.length >= version.length &&
		text_equal_nocase((struct text){line.at, version.length}, version))
		return parse_status(line.at + version.length, text_end(line), message);
	return parse_request(line.at, text_end(line), message);
}
