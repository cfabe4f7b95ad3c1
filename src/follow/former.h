/* What a user agent had in its REGISTERs before, and may name nowhere any more: host and port in
 * its Contact before it put a public address there, and its Call-ID; in the ledger. */
#ifndef NATBOX_FOLLOW_FORMER_H
#define NATBOX_FOLLOW_FORMER_H

#include "listing.h"

/* A REGISTER is answered, and the registrar lists its Contact: what stood in it, but for where its
 * user agent is seen, is noted, for a user agent that names it nowhere any more when it changes it;
 * and the Call-ID, where the registration is told apart by its instance. */
void former_note(struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, const struct listing *listing);

/* A REGISTER comes from where its registration, with this key, does not stand: the ports of its
 * Contacts that name its host there are noted. */
void former_note_ports(struct follow *follow, const struct passage *passage, uint64_t registration);

/* What its user agent had in its Contact when it was registered so, as far as that is noted. */
bool former_find(const struct follow *follow, const struct passage *passage,
	const struct reason *reason, struct address *former);

/* Whether a REGISTER with the Call-ID of this one has made a registration with this key, which is
 * told apart by its instance, as far as that is noted. */
bool former_has_call_id(
	const struct follow *follow, const struct sip_message *message, uint64_t registration);

/* A user agent has come from client with the Contact of a registration that stands elsewhere; and
 * whether it has, a short while ago. */
void former_note_coming(
	struct follow *follow, const struct address *client, const struct reason *reason);
bool former_has_come(
	const struct follow *follow, const struct address *client, const struct reason *reason);

#endif
