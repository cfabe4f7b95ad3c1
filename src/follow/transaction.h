/* Pending transactions: requests of user agents, and to them, that wait for the response that
 * gives them meaning. A response counts only when client, proxy, branch, CSeq and Call-ID are
 * all those of the request; nothing else can create or end anything.
 *
 * A branch names a transaction when it begins with RFC 3261's cookie. Without one, or with none at
 * all, the peer is of RFC 2543, and sent-by and tags have to be those of the request as well
 * (RFC 3261 17.2.3). The Request-URI does not count, as no response has it; nor does the To tag
 * where the request has none, as the response then brings it. */
#ifndef NATBOX_FOLLOW_TRANSACTION_H
#define NATBOX_FOLLOW_TRANSACTION_H

#include "contact.h"

/* Most Contacts that one REGISTER adds and that are looked for in its response; a phone has one, or
 * one a transport. Those that it takes back do not count. */
enum { TRANSACTION_CONTACTS_MAX = 4 };

/* Where a transaction is on its way; each phase lasts equally long for all (settings.timers). */
enum transaction_phase {
	TRANSACTION_WAITING,    /* no response yet: timers.transaction */
	TRANSACTION_PROCEEDING, /* INVITE after a provisional response: timers.invite */
	/* A final response passed to INVITE or what belongs to it, or one to a REGISTER that tells
	 * less than it grants, or one that it has failed while a copy of it is under way. Kept for
	 * timers.transaction, as a 2xx is sent again that long; the oldest of these makes room when
	 * there is none. */
	TRANSACTION_DONE,
	TRANSACTION_PHASES,
};

struct transaction {
	uint64_t key;
	struct address client;
	uint16_t proxy;
	uint8_t method; /* enum sip_method */
	uint8_t phase;  /* enum transaction_phase */
	uint8_t nat;    /* set of enum nat_test that the request hit; of user agents' requests */
	bool from_client;
	bool bears; /* a user agent's: it carried what was sent to the address that it came from */
	uint8_t class; /* number of its user agent's, as far as that has said something */
	uint32_t hash_next;
	uint32_t queue_next, queue_previous;
	uint32_t endpoint; /* where its user agent stood when it was opened; 0: unknown */
	uint32_t opened;   /* tick */
	uint32_t entered;  /* tick, rounded up; when its phase began */
	uint16_t source;   /* its client's place in transactions.held */
	uint8_t copies;    /* of its request, that may be answered each for itself */
	bool has_failed;   /* one of them was: another may be accepted still */
	uint64_t reason;   /* the key of the reason that it adds, refreshes or ends */
	union {
		struct {
			uint32_t number;  /* how many were opened before, with this one */
			uint32_t seconds; /* asked for; 0: un-REGISTER, or a query */
			bool is_query : 1, is_star : 1, has_more_contacts : 1;
			bool has_more_moved : 1; /* than it could take back */
			bool has_instance : 1;   /* its reason is told apart by that */
			bool is_next : 1; /* by CSeq, to what its registration was granted for */
			uint8_t contact_count;
			uint32_t taken_back; /* binding; 0: none */
			struct contact_hashes contacts[TRANSACTION_CONTACTS_MAX];
		} registration;
		struct {
			uint32_t seconds; /* asked for */
			bool is_initial;  /* without a To tag: its key has no notifier yet */
		} subscription;
		struct {
			bool inside; /* the request was sent within a dialog: it had a To tag */
			bool echoes; /* passage.echoes */
			bool is_cancelled;
		} dialog;
	};
};

struct transaction_queue {
	uint32_t first, last; /* in the order in which they entered the phase */
	uint32_t count;
};

/* Sources are counted by a hash of their address, of IPv6 its first 64 bits: two that share a
 * counter matter to none but the heaviest. */
enum {
	TRANSACTION_SOURCES = 1 << 14,
	TRANSACTION_COUNTERS = TRANSACTION_PHASES * TRANSACTION_SOURCES,
};

struct transactions {
	struct hash_key key;
	struct report *report;
	const struct settings *settings;
	struct pool pool;
	uint32_t *heads, mask;
	struct transaction_queue queues[TRANSACTION_PHASES];
	uint32_t *held; /* how many each source has in each phase */
	/* What is over: requests that were answered, so that a late retransmission starts nothing,
	 * and reasons that ended, so that a late response does not bring them back. Half as many as
	 * there may be transactions: with the default that is room for 3000 a second. */
	struct ledger over;
};

