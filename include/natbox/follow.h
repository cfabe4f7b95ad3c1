/* Following: what the messages that pass say about who must stay reachable, and for how long
 * (DESIGN section 4). Each kind of reason has its follower; this is their common ground.
 *
 * Requests open transactions; what they mean takes effect with the response that matches. A key of
 * a reason is a keyed hash of what identifies it. */
#ifndef NATBOX_FOLLOW_H
#define NATBOX_FOLLOW_H

#include <natbox/endpoint.h>
#include <natbox/transaction.h>

struct follow {
	const struct settings *settings;
	struct report *report;
	struct endpoints *endpoints;
	struct transactions *transactions;
	struct hash_key key;
};

/* One message on its way between a user agent and a proxy. */
struct passage {
	const struct sip_message *message;
	struct address client;
	uint16_t proxy;
	uint32_t endpoint; /* of the user agent's own messages; 0: none */
	bool in;           /* from the user agent to the proxy */
	unsigned nat;      /* set of enum nat_test that hit; of the user agent's own messages */

	/* Of its transaction; follow_expect finds it. */
	bool has_key;
	uint64_t key;

	/* Of what may belong to a dialog; dialog.c finds them. at is NULL when missing. */
	struct text from_tag, to_tag;
};

/* Finds the key of a message's transaction, and begins to fetch what there is of it: the later
 * follow_message comes, the less it waits. */
void follow_expect(const struct follow *follow, struct passage *passage);

/* A message that is to be followed: a user agent's own, or one to it. */
void follow_message(struct follow *follow, struct passage *passage);

/* Closes the transactions whose time is over, with what follows from that. */
void follow_expire(struct follow *follow);

/* Whether a user agent that hit these tests is to be kept alive at all. */
bool follow_wants(const struct follow *follow, unsigned nat);

/* Opens the transaction of a request, or finds it open when the request is a retransmission, which
 * *is_new tells. Its index, or 0 when there can be none. */
uint32_t follow_open(struct follow *follow, const struct passage *passage, bool *is_new);

/* A reason's claim by the user agent of a transaction: kind, id, key and seconds are to be set. */
struct reason_claim follow_claim(const struct transaction *transaction, unsigned nat);

/* Ends the reason with this key, if there is one. For timers.transaction it is remembered that
 * it is over, so that a late response to an earlier request does not bring it back. */
void follow_end(struct follow *follow, uint64_t key, const char *why);

/* The reason of a transaction; 0 unless it stands at the endpoint of that client and proxy. */
uint32_t follow_find_here(const struct follow *follow, const struct transaction *transaction);

/* Whether the reason of a transaction is one of somebody else: its user agent may have taken
 * another proxy and another mapping of its NAT, but not another host. */
bool follow_is_strange(const struct follow *follow, const struct transaction *transaction);

/* follow_end for the reason of a transaction, if there is one and it is not strange. */
void follow_end_by(struct follow *follow, const struct transaction *transaction, const char *why);

/* Whether follow_end was called for this key after the transaction was opened. */
bool follow_ended_since(
	const struct follow *follow, uint64_t key, const struct transaction *transaction);

/* The key of a reason: of these texts, in this order. */
enum { KEY_TEXTS_MAX = 4 };
uint64_t follow_key(const struct follow *follow, const char *purpose,
	const struct text texts[static KEY_TEXTS_MAX]);

/* The tag of a From or To; at is NULL when it has none. */
struct text follow_tag(struct text from_or_to);

/* A header field that is a number of seconds, maybe with parameters behind it. */
bool follow_seconds(struct text value, uint32_t *seconds);

/* REGISTER and its responses (RFC 3261 10, RFC 5626 for +sip.instance). */
void registration_request(struct follow *follow, const struct passage *passage);
void registration_response(
	struct follow *follow, const struct passage *passage, uint32_t transaction);

/* SUBSCRIBE, its responses, and NOTIFY (RFC 6665). */
void subscription_request(struct follow *follow, const struct passage *passage);
void subscription_response(
	struct follow *follow, const struct passage *passage, uint32_t transaction);
void subscription_notify(struct follow *follow, const struct passage *passage);

/* INVITE, UPDATE, INFO, BYE and their responses, and CANCEL (RFC 3261 9, 12 to 15, RFC 3311,
 * RFC 4028). */
void dialog_request(struct follow *follow, struct passage *passage);
void dialog_cancel(struct follow *follow, const struct passage *passage);
void dialog_response(struct follow *follow, struct passage *passage, uint32_t transaction);
/* A response to an INVITE without a transaction. */
void dialog_stray_response(struct follow *follow, struct passage *passage);
void dialog_overdue(struct follow *follow, const struct transaction *transaction);

#endif
