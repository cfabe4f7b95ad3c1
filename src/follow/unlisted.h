/* Registrations of an address of record that its registrar no longer has. */
#ifndef NATBOX_FOLLOW_UNLISTED_H
#define NATBOX_FOLLOW_UNLISTED_H

#include "answer.h"

/* Ends those that the registrar has no more, or has elsewhere now, as far as its 2xx tells. Where
 * fewer are listed than could be meant, as their Contacts are equal, others go before those of the
 * request's own registration: that has its place. */
void unlisted_end(struct follow *follow, const struct sip_message *response, struct answer *answer);

/* A registration is new where it stands: an answer to a request of before, which comes late, does
 * not end it. */
void unlisted_note_new(struct follow *follow, uint32_t registration);

/* Its user agent asks for another Contact where it stands: until that transaction has its response,
 * an answer to another user agent does not end it. */
void unlisted_note_change(struct follow *follow, uint32_t registration, uint32_t transaction);

#endif
