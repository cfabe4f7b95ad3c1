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
	size_t place; /* enum sip_list, or the offset of the text in struct sip_message */
	/* The flaw of a message where two single ones contradict each other, and the first counts;
	 * DEFECT_NONE: neither counts, and nothing else is wrong. */
	enum sip_defect twice;
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
	[5] = {LIST("Route", SIP_ROUTE), SINGLE("Event", event, DEFECT_NONE)},
	[7] = {LIST("Contact", SIP_CONTACT), SINGLE("Call-ID", call_id, DEFECT_TWO_CALL_ID),
		SINGLE("Expires", expires, DEFECT_NONE)},
	[9] = {SINGLE("Refer-Sub", refer_sub, DEFECT_NONE)},
	[12] = {LIST("Record-Route", SIP_RECORD_ROUTE),
		SINGLE("Content-Type", content_type, DEFECT_NONE)},
	[13] = {AUTH("Authorization")},
	[14] = {SINGLE("Content-Length", content_length, DEFECT_TWO_CONTENT_LENGTH)},
	[15] = {SINGLE("Session-Expires", session_expires, DEFECT_NONE)},
	[16] = {AUTH("WWW-Authenticate")},
	[18] = {SINGLE("Subscription-State", subscription_state, DEFECT_NONE),
		AUTH("Proxy-Authenticate")},
	[19] = {AUTH("Proxy-Authorization")},
};

/* RFC 3261 7.3.3, RFC 6665 8.2.1, RFC 4028 4. */
static const struct header *const compact_headers['z' + 1] = {
	['c'] = &headers[12][1], /* Content-Type */
	['f'] = &headers[4][0],  /* From */
	['i'] = &headers[7][1],  /* Call-ID */
	['l'] = &headers[14][0], /* Content-Length */
	['m'] = &headers[7][0],  /* Contact */
	['o'] = &headers[5][1],  /* Event */
	['t'] = &headers[2][0],  /* To */
	['v'] = &headers[3][0],  /* Via */
	['x'] = &headers[15][0], /* Session-Expires */
};
/* clang-format on */

