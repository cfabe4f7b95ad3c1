/* Text: a run of bytes inside somebody else's buffer. Never copied, never terminated. */
#ifndef NATBOX_TEXT_H
#define NATBOX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Points into the datagram it was found in and lives as long; at is NULL when there is none. */
struct text {
	const char *at;
	size_t length;
};

/* A text over a string literal. */
#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline const char *text_end(struct text text)
{
	return text.length ? text.at + text.length
			   : text.at; /* C adds nothing to NULL, not even 0 */
}

bool text_equal(struct text a, struct text b);

/* ASCII case folded, as SIP compares tokens, header names and hosts (RFC 3261 7.3.1). */
bool text_equal_nocase(struct text a, struct text b);

bool text_starts_with(struct text text, struct text prefix);

/* Without the spaces, tabs and line ends (of folded lines) at either end. */
struct text text_trim(struct text text);

/* Decimal digits only, nothing else. False when empty, not a number or above UINT32_MAX. */
bool text_number(struct text text, uint32_t *number);

#endif
