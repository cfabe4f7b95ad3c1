#include "sip_lex.h"

#include <errno.h>
#include <natbox/sip.h>
#include <stddef.h>
#include <string.h>

/* A header field of interest: a text of the message, or one of its lists. */
struct header {
	struct text name;
	char compact; /* 0: none */
	enum { HEADER_LIST, HEADER_SINGLE } kind;
	size_t place; /* enum sip_list, or the offset of the text in struct sip_message */
	const char *twice;
};

#define LIST(name, compact, list)                                                                  \
	{                                                                                          \
		TEXT(name), compact, HEADER_LIST, list, NULL                                       \
	}
#define SINGLE(name, compact, member)                                                              \
	{                                                                                          \
		TEXT(name), compact, HEADER_SINGLE, offsetof(struct sip_message, member),          \
			"two " name                                                                \
	}

static const struct header headers[] = {
	SINGLE("To", 't', to),
	LIST("Via", 'v', SIP_VIA),
	SINGLE("From", 'f', from),
	SINGLE("CSeq", 0, cseq),
	SINGLE("Event", 'o', event),
	LIST("Route", 0, SIP_ROUTE),
	LIST("Contact", 'm', SIP_CONTACT),
	SINGLE("Call-ID", 'i', call_id),
	SINGLE("Expires", 0, expires),
	LIST("Record-Route", 0, SIP_RECORD_ROUTE),
	SINGLE("Content-Type", 'c', content_type),
	SINGLE("Content-Length", 'l', content_length),
	SINGLE("Session-Expires", 'x', session_expires),
	SINGLE("Subscription-State", 0, subscription_state),
};

static const struct {
	struct text name;
	enum sip_method method;
} methods[] = {
	{TEXT("ACK"), SIP_ACK},
	{TEXT("BYE"), SIP_BYE},
	{TEXT("CANCEL"), SIP_CANCEL},
	{TEXT("INVITE"), SIP_INVITE},
	{TEXT("NOTIFY"), SIP_NOTIFY},
	{TEXT("OPTIONS"), SIP_OPTIONS},
	{TEXT("PRACK"), SIP_PRACK},
	{TEXT("REFER"), SIP_REFER},
	{TEXT("REGISTER"), SIP_REGISTER},
	{TEXT("SUBSCRIBE"), SIP_SUBSCRIBE},
	{TEXT("UPDATE"), SIP_UPDATE},
};

static enum sip_method method_of(struct text name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (text_equal(methods[i].name, name))
			return methods[i].method;
	}
	return SIP_OTHER;
}

static const struct header *header_of(struct text name)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		const struct header *header = &headers[i];

		if (name.length == 1 ? header->compact == (*name.at | 0x20)
				     : text_equal_nocase(header->name, name))
			return header;
	}
	return NULL;
}

/* Whether somebody meant SIP by a start line that is none: it names the protocol. */
static bool means_sip(struct text line)
{
	for (struct text rest = line; rest.length >= 4; lex_skip(&rest, 1)) {
		bool starts_word = rest.at == line.at || lex_is(rest.at[-1], LEX_BLANK);

		if (starts_word && text_equal_nocase((struct text){rest.at, 4}, TEXT("SIP/")))
			return true;
	}
	return false;
}

static bool is_version(struct text text)
{
	return text_equal_nocase(text, TEXT("SIP/2.0"));
}

/* "200 OK": what follows the version and its space. */
static const char *parse_status(struct text rest, struct sip_message *message)
{
	struct text digits = {rest.at, 3};
	uint32_t status;

	if (rest.length < 3 || !text_number(digits, &status) || status < 100 || status > 699)
		return "bad status";
	lex_skip(&rest, 3);
	if (rest.length && *rest.at != ' ')
		return "bad status";
	message->status = status;
	message->reason = text_trim(rest);
	return NULL;
}

/* The words are parted by one space each and nothing else (RFC 3261 7.1, RFC 4475 3.1.2.8). */
static const char *parse_start_line(struct text line, struct sip_message *message)
{
	struct text rest = line;

	if (line.length > 8 && line.at[7] == ' ' && is_version((struct text){line.at, 7})) {
		lex_skip(&rest, 8);
		return parse_status(rest, message);
	}
	message->is_request = true;
	message->method_name = lex_run(&rest, LEX_TOKEN);
	if (message->method_name.length == 0 || !lex_at(rest, ' '))
		return "bad start line";
	lex_skip(&rest, 1);
	message->request_uri = lex_run(&rest, LEX_URI);
	if (message->request_uri.length == 0 || !lex_at(rest, ' '))
		return "bad start line";
	lex_skip(&rest, 1);
	message->method = method_of(message->method_name);
	return is_version(rest) ? NULL : "not SIP/2.0";
}

/* Eats a line up to its line feed; the line has neither that nor a carriage return before it. */
static bool next_line(struct text *rest, bool folds, struct text *line)
{
	const char *end = text_end(*rest);
	const char *feed = memchr(rest->at, '\n', rest->length);

	while (folds && feed && feed + 1 < end && (feed[1] == ' ' || feed[1] == '\t'))
		feed = memchr(feed + 1, '\n', (size_t)(end - feed) - 1);
	if (!feed)
		return false;
	*line = (struct text){rest->at, (size_t)(feed - rest->at)};
	lex_skip(rest, line->length + 1);
	if (line->length && text_end(*line)[-1] == '\r')
		line->length--;
	return true;
}

