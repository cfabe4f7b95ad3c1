/* Hosts and ports that a user agent had in its Contact before it put a public address there, and
 * that it may name nowhere any more; in the ledger. */
#ifndef NATBOX_FOLLOW_FORMER_H
#define NATBOX_FOLLOW_FORMER_H

#include "listing.h"

/* The registrar lists the Contact of this registration: what stood in it, but for where its user
 * agent is seen, is noted, for a user agent that names it nowhere any more when it changes it. */
void former_note(struct follow *follow, const struct listing *listing, uint64_t key);

/* A REGISTER comes from where its registration, with this key, does not stand: the ports of its
 * Contacts that name its host there are noted. */
void former_note_ports(struct follow *follow, const struct passage *passage, uint64_t registration);

/* What its user agent had in its Contact when it was registered so, as far as that is noted. */
bool former_find(const struct follow *follow, const struct passage *passage,
	const struct reason *reason, struct address *former);

/* A user agent has come from client with the Contact of a registration that stands elsewhere; and
 * whether it has, a short while ago. */
void former_note_coming(
	struct follow *follow, const struct address *client, const struct reason *reason);
bool former_has_come(
	const struct follow *follow, const struct address *client, const struct reason *reason);

#endif
