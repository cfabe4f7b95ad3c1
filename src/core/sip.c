#include "sip_lex.h"

#include <errno.h>
#include <natbox/sip.h>
#include <stddef.h>
#include <string.h>

/* A header field of interest: a text of the message, or one of its lists. */
struct header {
	struct text name;
	enum { HEADER_LIST, HEADER_SINGLE } kind;
	size_t place; /* enum sip_list, or the offset of the text in struct sip_message */
	const char *twice;
};

/* The longest name, and the most names that are equally long. */
enum { HEADER_NAME_MAX = 18, HEADERS_OF_LENGTH_MAX = 3 };

#define LIST(name, list)                                                                           \
	{                                                                                          \
		TEXT(name), HEADER_LIST, list, NULL                                                \
	}
#define SINGLE(name, member)                                                                       \
	{                                                                                          \
		TEXT(name), HEADER_SINGLE, offsetof(struct sip_message, member), "two " name       \
	}

/* By the length of the name, so that a header field nobody asks for costs a comparison or two. */
/* clang-format off */
static const struct header headers[HEADER_NAME_MAX + 1][HEADERS_OF_LENGTH_MAX] = {
	[2] = {SINGLE("To", to)},
	[3] = {LIST("Via", SIP_VIA)},
	[4] = {SINGLE("From", from), SINGLE("CSeq", cseq)},
	[5] = {LIST("Route", SIP_ROUTE), SINGLE("Event", event)},
	[7] = {LIST("Contact", SIP_CONTACT), SINGLE("Call-ID", call_id),
		SINGLE("Expires", expires)},
	[12] = {LIST("Record-Route", SIP_RECORD_ROUTE), SINGLE("Content-Type", content_type)},
	[14] = {SINGLE("Content-Length", content_length)},
	[15] = {SINGLE("Session-Expires", session_expires)},
	[18] = {SINGLE("Subscription-State", subscription_state)},
};

/* RFC 3261 7.3.3, RFC 6665 8.2.1, RFC 4028 4. */
static const struct text compact_names['z' + 1] = {
	['c'] = TEXT("Content-Type"),
	['f'] = TEXT("From"),
	['i'] = TEXT("Call-ID"),
	['l'] = TEXT("Content-Length"),
	['m'] = TEXT("Contact"),
	['o'] = TEXT("Event"),
	['t'] = TEXT("To"),
	['v'] = TEXT("Via"),
	['x'] = TEXT("Session-Expires"),
};
/* clang-format on */

static const struct {
	struct text name;
	enum sip_method method;
} methods[] = {
	{TEXT("ACK"), SIP_ACK},
	{TEXT("BYE"), SIP_BYE},
	{TEXT("CANCEL"), SIP_CANCEL},
	{TEXT("INFO"), SIP_INFO},
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
		if (methods[i].name.length == name.length && text_equal(methods[i].name, name))
			return methods[i].method;
	}
	return SIP_OTHER;
}

static const struct header *header_of(struct text name)
{
	const struct header *candidate;

	if (name.length == 1 && (*name.at | 0x20) >= 'a' && (*name.at | 0x20) <= 'z')
		name = compact_names[*name.at | 0x20];
	if (name.length > HEADER_NAME_MAX)
		return NULL;
	candidate = headers[name.length];
	for (int i = 0; i < HEADERS_OF_LENGTH_MAX && candidate[i].name.length; i++) {
		bool maybe = ((*candidate[i].name.at ^ *name.at) & ~0x20) == 0;

		if (maybe && text_equal_nocase(candidate[i].name, name))
			return &candidate[i];
	}
	return NULL;
}

/* Whether somebody meant SIP by a start line that is none: it names the protocol. */
static bool means_sip(struct text line)
{
	const char *end = text_end(line);

	for (const char *at = line.at; end - at >= 4; at++) {
		bool starts_word = at == line.at || lex_is(at[-1], LEX_BLANK);

		if (starts_word && text_equal_nocase(lex_text(at, at + 4), TEXT("SIP/")))
			return true;
	}
	return false;
}

/* "200 OK": what follows the version and its space. */
static const char *parse_status(const char *at, const char *end, struct sip_message *message)
{
	uint32_t status;

	if (end - at < 3 || !text_number(lex_text(at, at + 3), &status) || status < 100 ||
		status > 699 || (end - at > 3 && at[3] != ' '))
		return "bad status";
	message->status = status;
	message->reason = text_trim(lex_text(at + 3, end));
	return NULL;
}

/* One space parts the words and nothing else does (RFC 3261 7.1, RFC 4475 3.1.2.8 to 3.1.2.10). */
static const char *parse_request(const char *at, const char *end, struct sip_message *message)
{
	const char *start = at;

	message->is_request = true;
	at = lex_run(start, end, LEX_TOKEN);
	message->method_name = lex_text(start, at);
	if (at == start || !lex_at(at, end, ' '))
		return "bad start line";
	message->method = method_of(message->method_name);
	start = at + 1;
	at = lex_run(start, end, LEX_URI);
	message->request_uri = lex_text(start, at);
	if (at == start || !lex_at(at, end, ' '))
		return "bad start line";
	return text_equal_nocase(lex_text(at + 1, end), TEXT("SIP/2.0")) ? NULL : "not SIP/2.0";
}

