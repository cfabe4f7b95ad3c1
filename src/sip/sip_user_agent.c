#include <natbox/sip.h>

/* Takes the next header field off the text, with the lines it is folded into. False at the empty
 * line that ends them. */
static bool next_field(struct text *rest, struct text *field)
{
	const char *end = text_end(*rest);
	const char *feed = rest->length ? memchr(rest->at, '\n', rest->length) : NULL;

	while (feed && end - feed > 1 && (feed[1] == ' ' || feed[1] == '\t'))
		feed = memchr(feed + 1, '\n', (size_t)(end - feed - 1));
	if (!feed)
		return false;
	*field = (struct text){rest->at, (size_t)(feed - rest->at)};
	*rest = (struct text){feed + 1, (size_t)(end - feed - 1)};
	return text_trim(*field).length > 0;
}

/* A field by its name; at is NULL when it is missing. */
static struct text find_field(const struct sip_message *message, struct text name)
{
	struct text rest = message->whole, field;

	/* Lines that are empty may stand in front (RFC 3261 7.5). */
	while (rest.length && (*rest.at == '\r' || *rest.at == '\n'))
		rest = (struct text){rest.at + 1, rest.length - 1};
	while (next_field(&rest, &field)) {
		const char *colon = memchr(field.at, ':', field.length);
		struct text before;

		if (!colon)
			continue;
		before = text_trim((struct text){field.at, (size_t)(colon - field.at)});
		if (text_equal_nocase(before, name))
			return text_trim(
				(struct text){colon + 1, (size_t)(text_end(field) - colon - 1)});
	}
	return (struct text){0};
}

struct text sip_user_agent(const struct sip_message *message)
{
	struct text value = find_field(message, TEXT("User-Agent"));

	if (!value.at && !message->is_request)
		value = find_field(message, TEXT("Server"));
	return value;
}
