#include "repair_parts.h"

void splice_start(struct splice *splice, struct text text)
{
	splice->length = 0;
	splice_put(splice, text);
}

void splice_put(struct splice *splice, struct text text)
{
	memcpy(splice->bytes + splice->length, text.at, text.length);
	splice->length += text.length;
}

bool splice_put_origin(struct splice *splice, struct text plain)
{
	size_t length = origin_encode(plain, splice->bytes + splice->length);

	splice->length += length;
	return length > 0;
}

void splice_edit(const struct splice *splice, struct edits *edits, struct text span)
{
	edits_replace(edits, span, (struct text){splice->bytes, splice->length});
}
