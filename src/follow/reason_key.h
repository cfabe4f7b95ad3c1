/* Keys of reasons: keyed hashes of what identifies a registration, a subscription or a leg. */
#ifndef NATBOX_FOLLOW_REASON_KEY_H
#define NATBOX_FOLLOW_REASON_KEY_H

#include <natbox/follow.h>

/* The key of a reason: of these texts, in this order. */
enum { KEY_TEXTS_MAX = 4 };
uint64_t follow_key(const struct follow *follow, const char *purpose,
	const struct text texts[static KEY_TEXTS_MAX]);

/* What is no text, as one of them. */
static inline struct text follow_bytes(const void *bytes, size_t size)
{
	return (struct text){bytes, size};
}

/* The tag of a From or To; at is NULL when it has none. */
struct text follow_tag(struct text from_or_to);

/* A header field without the parameters behind it, which begin at its first semicolon. */
struct text follow_value(struct text field, struct text *params);

/* One that is a number of seconds, maybe with parameters behind it. */
bool follow_seconds(struct text value, uint32_t *seconds);

#endif
