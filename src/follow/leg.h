/* A leg is the user agent's side of a dialog: Call-ID, its own tag and the other side's. Until the
 * dialog is confirmed the leg is early. The caller's then goes by Call-ID and own tag alone,
 * whatever forks the call has and however many attempts it takes; the callee's by its transaction
 * until the callee says a tag, so each ringing branch has its own.
 *
 * The legs of a dialog are told apart by their user agents, but a message may pass this border
 * twice, through two proxies of which only one talks to that user agent. So what a response
 * means for a leg counts where the leg stands; elsewhere it may at most move it.
 *
 * A leg moves once it is proven that its user agent is at the new place. Until then it is kept at
 * both, as two reasons: at the new place by its twin, which goes by another key. */
#ifndef NATBOX_FOLLOW_LEG_H
#define NATBOX_FOLLOW_LEG_H

#include "transaction.h"

/* Keys: of the leg of whoever is from_client, or to it, in a message whose tags were found; of a
 * caller's while the dialog is early; of a callee's that has said no tag. */
uint64_t leg_key(const struct follow *follow, const struct passage *passage, bool from_client);
uint64_t leg_caller_key(
	const struct follow *follow, const struct passage *passage, bool from_client);
uint64_t leg_branch_key(const struct follow *follow, const struct transaction *transaction);

/* The leg of a transaction, or its twin, where it stands at the user agent of that; else 0. */
uint32_t leg_find_here(const struct follow *follow, const struct transaction *transaction);

/* The early leg of this message's call that came back from a restart and has no transaction; if
 * there is one, it goes by this key from now on. */
uint32_t leg_find_orphan(const struct follow *follow, const struct passage *passage);
void leg_adopt_orphan(struct follow *follow, const struct passage *passage, uint64_t key);

/* The same of the caller's early leg, with a request within the dialog: a BYE may be for an early
 * one (RFC 3261 15), or overtake the 2xx to the caller. */
void leg_adopt_early(struct follow *follow, const struct passage *passage, uint64_t key);

/* Whether a call with this Call-ID rings where a transaction was seen, whatever its leg goes by: a
 * callee may have said several tags. */
bool leg_rings_here(
	const struct follow *follow, const struct transaction *transaction, struct text call_id);

/* Whether a leg moves to where its transaction was seen. */
bool leg_moves(const struct transaction *transaction);

/* Keeps the leg of a transaction where that was seen for so long: a new one, or as one that moves
 * there or has its twin there. */
void leg_hold(struct follow *follow, const struct transaction *transaction,
	const struct sip_message *message, unsigned nat, uint32_t seconds, bool early);

/* Notes that a request within the dialog was granted. False where one that came later, from or to
 * another place of the user agent, was granted before: that is where it is. */
bool leg_note_grant(struct follow *follow, const struct transaction *transaction);

/* Whether the last one that was granted was from or to this place, or none was. */
bool leg_was_granted_here(const struct follow *follow, const struct transaction *transaction);

/* The user agent of a transaction is proven to be there: of the leg and its twin, if one of them
 * stands there, the other ends. */
void leg_settle(struct follow *follow, const struct transaction *transaction);

/* follow_end_by, for a leg and its twin. Who ends it may have moved and not proven it before. It
 * fails where its user agent knows nothing of the dialog. */
void leg_end(struct follow *follow, const struct transaction *transaction);
void leg_fail(struct follow *follow, const struct transaction *transaction);

/* Whether the leg with a key has ended for good, so lately that a request from before may come: one
 * that nobody has answered is repeated for timers.transaction, and may be late on its way. */
bool leg_has_ended(const struct follow *follow, uint64_t leg);

/* The BYE of a transaction is under way, which ends its leg, or has been refused. */
void leg_note_bye(struct follow *follow, const struct transaction *transaction, bool under_way);

/* Ends the leg with a key, if there is one. */
void leg_end_by_key(struct follow *follow, uint64_t key, const char *why);

#endif
