/* Following: what the messages that pass say about who must stay reachable, and for how long
 * (RFC 3261 10 and 12 to 15, RFC 6665). Requests open transactions; what they mean takes effect
 * with the response that matches. */
#ifndef NATBOX_FOLLOW_H
#define NATBOX_FOLLOW_H

#include <natbox/endpoints.h>

struct transactions;

struct follow {
	const struct settings *settings;
	struct report *report;
	struct endpoints *endpoints;
	struct transactions *transactions;
	/* What was sent to whom, and which requests wait for a response that proves something. */
	struct ledger proofs;
	struct hash_key key;
	uint32_t registers; /* REGISTER requests that were opened */
};

/* What is kept is pointed to, not copied. 0 or -ENOMEM; then what there is is to be freed, too. */
int follow_init(struct follow *follow, const struct settings *settings, struct report *report,
	struct endpoints *endpoints, const struct hash_key *key);
void follow_free(struct follow *follow);

/* What fills up with transactions. */
void follow_list_fillings(const struct follow *follow, struct fillings *fillings);

/* Most transactions from now on. False when that needs bigger tables: the limit is then theirs. */
bool follow_set_limit(struct follow *follow, uint32_t limit);

/* The tick at which follow_expire next has something to do. False when nothing is pending. */
bool follow_next(const struct follow *follow, uint32_t *tick);

/* Contacts of a REGISTER that the registrar knows from when its user agent was at from, and nobody
 * else's: a bit for each of message.contacts; and which of them were repaired there, though nothing
 * may tell of a public address that it is the user agent's own. Host and port that the user agent
 * had in them then are as; with port 0, those that it has now. */
struct moved {
	unsigned contacts, own;
	struct address from, as;
};

/* Where it stands, and where the same REGISTER has come from before. */
enum { MOVED_MAX = 2 };

/* What is known of one message on its way between a user agent and a proxy. */
struct passage {
	const struct sip_message *message;
	struct address client;
	uint16_t proxy;    /* number in proxies */
	bool in;           /* from the user agent to the proxy */
	uint32_t endpoint; /* of the user agent's own messages; 0: none */
	unsigned nat;      /* set of enum nat_test that hit; of the user agent's own messages */
	uint8_t class;     /* number of the class of who sent it (endpoints.h); likewise */

	/* Of its transaction; follow_prepare finds it. */
	bool has_key;
	uint64_t key;

	/* A user agent's request carries what was sent to the address that it came from; and now it
	 * is proven that the user agent is there: that request was answered 2xx, or this is its
	 * response to one that was sent there. */
	bool bears, proves;
	/* A user agent's request carries a tag that was sent to that address, but had been sent
	 * from there before. */
	bool echoes;
	uint32_t proven_at; /* tick, rounded up: when it sent what proves that */

	/* Of a request that may be repaired: nothing has shown that a Contact of it is to be. */
	bool leaves_contacts;
	/* What a REGISTER is to take back. */
	unsigned moved_count;
	struct moved moved[MOVED_MAX];
	/* Contacts of it, a bit for each, that the registrar has as they were repaired for where it
	 * comes from: one that is alone is to stay so, one of several is taken back as that. */
	unsigned kept;
	/* Of the answer: that one, or one that the same REGISTER has made from another place, if
	 * the registrar lists it. It is not to be seen. */
	const struct sip_contact *taken_back;

	/* Where an answer to a REGISTER notes what it grants a user agent that is followed; NULL:
	 * nowhere. */
	struct grants *grants;

	/* Of what may belong to a dialog, and where no branch names the transaction; found when
	 * has_tags says so. at is NULL when missing. */
	bool has_tags;
	struct text from_tag, to_tag;
};

/* Finds the key of a message's transaction, and begins to fetch what there is of it: the later
 * follow_message comes, the less it waits. */
void follow_prepare(const struct follow *follow, struct passage *passage);

/* A message that is to be followed: a user agent's own, or one to it. passage.proves is set. */
void follow_message(struct follow *follow, struct passage *passage);

/* An endpoint has answered a keepalive: what was asked for from there is proven. */
void follow_answered(struct follow *follow, uint32_t endpoint);

/* Answers a request outside a dialog that goes to an endpoint that is lost in that one's place, as
 * relay.lost-answer says, which is not off: as a server without state (RFC 3261 8.2.7), for the tag
 * of the answer's To is a keyed hash of the request. So a retransmission is answered alike, and the
 * ACK is known, without a table. Never answered are ACK, CANCEL and what is of a call alone, nor a
 * message with a flaw; an endpoint that is unproven counts as lost only where it is registered.
 *
 * True where the message ends here: it was answered, or is the ACK to such an answer, also where
 * the phone has come back since. Of messages from a proxy, before they are followed. bytes is room
 * for the answer; what does not fit is not answered. */
bool lost_answer(struct follow *follow, struct passage *passage, char *bytes, size_t size);

/* Closes the transactions whose time is over, with what follows from that; as many as the report
 * has time for. */
void follow_expire(struct follow *follow);

#endif
