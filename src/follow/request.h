/* A request that is followed: what it says, its transaction, and the reason that it is about. */
#ifndef NATBOX_FOLLOW_REQUEST_H
#define NATBOX_FOLLOW_REQUEST_H

#include "transaction.h"

/* The key of a reason, or of what a ledger has: a keyed hash of these texts, in this order. */
enum { KEY_TEXTS_MAX = 4 };
uint64_t follow_key(const struct follow *follow, const char *purpose,
	const struct text texts[static KEY_TEXTS_MAX]);

/* What is no text, as one of them. */
static inline struct text follow_bytes(const void *bytes, size_t size)
{
	return (struct text){bytes, size};
}

/* The tag of a From or To; at is NULL when it has none. */
struct text follow_tag(struct text from_or_to);

/* A header field without the parameters behind it, which begin at its first semicolon. */
struct text follow_value(struct text field, struct text *params);

/* One that is a number of seconds, maybe with parameters behind it. */
bool follow_seconds(struct text value, uint32_t *seconds);

/* Whether a user agent of this class that hit these tests is to be kept alive at all. */
bool follow_wants(const struct follow *follow, unsigned nat, unsigned class);

/* Finds the tags of a message, if that has not been done. */
void follow_find_tags(struct passage *passage);

/* Opens the transaction of a request, or finds it open when the request is a retransmission, which
 * *is_new tells. Its index, or 0 when there can be none. */
uint32_t follow_open(struct follow *follow, const struct passage *passage, bool *is_new);

static inline bool follow_is_challenge(unsigned status)
{
	return status == 401 || status == 407;
}

/* Closes a transaction whose final response, with this status, has passed. What has failed may come
 * again with the same CSeq and branch, and be accepted: with credentials, from a careless user
 * agent; or as nobody keeps that it has failed. So may a copy that has come before: until all are
 * answered it stays open. */
void follow_close(struct follow *follow, uint32_t index, unsigned status);

/* A reason's claim by the user agent of a transaction: kind, id, key and seconds are to be set. */
struct reason_claim follow_claim(const struct transaction *transaction, unsigned nat);

/* Ends the reason with this key, if there is one. For timers.transaction it is remembered that
 * it is over, so that a late response to an earlier request does not bring it back. */
void follow_end(struct follow *follow, uint64_t key, const char *why);

/* The reason of a transaction; 0 unless it stands at the endpoint of that client and proxy. */
uint32_t follow_find_here(const struct follow *follow, const struct transaction *transaction);

/* The same for any reason, by its key. */
uint32_t follow_find_at(
	const struct follow *follow, const struct transaction *transaction, uint64_t reason);

/* Whether the reason of a transaction is one of somebody else: its user agent may have taken
 * another proxy and another mapping of its NAT, but not another host. */
bool follow_is_strange(const struct follow *follow, const struct transaction *transaction);

/* follow_end for the reason of a transaction, if there is one and it is not strange. */
void follow_end_by(struct follow *follow, const struct transaction *transaction, const char *why);

#endif
