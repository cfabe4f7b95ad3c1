/* What proves that a user agent is where its messages seem to come from. A source address can be
 * forged, but what was sent to that very address only somebody who receives there can know: a
 * nonce, a tag of the other side, the branch of a request. */
#ifndef NATBOX_FOLLOW_PROOF_H
#define NATBOX_FOLLOW_PROOF_H

#include <natbox/follow.h>

/* A request that is followed. Of the user agent's own, passage.bears then says whether it carries
 * what was sent to the address that it came from. */
void proof_request(struct follow *follow, struct passage *passage);

/* A response: it may be what a proof had to wait for, and each counts once. passage.proves then
 * says so. */
void proof_response(struct follow *follow, struct passage *passage);

/* Whether a request carries a nonce that was sent to this client. */
bool proof_bears_nonce(const struct follow *follow, const struct sip_message *message,
	const struct address *client);

#endif
