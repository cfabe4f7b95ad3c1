#include <natbox/nat.h>

#include <stdio.h>

/* What a phone is told of so many seconds that it was granted. */
static uint32_t told_of(const struct settings *settings, uint32_t granted, uint32_t draw)
{
	const uint64_t max = settings->nat.max_expires_us / 1000000;
	uint64_t most = granted, least;

	if (max && max < most)
		most = max;
	if (most <= EXPIRES_FLOOR_S)
		return (uint32_t)most;
	least = most - most * settings->nat.spread_expires / 100;
	if (least < EXPIRES_FLOOR_S)
		least = EXPIRES_FLOOR_S;
	return (uint32_t)(most - ((most - least + 1) * draw >> 32));
}

/* Puts text and the number in the place of span. */
static void put(struct edits *edits, struct text span, const char *text, uint32_t seconds)
{
	char bytes[sizeof(";expires=4294967295")];
	int length = snprintf(bytes, sizeof(bytes), "%s%u", text, seconds);

	edits_replace(edits, span, (struct text){bytes, (size_t)length});
}

static bool is_time(struct text text)
{
	uint32_t seconds;

	return text_number(text, &seconds);
}

/* A time that cannot be read is treated as missing (RFC 3261 10.2.1.1); a second one would not make
 * that clearer. */
static unsigned tell_by_contact(
	const struct sip_contact *contact, uint32_t seconds, struct edits *edits)
{
	const struct sip_name_addr *name_addr = &contact->name_addr;
	const struct text end = {text_end(name_addr->value), 0};

	if (is_time(name_addr->expires))
		put(edits, name_addr->expires, "", seconds);
	else if (!name_addr->expires.at)
		put(edits, end, ";expires=", seconds);
	else
		return 0;
	return REWRITTEN_CONTACT;
}

unsigned nat_shorten(const struct sip_message *message, const struct grants *grants,
	const struct settings *settings, uint32_t draw, struct edits *edits)
{
	bool has_header = is_time(message->expires) && !sip_repeats(message, &message->expires);
	unsigned fields = 0;

	for (unsigned i = 0; i < grants->count; i++) {
		const struct sip_contact *contact = grants->list[i].contact;
		const uint32_t seconds = told_of(settings, grants->list[i].seconds, draw);

		if (seconds == grants->list[i].seconds)
			continue;
		if (contact && (is_time(contact->name_addr.expires) || !has_header)) {
			fields |= tell_by_contact(contact, seconds, edits);
		} else if (has_header && !(fields & REWRITTEN_OTHER)) {
			put(edits, message->expires, "", seconds);
			fields |= REWRITTEN_OTHER;
		}
	}
	return fields;
}