/* Zeroed before. 0 or -ENOMEM; then what there is is to be freed, too. */
int transactions_init(struct transactions *transactions, const struct settings *settings,
	struct report *report, const struct hash_key *key);
void transactions_free(struct transactions *transactions);

static inline struct transaction *transaction_at(
	const struct transactions *transactions, uint32_t index)
{
	return pool_item(&transactions->pool, index);
}

/* Whether it proves that its user agent was where it was seen, once it is answered: a response of
 * its own answers what was sent there. */
static inline bool transaction_proves(const struct transaction *transaction)
{
	return !transaction->from_client || transaction->bears;
}

/* Whether its final response has passed. */
static inline bool transaction_is_over(const struct transaction *transaction)
{
	return transaction->phase == TRANSACTION_DONE && !transaction->has_failed;
}

/* Whether the branch of a message names its transaction. */
bool transaction_is_named(const struct sip_message *message);

/* What identifies the transaction of a message between client and proxy, together with its
 * method: a keyed hash. A CANCEL has that of the request it is for (RFC 3261 9.1). Its tags count
 * only where no branch names it. What transaction_find looks at begins to be fetched into the
 * cache. */
uint64_t transaction_key(const struct transactions *transactions, const struct passage *passage);

/* The one with this key and method; 0 when there is none. */
uint32_t transaction_find(
	const struct transactions *transactions, uint64_t key, enum sip_method method);

/* Opens one, all but its key, method, client and times zero. 0 when the limit is reached and all of
 * them are pending. */
uint32_t transaction_open(struct transactions *transactions, uint64_t key, enum sip_method method,
	const struct address *client);
void transaction_close(struct transactions *transactions, uint32_t index);

/* One whose final response has passed, and does not count: closes it, or waits for those to the
 * copies of its request. */
void transaction_fail(struct transactions *transactions, uint32_t index);

/* Closes one whose final response has passed. That is remembered for timers.transaction, as it is
 * for what has no transaction and is noted so. */
void transaction_answer(struct transactions *transactions, uint32_t index);
void transactions_note_answered(
	struct transactions *transactions, uint64_t key, enum sip_method method);
bool transaction_is_answered(
	const struct transactions *transactions, uint64_t key, enum sip_method method);

/* The reason with this key ended now; and whether it did, for that or more, after a transaction was
 * opened, or within a time. */
enum reason_end {
	END_ANY,
	END_UNHEARD, /* its user agent knew nothing of it, and may be yet to hear of it */
	END_FOR_GOOD,
};
void transactions_note_end(struct transactions *transactions, uint64_t reason, enum reason_end end);
bool transaction_saw_end(const struct transactions *transactions,
	const struct transaction *transaction, uint64_t reason, enum reason_end least);
bool transactions_noted_end(const struct transactions *transactions, uint64_t reason,
	uint64_t within_us, enum reason_end least);

/* A request that may have been forked was accepted now, for so long; and whether that was noted
 * within timers.transaction, in which this reason of it has not ended. For so long may those that
 * got a fork make themselves known (RFC 6665 4.1.2.4, Timer N). */
void transactions_note_forks(struct transactions *transactions, uint64_t forks, uint32_t seconds);
bool transactions_find_forks(const struct transactions *transactions, uint64_t forks,
	uint64_t reason, uint32_t *seconds);

/* Starts a phase, also the one it is in already. */
void transaction_enter(
	struct transactions *transactions, uint32_t index, enum transaction_phase phase);

/* Whether there is no room for another: the limit is reached, and all are pending. */
bool transactions_are_full(const struct transactions *transactions);

/* The one to give up for another at the limit: of the phase that holds most, so that calls that
 * ring push out no registrations; there, one of the source that holds most, as far as a sample
 * shows, and else the one that has waited longest. Whoever fills the table pushes out his own. 0
 * when there is none at all. */
uint32_t transaction_to_give_up(const struct transactions *transactions);

/* One whose time is over, still open; 0 when there is none. */
uint32_t transaction_overdue(const struct transactions *transactions);

#endif
