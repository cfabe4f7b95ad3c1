#include "sip_lex.h"

#include <errno.h>
#include <natbox/sip.h>
#include <stddef.h>
#include <string.h>

const char *const sip_defect_names[SIP_DEFECTS] = {
	[DEFECT_BAD_START_LINE] = "bad start line",
	[DEFECT_NOT_SIP_2] = "not SIP/2.0",
	[DEFECT_BAD_STATUS] = "bad status",
	[DEFECT_FOLDED_START_LINE] = "folded start line",
	[DEFECT_NO_LINE_END] = "header field without line end",
	[DEFECT_NO_COLON] = "header field without colon",
	[DEFECT_TOO_MANY_VALUES] = "too many values",
	[DEFECT_TOO_MANY_PARAMETERS] = "too many parameters",
	[DEFECT_TWO_FROM] = "two From",
	[DEFECT_TWO_TO] = "two To",
	[DEFECT_TWO_CALL_ID] = "two Call-ID",
	[DEFECT_TWO_CSEQ] = "two CSeq",
	[DEFECT_TWO_EXPIRES] = "two Expires",
	[DEFECT_TWO_EVENT] = "two Event",
	[DEFECT_TWO_SUBSCRIPTION_STATE] = "two Subscription-State",
	[DEFECT_TWO_SESSION_EXPIRES] = "two Session-Expires",
	[DEFECT_TWO_CONTENT_TYPE] = "two Content-Type",
	[DEFECT_TWO_CONTENT_LENGTH] = "two Content-Length",
	[DEFECT_NO_FROM] = "no From",
	[DEFECT_NO_TO] = "no To",
	[DEFECT_NO_CALL_ID] = "no Call-ID",
	[DEFECT_NO_CSEQ] = "no CSeq",
	[DEFECT_NO_VIA] = "no Via",
	[DEFECT_BAD_CALL_ID] = "bad Call-ID",
	[DEFECT_BAD_CSEQ] = "bad CSeq",
	[DEFECT_CSEQ_OF_ANOTHER] = "CSeq of another method",
	[DEFECT_BAD_VIA] = "bad Via",
	[DEFECT_BAD_CONTENT_LENGTH] = "bad Content-Length",
	[DEFECT_SHORT_BODY] = "body shorter than Content-Length",
};

/* A header field of interest: a text of the message, or one of its lists. */
struct header {
	struct text name;
	enum { HEADER_LIST, HEADER_SINGLE, HEADER_AUTH } kind;
	size_t place;          /* enum sip_list, or the offset of the text in struct sip_message */
	enum sip_defect twice; /* what is wrong where a single one stands twice */
};

/* The longest name, and the most names that are equally long. */
enum { HEADER_NAME_MAX = 19, HEADERS_OF_LENGTH_MAX = 3 };

#define LIST(name, list)                                                                           \
	{                                                                                          \
		TEXT(name), HEADER_LIST, list, DEFECT_NONE                                         \
	}
#define SINGLE(name, member, twice)                                                                \
	{                                                                                          \
		TEXT(name), HEADER_SINGLE, offsetof(struct sip_message, member), twice             \
	}
#define AUTH(name)                                                                                 \
	{                                                                                          \
		TEXT(name), HEADER_AUTH, 0, DEFECT_NONE                                            \
	}

