/* The bytes of one edit of a repair, put together piece by piece. */
#ifndef NATBOX_NAT_SPLICE_H
#define NATBOX_NAT_SPLICE_H

#include "origin.h"

/* The longest holds three encoded origins and two addresses. */
struct splice {
	size_t length;
	char bytes[3 * ORIGIN_CODED_MAX + 2 * ADDRESS_TEXT_MAX +
		   sizeof(";natbox=***;received=;rport=")];
};

void splice_start(struct splice *splice, struct text text);
void splice_put(struct splice *splice, struct text text);

/* An origin, encoded. False when that is too long. */
bool splice_put_origin(struct splice *splice, struct text plain);

/* The edit: they take the place of span. */
void splice_edit(const struct splice *splice, struct edits *edits, struct text span);

#endif
