#include "sip_lex.h"

/* The value of a header field that the scanner does not look for; at is NULL when it is missing. */
static struct text find_field(const struct sip_message *message, struct text name)
{
	const char *at = message->whole.at, *end = text_end(message->whole), *feed;

	/* Lines that are empty may stand in front (RFC 3261 7.5), and one ends the header. */
	while (at < end && (*at == '\r' || *at == '\n'))
		at++;
	for (; (feed = lex_feed(at, end)) && text_trim(text_between(at, feed)).length;
		at = feed + 1) {
		const char *colon = memchr(at, ':', (size_t)(feed - at));

		if (colon && text_equal_nocase(text_trim(text_between(at, colon)), name))
			return text_trim(text_between(colon + 1, feed));
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
