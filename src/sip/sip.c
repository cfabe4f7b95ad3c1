#include "sip_lex.h"

#include <errno.h>

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

static enum sip_defect check_cseq(struct sip_message *message)
{
	const char *end = text_end(message->cseq);
	const char *number_end = lex_run(message->cseq.at, end, LEX_TOKEN);
	const char *start = lex_blanks(number_end, end);
	struct text method = text_between(start, end);

	if (!text_number(text_between(message->cseq.at, number_end), &message->cseq_number) ||
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
	line = text_between(at, feed ? feed : end);
	if (feed && line.length && feed[-1] == '\r')
		line.length--;
	memset(message, 0, offsetof(struct sip_message, values));
	message->whole = (struct text){bytes, length};
	*defect = lex_start_line(line, message);
	if (*defect)
		return lex_means_sip(line) ? -EBADMSG : -ENOMSG;
	*defect = lex_headers(message, feed ? feed + 1 : end, end);
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