/* By the length of the name, so that a header field nobody asks for costs a comparison or two. */
/* clang-format off */
static const struct header headers[HEADER_NAME_MAX + 1][HEADERS_OF_LENGTH_MAX] = {
	[2] = {SINGLE("To", to, DEFECT_TWO_TO)},
	[3] = {LIST("Via", SIP_VIA)},
	[4] = {SINGLE("From", from, DEFECT_TWO_FROM), SINGLE("CSeq", cseq, DEFECT_TWO_CSEQ)},
	[5] = {LIST("Route", SIP_ROUTE), SINGLE("Event", event, DEFECT_TWO_EVENT)},
	[7] = {LIST("Contact", SIP_CONTACT), SINGLE("Call-ID", call_id, DEFECT_TWO_CALL_ID),
		SINGLE("Expires", expires, DEFECT_TWO_EXPIRES)},
	[12] = {LIST("Record-Route", SIP_RECORD_ROUTE),
		SINGLE("Content-Type", content_type, DEFECT_TWO_CONTENT_TYPE)},
	[13] = {AUTH("Authorization")},
	[14] = {SINGLE("Content-Length", content_length, DEFECT_TWO_CONTENT_LENGTH)},
	[15] = {SINGLE("Session-Expires", session_expires, DEFECT_TWO_SESSION_EXPIRES)},
	[16] = {AUTH("WWW-Authenticate")},
	[18] = {SINGLE("Subscription-State", subscription_state, DEFECT_TWO_SUBSCRIPTION_STATE),
		AUTH("Proxy-Authenticate")},
	[19] = {AUTH("Proxy-Authorization")},
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
static enum sip_defect parse_status(const char *at, const char *end, struct sip_message *message)
{
	uint32_t status;

	if (end - at < 3 || !text_number(lex_text(at, at + 3), &status) || status < 100 ||
		status > 699 || (end - at > 3 && at[3] != ' '))
		return DEFECT_BAD_STATUS;
	message->status = status;
	message->reason = text_trim(lex_text(at + 3, end));
	return DEFECT_NONE;
}

/* One space parts the words and nothing else does (RFC 3261 7.1, RFC 4475 3.1.2.8 to 3.1.2.10). */
static enum sip_defect parse_request(const char *at, const char *end, struct sip_message *message)
{
	const char *start = at;

	message->is_request = true;
	at = lex_run(start, end, LEX_TOKEN);
	message->method_name = lex_text(start, at);
	if (at == start || !lex_at(at, end, ' '))
		return DEFECT_BAD_START_LINE;
	message->method = method_of(message->method_name);
	start = at + 1;
	at = lex_run(start, end, LEX_URI);
	message->request_uri = lex_text(start, at);
	if (at == start || !lex_at(at, end, ' '))
		return DEFECT_BAD_START_LINE;
	return text_equal_nocase(lex_text(at + 1, end), TEXT("SIP/2.0")) ? DEFECT_NONE
									 : DEFECT_NOT_SIP_2;
}

static enum sip_defect parse_start_line(struct text line, struct sip_message *message)
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

	while (folds && feed && end - feed > 1 && (feed[1] == ' ' || feed[1] == '\t')) {
		at = feed + 2;
		/* A search takes longer than a line that is empty. */
		if (lex_at(at, end, '\r'))
			at++;
		feed = lex_at(at, end, '\n') ? at : memchr(at, '\n', (size_t)(end - at));
	}
	return feed;
}

static enum sip_defect take_value(
	struct sip_message *message, const struct header *header, struct text value)
{
	struct text *single;

	if (header->kind == HEADER_LIST)
		return lex_values(message, (enum sip_list)header->place, value)
			       ? DEFECT_NONE
			       : DEFECT_TOO_MANY_VALUES;
	if (header->kind == HEADER_AUTH) {
		if (message->auth_count < SIP_AUTHS_MAX)
			message->auths[message->auth_count++] = value;
		return DEFECT_NONE;
	}
	single = (struct text *)((char *)message + header->place);
	if (single->at)
		return header->twice;
	*single = value;
	return DEFECT_NONE;
}

static enum sip_defect take_header(struct sip_message *message, const char *at, const char *feed)
{
	const char *colon = memchr(at, ':', (size_t)(feed - at)), *name_end = colon;
	const struct header *header;

	if (!colon)
		return DEFECT_NO_COLON;
	while (name_end > at && lex_is(name_end[-1], LEX_BLANK))
		name_end--;
	header = header_of(lex_text(at, name_end));
	if (!header)
		return DEFECT_NONE;
	return take_value(message, header, text_trim(lex_text(colon + 1, feed)));
}

static const char *skip_empty_line(const char *at, const char *end)
{
	const char *feed = lex_at(at, end, '\r') ? at + 1 : at;

	return lex_at(feed, end, '\n') ? feed + 1 : at;
}

/* Up to the body. Some leave out the empty line where nothing follows it. */
static enum sip_defect take_headers(struct sip_message *message, const char *at, const char *end)
{
	const char *body, *feed;
	enum sip_defect defect;

