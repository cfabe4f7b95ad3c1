#include "sip_lex.h"

#include <natbox/sip.h>
#include <string.h>

/* How far the first value goes: to a comma that stands in no quotes, brackets or (in a Via, where a
 * URI cannot stand) comment. What does not end takes all the rest, and its parser will refuse it. */
static size_t value_length(struct text rest, bool comments)
{
	struct text whole = rest;
	const char *end;

	while (rest.length) {
		switch (*rest.at) {
		case ',':
			return (size_t)(rest.at - whole.at);
		case '"':
			if (!lex_quoted(&rest))
				return whole.length;
			break;
		case '<':
			end = memchr(rest.at, '>', rest.length);
			if (!end)
				return whole.length;
			lex_skip(&rest, (size_t)(end - rest.at) + 1);
			break;
		case '(':
			if (comments && !lex_comment(&rest))
				return whole.length;
			else if (comments)
				break;
			/* fall through */
		default:
			lex_skip(&rest, 1);
		}
	}
	return whole.length;
}

bool sip_next_value(const struct sip_message *message, enum sip_list list,
	struct sip_cursor *cursor, struct text *value)
{
	for (; cursor->field < message->field_count; cursor->field++, cursor->offset = 0) {
		const struct sip_field *field = &message->fields[cursor->field];
		struct text rest = field->value;

		if (field->list != list || cursor->offset > rest.length)
			continue;
		lex_skip(&rest, cursor->offset);
		rest.length = value_length(rest, list == SIP_VIA);
		cursor->offset += rest.length + 1;
		*value = text_trim(rest);
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