/* Some read a carriage return alone as a line end: what they see is not what stands here. */
static bool has_bare_return(struct text value)
{
	const char *end = text_end(value), *at = value.at;

	while (at < end && (at = memchr(at, '\r', (size_t)(end - at)))) {
		if (at + 1 == end || at[1] != '\n')
			return true;
		at += 2;
	}
	return false;
}

static const char *take_header(struct sip_message *message, struct text line)
{
	const char *colon = memchr(line.at, ':', line.length);
	struct text name = {line.at, 0}, value;
	const struct header *header;
	struct text *single;

	if (!colon)
		return "header field without colon";
	name.length = (size_t)(colon - line.at);
	value = (struct text){colon + 1, line.length - name.length - 1};
	while (name.length && lex_is(name.at[name.length - 1], LEX_BLANK))
		name.length--;
	header = header_of(name);
	if (!header)
		return NULL;
	value = text_trim(value);
	if (has_bare_return(value))
		return "carriage return without line feed";
	if (header->kind == HEADER_LIST) {
		if (message->field_count == SIP_FIELDS_MAX)
			return "too many header fields";
		message->fields[message->field_count++] =
			(struct sip_field){(uint8_t)header->place, value};
		return NULL;
	}
	single = (struct text *)((char *)message + header->place);
	if (single->at)
		return header->twice;
	*single = value;
	return NULL;
}

static const char *take_headers(struct sip_message *message, struct text *rest)
{
	struct text line;
	const char *why;

	if (rest->length && (*rest->at == ' ' || *rest->at == '\t'))
		return "folded start line";
	for (;;) {
		bool ends = lex_at(*rest, '\n') ||
			    (rest->length > 1 && rest->at[0] == '\r' && rest->at[1] == '\n');

		if (!next_line(rest, !ends, &line))
			return "no empty line after the header";
		if (ends)
			return NULL;
		why = take_header(message, line);
		if (why)
			return why;
	}
}

static const char *check_cseq(struct sip_message *message)
{
	struct text rest = message->cseq, number = lex_run(&rest, LEX_TOKEN);

	if (!text_number(number, &message->cseq_number))
		return "bad CSeq";
	rest = text_trim(rest);
	if (rest.length == 0 || lex_run(&rest, LEX_TOKEN).length == 0 || rest.length)
		return "bad CSeq";
	rest = text_trim((struct text){
		text_end(number), (size_t)(text_end(message->cseq) - text_end(number))});
	if (message->is_request)
		return text_equal(rest, message->method_name) ? NULL : "CSeq of another method";
	message->method_name = rest;
	message->method = method_of(rest);
	return NULL;
}

/* All of them: their number says who sent the message, so none may be unclear. */
static const char *check_vias(const struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	struct text value;
	struct sip_via via;
	bool any = false;

	while (sip_next_value(message, SIP_VIA, &cursor, &value)) {
		if (sip_via_parse(value, &via) != 0)
			return "bad Via";
		any = true;
	}
	return any ? NULL : "no Via";
}

static const char *check_mandatory(struct sip_message *message)
{
	struct text call_id = message->call_id;

	if (message->from.length == 0)
		return "no From";
	if (message->to.length == 0)
		return "no To";
	if (call_id.length == 0)
		return "no Call-ID";
	while (call_id.length && !lex_is(*call_id.at, LEX_BLANK))
		lex_skip(&call_id, 1);
	if (call_id.length)
		return "bad Call-ID";
	if (message->cseq.length == 0)
		return "no CSeq";
	return NULL;
}

static const char *cut_body(struct sip_message *message, struct text rest)
{
	uint32_t length;

	message->body = rest;
	if (!message->content_length.at)
		return NULL;
	if (!text_number(message->content_length, &length))
		return "bad Content-Length";
	if (length > rest.length)
		return "body shorter than Content-Length";
	message->body.length = length;
	return NULL;
}

static int refuse(const char *reason, const char **why)
{
	*why = reason;
	return -EBADMSG;
}

int sip_scan(const char *bytes, size_t length, struct sip_message *message, const char **why)
{
	struct text rest = {bytes, length}, line;
	const char *reason;

	/* RFC 3261 7.5: line ends before the start line do not count. */
	while (lex_at(rest, '\r') || lex_at(rest, '\n'))
		lex_skip(&rest, 1);
	if (rest.length == 0)
		return -ENOMSG;
	if (!next_line(&rest, false, &line)) {
		line = rest;
		lex_skip(&rest, rest.length);
	}
	memset(message, 0, offsetof(struct sip_message, fields));
	message->whole = (struct text){bytes, length};
	reason = parse_start_line(line, message);
	if (reason)
		return means_sip(line) ? refuse(reason, why) : -ENOMSG;
	reason = take_headers(message, &rest);
	if (!reason)
		reason = check_mandatory(message);
	if (!reason)
		reason = check_cseq(message);
	if (!reason)
		reason = check_vias(message);
	if (!reason)
		reason = cut_body(message, rest);
	return reason ? refuse(reason, why) : 0;
}
