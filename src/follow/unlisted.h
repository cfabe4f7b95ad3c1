/* Registrations of an address of record that its registrar no longer has. */
#ifndef NATBOX_FOLLOW_UNLISTED_H
#define NATBOX_FOLLOW_UNLISTED_H

#include "answer.h"

/* Ends those that the registrar has no more, or has elsewhere now, as far as its 2xx tells. Where
 * fewer are listed than could be meant, as their Contacts are equal, others go before those of the
 * request's own registration: that has its place. */
void unlisted_end(struct follow *follow, const struct sip_message *response, struct answer *answer);

/* A registration is new where it stands, or has another Contact there. Whether it is so since a
 * request was opened: then the registrar may have had none of it yet when it wrote the answer,
 * which others have overtaken. */
void unlisted_note_new(struct follow *follow, uint32_t registration);
bool unlisted_is_newer(
	const struct follow *follow, const struct transaction *transaction, uint32_t registration);

/* Whether the registration of a request has ended where that was sent, by a later one of its user
 * agent's that was answered first. */
bool unlisted_has_ended(const struct follow *follow, const struct transaction *transaction);

/* Its user agent asks for another Contact where it stands: until that transaction has its response,
 * an answer to another user agent does not end it. */
void unlisted_note_change(struct follow *follow, uint32_t registration, uint32_t transaction);

#endif
