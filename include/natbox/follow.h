/* Following: what the messages that pass say about who must stay reachable, and for how long
 * (DESIGN section 4). Each method has its follower; this is their common ground. */
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
	unsigned nat; /* set of enum nat_test that hit; messages from the user agent only */
};

/* A request that is the user agent's own, to the proxy. */
void follow_request_in(struct follow *follow, const struct passage *passage);

/* A response of the proxy to the user agent. */
void follow_response_out(struct follow *follow, const struct passage *passage);

/* Whether a user agent that hit these tests is to be kept alive at all. */
bool follow_wants(const struct follow *follow, unsigned nat);

/* Opens the transaction of a request, or finds it open when the request is a retransmission. Its
 * index, or 0 when there can be none. */
uint32_t follow_open(struct follow *follow, const struct passage *passage);

/* REGISTER and its responses (RFC 3261 10, RFC 5626 for +sip.instance). */
void registration_request(struct follow *follow, const struct passage *passage);
void registration_response(struct follow *follow, const struct passage *passage,
	const struct transaction *transaction);

#endif
