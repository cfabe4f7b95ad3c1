/* A registration that comes from a new address, or with its Contact written otherwise: what it was
 * repaired to before would stay at the registrar, for to that it is another Contact. */
#ifndef NATBOX_FOLLOW_MOVED_H
#define NATBOX_FOLLOW_MOVED_H

#include "unlisted.h"

/* Finds what a REGISTER is to take back: passage.moved, and the binding in what is wanted of its
 * transaction, of which the key is set, unless what the user agent gets to see is as it wrote it.
 * Where there is any doubt that the old registration is the same user agent's, nothing: its Contact
 * led elsewhere, two may be meant, or the CSeq is not higher (RFC 3261 10.3). It led elsewhere when
 * its host and port differ in more than in what a user agent learns from a response: its public
 * address in place of the private one, or of the public one that it had. */
void moved_find(struct follow *follow, struct passage *passage, const struct aor *aor,
	struct transaction *wanted);

/* Whether moved_find is worth while for a REGISTER that comes from where its registration stands:
 * not for one that has the same Contact as before, and no other. */
bool moved_is_possible(const struct passage *passage, const struct transaction *wanted,
	const struct reason *registration);

/* Finds passage.kept, the Contact of a REGISTER that is alone, or those of several that it takes
 * back, where its registration stands where that comes from: nothing else may tell of a public
 * address that it is the user agent's own. */
void moved_keep(const struct follow *follow, struct passage *passage, uint32_t registration);

/* The registrar has accepted a REGISTER at the place of this registration, and may have accepted
 * it, or another one that was under way at the same time, at another place: then that is not to be
 * seen, passage.taken_back. */
void moved_note_doubled(struct follow *follow, struct passage *passage, const struct answer *answer,
	uint32_t registration);

#endif
