/* A registration that comes from a new address: what it was repaired to at the old one would stay
 * at the registrar, for to that it is another Contact. */
#ifndef NATBOX_FOLLOW_MOVED_H
#define NATBOX_FOLLOW_MOVED_H

#include <natbox/follow.h>

#include "transaction.h"

/* Finds what a REGISTER is to take back: passage.moved, and the binding in what is wanted of its
 * transaction, of which the key is set, unless that is as the user agent wrote it and may be seen.
 * Where there is any doubt that the old registration is the same user agent's, nothing: that has
 * another Contact, two may be meant, it has one where the REGISTER comes from, or the CSeq is not
 * higher. */
void moved_find(const struct follow *follow, struct passage *passage, const struct aor *aor,
	struct transaction *wanted);

#endif
