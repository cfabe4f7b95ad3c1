/* A registrar's 2xx, as it is gone through, and registrations of its address of record that it no
 * longer has. */
#ifndef NATBOX_FOLLOW_UNLISTED_H
#define NATBOX_FOLLOW_UNLISTED_H

#include "listing.h"

/* An answer, and what there is to be known for it. */
struct answer {
	const struct transaction *transaction;
	uint32_t cseq;
	struct aor aor;
	struct listing listing;
	uint32_t own; /* the registration of the request, where it was sent; 0: none */
	bool holds;   /* that one is to be kept */
};

/* The registrations of its address of record at that proxy, one after the other; 0 first and
 * last. */
static inline uint32_t answer_next(
	const struct follow *follow, const struct answer *answer, uint32_t after)
{
	return registration_next(
		follow->endpoints, &answer->aor, answer->transaction->reason, after);
}

static inline bool answer_has_own_key(
	const struct follow *follow, const struct answer *answer, uint32_t registration)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);

	return reason_key(reason) == answer->transaction->reason;
}

/* Whether a registration has the binding that was now asked for: it is the same one, under
 * whatever Call-ID (RFC 3261 10.3). */
static inline bool answer_has_own_binding(
	const struct follow *follow, const struct answer *answer, uint32_t registration)
{
	uint32_t binding = reason_at(follow->endpoints, registration)->binding;

	return binding && binding == answer->listing.own;
}

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