	if (lex_at(at, end, ' ') || lex_at(at, end, '\t'))
		return DEFECT_FOLDED_START_LINE;
	while ((body = skip_empty_line(at, end)) == at && at < end) {
		feed = find_feed(at, end, true);
		if (!feed)
			return DEFECT_NO_LINE_END;
		defect = take_header(message, at, feed);
		if (defect)
			return defect;
		at = feed + 1;
	}
	message->body = lex_text(body, end);
	return DEFECT_NONE;
}

static enum sip_defect check_cseq(struct sip_message *message)
{
	const char *end = text_end(message->cseq);
	const char *number_end = lex_run(message->cseq.at, end, LEX_TOKEN);
	const char *start = lex_blanks(number_end, end);
	struct text method = lex_text(start, end);

	if (!text_number(lex_text(message->cseq.at, number_end), &message->cseq_number) ||
		method.length == 0 || lex_run(start, end, LEX_TOKEN) != end)
		return DEFECT_BAD_CSEQ;
	if (message->is_request)
		return text_equal(method, message->method_name) ? DEFECT_NONE
								: DEFECT_CSEQ_OF_ANOTHER;
	message->method_name = method;
	message->method = method_of(method);
	return DEFECT_NONE;
}

static bool has_room_for_params(struct sip_message *message, unsigned count)
{
	message->param_count += count;
	return message->param_count <= SIP_PARAMS_FREE + message->whole.length / SIP_PARAM_BYTES;
}

/* All of them: their number says who sent the message, so none may be unclear. */
static enum sip_defect take_vias(struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	struct text value;
	struct sip_via other, *via = &message->top_via;

	for (; sip_next_value(message, SIP_VIA, &cursor, &value); via = &other) {
		if (sip_via_parse(value, via) != 0)
			return DEFECT_BAD_VIA;
		message->via_count++;
		if (!has_room_for_params(message, via->param_count))
			return DEFECT_TOO_MANY_PARAMETERS;
	}
	return message->via_count ? DEFECT_NONE : DEFECT_NO_VIA;
}

/* Of all that a message has, its Contacts are the longest to take apart, and most rooms do. */
static enum sip_defect take_contacts(struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	struct text value;

	while (sip_next_value(message, SIP_CONTACT, &cursor, &value)) {
		struct sip_contact *contact = &message->contacts[message->contact_count];

		if (sip_contact_parse(value, contact) == 0)
			message->contact_count++;
		if (!has_room_for_params(message, contact->name_addr.param_count))
			return DEFECT_TOO_MANY_PARAMETERS;
	}
	return DEFECT_NONE;
}

static enum sip_defect check_call_id(struct text call_id)
{
	const char *at = call_id.at, *end = text_end(call_id);

	while (at < end && !lex_is(*at, LEX_BLANK))
		at++;
	return at == end ? DEFECT_NONE : DEFECT_BAD_CALL_ID;
}

static enum sip_defect check_mandatory(struct sip_message *message)
{
	enum sip_defect defect;

	if (message->from.length == 0)
		return DEFECT_NO_FROM;
	if (message->to.length == 0)
		return DEFECT_NO_TO;
	if (message->call_id.length == 0)
		return DEFECT_NO_CALL_ID;
	if (message->cseq.length == 0)
		return DEFECT_NO_CSEQ;
	defect = check_call_id(message->call_id);
	if (!defect)
		defect = check_cseq(message);
	return defect ? defect : take_vias(message);
}

static enum sip_defect cut_body(struct sip_message *message)
{
	uint32_t length;

	if (!message->content_length.at)
		return DEFECT_NONE;
	if (!text_number(message->content_length, &length))
		return DEFECT_BAD_CONTENT_LENGTH;
	if (length > message->body.length)
		return DEFECT_SHORT_BODY;
	message->body.length = length;
	return DEFECT_NONE;
}

int sip_scan(const char *bytes, size_t length, struct sip_message *message, enum sip_defect *defect)
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
	memset(message, 0, offsetof(struct sip_message, values));
	message->whole = (struct text){bytes, length};
	*defect = parse_start_line(line, message);
	if (*defect)
		return means_sip(line) ? -EBADMSG : -ENOMSG;
	*defect = take_headers(message, feed ? feed + 1 : end, end);
	if (!*defect)
		*defect = check_mandatory(message);
	if (!*defect)
		*defect = cut_body(message);
	if (!*defect)
		*defect = take_contacts(message);
	return *defect ? -EBADMSG : 0;
}
