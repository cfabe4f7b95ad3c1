/* Edits: a short list of splices over a message, applied once, on the way out. What no edit names
 * leaves as it came, byte for byte. */
#ifndef NATBOX_EDIT_H
#define NATBOX_EDIT_H

#include <natbox/text.h>

/* Most edits of one message: two for its Via, two a Contact. Beyond, the message stays as it is. */
enum { EDITS_MAX = 64, EDITS_BYTES_MAX = 4096 };

struct edit {
	struct text replaced; /* a span of the message; empty: insert before this place */
	uint16_t offset;      /* of the new bytes in edits.bytes */
	uint16_t length;
};

struct edits {
	unsigned count;
	size_t used;
	bool overflow; /* an edit found no room: none of them may be applied */
	struct edit list[EDITS_MAX];
	char bytes[EDITS_BYTES_MAX];
};

void edits_reset(struct edits *edits);

/* Puts a copy of with in the place of span. Spans of one message must not overlap; any order. */
void edits_replace(struct edits *edits, struct text span, struct text with);

/* Writes message with all edits applied. Returns its new length; -ENOBUFS when it would not fit
 * or an edit found no room, -EINVAL when spans overlap or lie outside: out is undefined then. */
long edits_apply(struct edits *edits, struct text message, char *out, size_t size);

#endif
