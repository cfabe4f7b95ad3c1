#include "sip_lex.h"

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

/* Whether two runs of as many bytes are the same. Most names are so short that to load both ends of
 * each takes less than a call. */
static inline bool is_same(const char *a, const char *b, size_t length)
{
	uint32_t heads[2], tails[2];

	if (length < sizeof(*heads) || length > 2 * sizeof(*heads))
		return memcmp(a, b, length) == 0;
	memcpy(&heads[0], a, sizeof(*heads));
	memcpy(&heads[1], b, sizeof(*heads));
	memcpy(&tails[0], a + length - sizeof(*tails), sizeof(*tails));
	memcpy(&tails[1], b + length - sizeof(*tails), sizeof(*tails));
	return heads[0] == heads[1] && tails[0] == tails[1];
}

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

		if (maybe && (is_same(candidate[i].name.at, name.at, name.length) ||
				     text_equal_nocase(candidate[i].name, name)))
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

/* A header field's value, which nearly always has a blank before and a carriage return after it. */
static inline struct text value_of(const char *at, const char *feed)
{
	if (at < feed && *at == ' ')
		at++;
	if (at < feed && feed[-1] == '\r')
		feed--;
	if (at < feed && (unsigned char)*at > ' ' && (unsigned char)feed[-1] > ' ')
		return text_between(at, feed);
	return text_trim(text_between(at, feed));
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
	header = header_of(text_between(at, name_end));
	if (!header)
		return DEFECT_NONE;
	return take_value(message, header, value_of(colon + 1, feed));
}

static const char *skip_empty_line(const char *at, const char *end)
{
	const char *feed = at;

	if ((unsigned char)*at > '\r')
		return at;
	if (*at == '\r')
		feed++;
	return lex_at(feed, end, '\n') ? feed + 1 : at;
}

/* Some leave out the empty line where nothing follows it. */
enum sip_defect lex_headers(struct sip_message *message, const char *at, const char *end)
{
	const char *body = end, *feed;
	enum sip_defect defect;

	if (lex_at(at, end, ' ') || lex_at(at, end, '\t'))
		return DEFECT_FOLDED_START_LINE;
	for (; at < end; at = feed + 1) {
		body = skip_empty_line(at, end);
		if (body > at)
			break;
		feed = lex_feed(at, end);
		if (!feed)
			return DEFECT_NO_LINE_END;
		defect = take_header(message, at, feed);
		if (defect)
			return defect;
	}
	message->body = text_between(at < end ? body : end, end);
	drop_contradicted(message);
	return DEFECT_NONE;
}
