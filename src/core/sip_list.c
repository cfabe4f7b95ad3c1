#include "sip_lex.h"

#include <natbox/sip.h>
#include <string.h>

/* How far the first value goes: to a comma that stands in no quotes, brackets or (in a Via, where a
 * URI cannot stand) comment. What does not end takes all the rest, and its parser refuses it. */
static const char *value_end(const char *at, const char *end, bool comments)
{
	const char *next;

	if (at == end || !memchr(at, ',', (size_t)(end - at)))
		return end;
	for (; at < end && *at != ','; at = next) {
		next = at + 1;
		if (*at == '"')
			next = lex_quoted(at, end);
		else if (*at == '<')
			next = memchr(at, '>', (size_t)(end - at));
		else if (*at == '(' && comments)
			next = lex_comment(at, end);
		if (!next)
			return end;
	}
	return at;
}

bool sip_next_value(const struct sip_message *message, enum sip_list list,
	struct sip_cursor *cursor, struct text *value)
{
	for (; cursor->field < message->field_count; cursor->field++, cursor->offset = 0) {
		const struct sip_field *field = &message->fields[cursor->field];
		const char *start = field->value.at + cursor->offset, *end;

		if (field->list != list || cursor->offset > field->value.length)
			continue;
		end = value_end(start, text_end(field->value), list == SIP_VIA);
		cursor->offset = (size_t)(end - field->value.at) + 1;
		*value = text_trim(lex_text(start, end));
		return true;
	}
	return false;
}

unsigned sip_count_values(const struct sip_message *message, enum sip_list list)
{
	struct sip_cursor cursor = {0};
	struct text value;
	unsigned count = 0;

	while (sip_next_value(message, list, &cursor, &value))
		count++;
	return count;
}

int sip_contact_parse(struct text value, struct sip_contact *out)
{
	int result = sip_name_addr_parse(value, &out->name_addr);

	if (result == 0 && !out->name_addr.is_star)
		return lex_uri(out->name_addr.uri, &out->uri);
	out->uri = (struct sip_uri){0};
	return result;
}

bool lex_next_contact(
	const struct sip_message *message, struct sip_cursor *cursor, struct sip_contact *contact)
{
	struct text value;

	while (sip_next_value(message, SIP_CONTACT, cursor, &value))
		if (sip_contact_parse(value, contact) == 0)
			return true;
	return false;
}

const struct sip_contact *sip_next_contact(
	const struct sip_message *message, struct sip_cursor *cursor, struct sip_contact *room)
{
	if (cursor->field || cursor->offset)
		return lex_next_contact(message, cursor, room) ? room : NULL;
	*cursor = message->after_first_contact;
	return message->has_contact ? &message->first_contact : NULL;
}