static const char *parse_start_line(struct text line, struct sip_message *message)
{
	struct text version = TEXT("SIP/2.0 ");

	if (line.length >= version.length &&
		text_equal_nocase((struct text){line.at, version.length}, version))
		return parse_status(line.at + version.length, text_end(line), message);
	return parse_request(line.at, text_end(line), message);
}

/* Where a line ends that starts at at: its line feed, or NULL. */
static const char *find_feed(const char *at, const char *end, bool folds)
{
	const char *feed = memchr(at, '\n', (size_t)(end - at));

	while (folds && feed && end - feed > 1 && (feed[1] == ' ' || feed[1] == '\t'))
		feed = memchr(feed + 1, '\n', (size_t)(end - feed) - 1);
	return feed;
}

static const char *take_value(
	struct sip_message *message, const struct header *header, struct text value)
{
	struct text *single;

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

static const char *take_header(struct sip_message *message, const char *at, const char *feed)
{
	const char *colon = memchr(at, ':', (size_t)(feed - at)), *name_end = colon;
	const struct header *header;

	if (!colon)
		return "header field without colon";
	while (name_end > at && lex_is(name_end[-1], LEX_BLANK))
		name_end--;
	header = header_of(lex_text(at, name_end));
	if (!header)
		return NULL;
	return take_value(message, header, text_trim(lex_text(colon + 1, feed)));
}

static const char *skip_empty_line(const char *at, const char *end)
{
	const char *feed = lex_at(at, end, '\r') ? at + 1 : at;

	return lex_at(feed, end, '\n') ? feed + 1 : at;
}

/* Up to the body. Some leave out the empty line where nothing follows it. */
static const char *take_headers(struct sip_message *message, const char *at, const char *end)
{
	const char *body, *feed, *why;

	if (lex_at(at, end, ' ') || lex_at(at, end, '\t'))
		return "folded start line";
	while ((body = skip_empty_line(at, end)) == at && at < end) {
		feed = find_feed(at, end, true);
		if (!feed)
			return "header field without line end";
		why = take_header(message, at, feed);
		if (why)
			return why;
		at = feed + 1;
	}
	message->body = lex_text(body, end);
	return NULL;
}

static const char *check_cseq(struct sip_message *message)
{
	const char *end = text_end(message->cseq);
	const char *number_end = lex_run(message->cseq.at, end, LEX_TOKEN);
	const char *start = lex_blanks(number_end, end);
	struct text method = lex_text(start, end);

	if (!text_number(lex_text(message->cseq.at, number_end), &message->cseq_number) ||
		method.length == 0 || lex_run(start, end, LEX_TOKEN) != end)
		return "bad CSeq";
	if (message->is_request)
		return text_equal(method, message->method_name) ? NULL : "CSeq of another method";
	message->method_name = method;
	message->method = method_of(method);
	return NULL;
}

/* All of them: their number says who sent the message, so none may be unclear. */
static const char *take_vias(struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	struct text value;
	struct sip_via via;

	while (sip_next_value(message, SIP_VIA, &cursor, &value)) {
		if (sip_via_parse(value, message->via_count ? &via : &message->top_via) != 0)
			return "bad Via";
		message->via_count++;
	}
	return message->via_count ? NULL : "no Via";
}

/* Of all that a message has, its Contact is the longest to take apart, and most rooms do. */
static void take_first_contact(struct sip_message *message)
{
	message->after_first_contact = (struct sip_cursor){0};
	message->has_contact =
		lex_next_contact(message, &message->after_first_contact, &message->first_contact);
}

static const char *check_call_id(struct text call_id)
{
	const char *at = call_id.at, *end = text_end(call_id);

	while (at < end && !lex_is(*at, LEX_BLANK))
		at++;
	return at == end ? NULL : "bad Call-ID";
}

static const char *check_mandatory(struct sip_message *message)
{
	const char *why;

	if (message->from.length == 0)
		return "no From";
	if (message->to.length == 0)
		return "no To";
	if (message->call_id.length == 0)
		return "no Call-ID";
	if (message->cseq.length == 0)
		return "no CSeq";
	why = check_call_id(message->call_id);
	if (!why)
		why = check_cseq(message);
	return why ? why : take_vias(message);
}

static const char *cut_body(struct sip_message *message)
{
	uint32_t length;

	if (!message->content_length.at)
		return NULL;
	if (!text_number(message->content_length, &length))
		return "bad Content-Length";
	if (length > message->body.length)
		return "body shorter than Content-Length";
	message->body.length = length;
	return NULL;
}

int sip_scan(const char *bytes, size_t length, struct sip_message *message, const char **why)
{
	const char *at = bytes, *end = bytes + length, *feed;
	struct text line;

	/* RFC 3261 7.5: line ends before the start line do not count. */
	while (at < end && (*at == '\r' || *at == '\n'))
		at++;
	if (at == end)
		return -ENOMSG;
	feed = find_feed(at, end, false);
	line = lex_text(at, feed ? feed : end);
	if (feed && line.length && feed[-1] == '\r')
		line.length--;
	memset(message, 0, offsetof(struct sip_message, fields));
	message->whole = (struct text){bytes, length};
	*why = parse_start_line(line, message);
	if (*why)
		return means_sip(line) ? -EBADMSG : -ENOMSG;
	*why = take_headers(message, feed ? feed + 1 : end, end);
	if (!*why)
		*why = check_mandatory(message);
	if (!*why)
		*why = cut_body(message);
	if (*why)
		return -EBADMSG;
	take_first_contact(message);
	return 0;
}