static const struct header *header_of(struct text name)
{
	const struct header *candidate;

	if (name.length == 1 && (*name.at | 0x20) >= 'a' && (*name.at | 0x20) <= 'z')
		return compact_headers[*name.at | 0x20];
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

/* In sip_message.contradicted and repeated: of a single header field, by the offset of its text. */
static uint32_t bit_of(size_t place)
{
	return 1u << (place - offsetof(struct sip_message, call_id)) / sizeof(struct text);
}

static uint32_t bit_of_field(const struct sip_message *message, const struct text *field)
{
	return bit_of((size_t)((const char *)field - (const char *)message));
}

bool sip_contradicts(const struct sip_message *message, const struct text *field)
{
	return message->contradicted & bit_of_field(message, field);
}

bool sip_repeats(const struct sip_message *message, const struct text *field)
{
	return message->repeated & bit_of_field(message, field);
}

/* Where a header field ends that starts at at: its line feed, or NULL. */
static const char *find_feed(const char *at, const char *end)
{
	const char *feed = memchr(at, '\n', (size_t)(end - at));

	while (feed && end - feed > 1 && (feed[1] == ' ' || feed[1] == '\t')) {
		at = feed + 2;
		/* A search takes longer than a line that is empty. */
		if (lex_at(at, end, '\r'))
			at++;
		feed = lex_at(at, end, '\n') ? at : memchr(at, '\n', (size_t)(end - at));
	}
	return feed;
}

/* Numbers that are longer are none that a header field has. */
enum { DIGITS_MAX = 10 };

/* Of a header field that has a number; a Call-ID that looks like one has none (RFC 3261 20.8). */
static bool is_same_number(const struct header *header, struct text a, struct text b)
{
	uint32_t number, other;
	const bool has_number = header->place == offsetof(struct sip_message, expires) ||
				header->place == offsetof(struct sip_message, content_length) ||
				header->place == offsetof(struct sip_message, session_expires);

	return has_number && a.length <= DIGITS_MAX && b.length <= DIGITS_MAX &&
	       text_number(a, &number) && text_number(b, &other) && number == other;
}

static struct text *single_of(struct sip_message *message, const struct header *header)
{
	return (struct text *)((char *)message + header->place);
}

/* The second of a single header field, or a later one. That they say the same is found in the time
 * it takes to read this one, however long the first is. */
static void take_another(
	struct sip_message *message, const struct header *header, struct text value)
{
	struct text first = *single_of(message, header);

	message->repeated |= bit_of(header->place);
	if (text_equal(first, value) || is_same_number(header, first, value))
		return;
	message->contradicted |= bit_of(header->place);
	lex_note_flaw(message, header->twice);
}

/* Of those that contradict each other and have no first that counts. */
static void drop_contradicted(struct sip_message *message)
{
	const struct header *header = &headers[0][0],
			    *end = header + sizeof(headers) / sizeof(*header);

	for (; message->contradicted && header < end; header++) {
		if (header->kind == HEADER_SINGLE && !header->twice && header->name.length &&
			message->contradicted & bit_of(header->place))
			*single_of(message, header) = (struct text){0};
	}
}

/* Contacts beyond the bound are left out. Where a Via or Route is left out, nobody knows whose the
 * message is. */
static enum sip_defect take_value(
	struct sip_message *message, const struct header *header, struct text value)
{
	if (header->kind == HEADER_SINGLE) {
		struct text *single = single_of(message, header);

		if (single->at)
			take_another(message, header, value);
		else
			*single = value;
	} else if (header->kind == HEADER_AUTH) {
		if (message->auth_count < SIP_AUTHS_MAX)
			message->auths[message->auth_count++] = value;
	} else if (!lex_values(message, (enum sip_list)header->place, value)) {
		if (header->place != SIP_CONTACT)
			return DEFECT_TOO_MANY_VALUES;
		message->has_more_contacts = true;
		lex_note_flaw(message, DEFECT_TOO_MANY_VALUES);
	}
	return DEFECT_NONE;
}

static enum sip_defect take_header(struct sip_message *message, const char *at, const char *feed)
{
	const char *colon = memchr(at, ':', (size_t)(feed - at)), *name_end = colon;
	const struct header *header;

	if (!colon) {
		/* One may be somebody's mistake; many are no header. */
		if (message->flaw)
			return DEFECT_NO_COLON;
		lex_note_flaw(message, DEFECT_NO_COLON);
		return DEFECT_NONE;
	}
	while (name_end > at && lex_is(name_end[-1], LEX_BLANK))
		name_end--;
	header = header_of(lex_text(at, name_end));
	if (!header)
		return DEFECT_NONE;
	return take_value(message, header, text_trim(lex_text(colon + 1, feed)));
}

static const char *skip_empty_line(const char *at, const char *end)
{
	const char *feed = at;

	if (at == end || (unsigned char)*at > '\r')
		return at;
	if (*at == '\r')
		feed++;

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
		feed = find_feed(at, end);
		if (!feed)
			return DEFECT_NO_LINE_END;
		defect = take_header(message, at, feed);
		if (defect)
			return defect;
		at = feed + 1;
	}
	message->body = lex_text(body, end);
	drop_contradicted(message);
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
	message->method = lex_method(method);
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
static void take_contacts(struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	struct text value;

	while (sip_next_value(message, SIP_CONTACT, &cursor, &value)) {
		struct sip_contact *contact = &message->contacts[message->contact_count];

		if (sip_contact_parse(value, contact) == 0)
			message->contact_count++;
		if (!has_room_for_params(message, contact->name_addr.param_count)) {
			message->has_more_contacts = true;
			lex_note_flaw(message, DEFECT_TOO_MANY_PARAMETERS);
			return;
		}
	}
}

/* False when all bytes are above the space; eight at a time, of which the last may overlap
 * others. */
static bool may_have_blanks(struct text text)
{
	const uint64_t ones = 0x0101010101010101;
	const char *last = text_end(text) - sizeof(ones);
	uint64_t low = 0, bytes;

	if (text.length < sizeof(bytes))
		return true;
	for (const char *at = text.at; at < last; at += sizeof(bytes)) {
		memcpy(&bytes, at, sizeof(bytes));
		low |= (bytes - (' ' + 1) * ones) & ~bytes;
	}
	memcpy(&bytes, last, sizeof(bytes));
	low |= (bytes - (' ' + 1) * ones) & ~bytes;
	return low & 0x80 * ones;
}

/* Blanks in it are wrong, but cannot be read another way; line ends can. */
static enum sip_defect check_call_id(struct sip_message *message)
{
	const char *at = message->call_id.at, *end = text_end(message->call_id);

	if (!may_have_blanks(message->call_id))
		return DEFECT_NONE;
	while (at < end && !lex_is(*at, LEX_BLANK))
		at++;
	if (at == end)
		return DEFECT_NONE;
	lex_note_flaw(message, DEFECT_BAD_CALL_ID);
	while (at < end && *at != '\r' && *at != '\n')
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
	defect = check_call_id(message);
	if (!defect)
		defect = check_cseq(message);
	return defect ? defect : take_vias(message);
}

/* Where nobody can say how long the body is, it is what there is. */
static void cut_body(struct sip_message *message)
{
	uint32_t length;

	if (!message->content_length.at || sip_contradicts(message, &message->content_length))
		return;
	if (!text_number(message->content_length, &length))
		lex_note_flaw(message, DEFECT_BAD_CONTENT_LENGTH);
	else if (length > message->body.length)
		lex_note_flaw(message, DEFECT_SHORT_BODY);
	else
		message->body.length = length;
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
	feed = memchr(at, '\n', (size_t)(end - at));
	line = lex_text(at, feed ? feed : end);
	if (feed && line.length && feed[-1] == '\r')
		line.length--;
	memset(message, 0, offsetof(struct sip_message, values));
	message->whole = (struct text){bytes, length};
	*defect = lex_start_line(line, message);
	if (*defect)
		return lex_means_sip(line) ? -EBADMSG : -ENOMSG;
	*defect = take_headers(message, feed ? feed + 1 : end, end);
	if (!*defect)
		*defect = check_mandatory(message);
	if (*defect) {
		/* The first that is wrong is told. */
		if (message->flaw)
			*defect = message->flaw;
		return -EBADMSG;
	}
	cut_body(message);
	take_contacts(message);
	return 0;
}
