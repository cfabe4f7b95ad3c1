#ifndef NATBOX_FOLLOW_DIALOG_H
#define NATBOX_FOLLOW_DIALOG_H

#include "transaction.h"

/* INVITE, UPDATE, INFO, BYE and their responses, and CANCEL (RFC 3261 9, 12 to 15, RFC 3311,
 * RFC 4028). */
void dialog_request(struct follow *follow, struct passage *passage);
void dialog_cancel(struct follow *follow, struct passage *passage);
void dialog_response(struct follow *follow, struct passage *passage, uint32_t transaction);
void dialog_acknowledge(struct follow *follow, struct passage *passage);
/* An INVITE to a user agent, followed before, that was refused in that one's place. */
void dialog_fail(struct follow *follow, const struct passage *passage);
/* A response to an INVITE without a transaction. */
void dialog_stray_response(struct follow *follow, struct passage *passage);
/* The time of its transaction is over. */
void dialog_overdue(struct follow *follow, const struct transaction *transaction);

#endif
