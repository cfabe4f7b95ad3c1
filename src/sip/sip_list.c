#include "sip_lex.h"

/* How far the first value goes: to a comma that stands in no quotes, brackets or (in a Via, where a
 * URI cannot stand) comment. What does not end takes all the rest, and its parser refuses it. */
static const char *value_end(const char *at, const char *end, bool comments)
{
	const char *next;

	if (at == end || !memchr(at, ',', (size_t)(end - at)))
		return end;
	while ((at = lex_run(at, end, LEX_PLAIN)) < end && *at != ',') {
		next = at + 1;
		if (*at == '"')
			next = lex_quoted(at, end);
		else if (*at == '<')
			next = memchr(at, '>', (size_t)(end - at));
		else if (*at == '(' && comments)
			next = lex_comment(at, end);
		if (!next)
			return end;
		at = next;
	}
	return at;
}

static unsigned values_allowed(const struct sip_message *message)
{
	size_t allowed = SIP_VALUES_FREE + message->whole.length / SIP_VALUE_BYTES;

	return allowed < SIP_VALUES_MAX ? (unsigned)allowed : SIP_VALUES_MAX;
}

bool lex_values(struct sip_message *message, enum sip_list list, struct text field)
{
	const char *at = field.at, *end = text_end(field), *stop;
	const unsigned allowed = values_allowed(message);

	for (;; at = stop + 1) {
		if (message->value_count >= allowed)
			return false;
		stop = value_end(at, end, list == SIP_VIA);
		message->values[message->value_count++] =
			(struct sip_value){(uint8_t)list, text_trim(text_between(at, stop))};
		if (stop == end)
			return true;
	}
}

bool sip_next_value(const struct sip_message *message, enum sip_list list,
	struct sip_cursor *cursor, struct text *value)
{
	while (cursor->place < message->value_count) {
		const struct sip_value *next = &message->values[cursor->place++];

		if (next->list != list)
			continue;
		*value = next->text;
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
	int result = lex_name_addr(value, &out->name_addr, &out->uri);

	if (result == 0 && out->name_addr.is_odd)
		return 0;
	if (result == 0 && !out->name_addr.is_star)
		return lex_uri(out->name_addr.uri, &out->uri);
	out->uri = (struct sip_uri){0};
	return result;
}
