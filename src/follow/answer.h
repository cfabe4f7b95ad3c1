/* A registrar's 2xx, as it is gone through. */
#ifndef NATBOX_FOLLOW_ANSWER_H
#define NATBOX_FOLLOW_ANSWER_H

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

#endif
