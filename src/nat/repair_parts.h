/* One message that is repaired: repair.c does all of it, its Via with the help of repair_via.c. */
#ifndef NATBOX_NAT_REPAIR_PARTS_H
#define NATBOX_NAT_REPAIR_PARTS_H

#include <natbox/nat.h>

#include "domain.h"

/* A message from a user agent, and what its Via and Contacts are to say instead. */
struct repair {
	const struct sip_message *message;
	const struct address *source;
	struct edits *edits;
	struct domains domains;
	struct text sent_by_host; /* of the user agent's own Via; at is NULL in a response */
	enum { UNREAD, NAME, ADDRESS } sent_by_is; /* ADDRESS: this one */
	struct address sent_by;
	struct text port; /* of source */
	struct text host_port;
	char text[ADDRESS_TEXT_MAX];
};

/* Has it write source. What is given is pointed to. */
void repair_start(struct repair *repair, const struct sip_message *message,
	const struct address *source, struct text sent_by_host, struct edits *edits);

/* Whether it had to be repaired, and was. */
bool repair_via(struct repair *repair, const struct sip_via *via, enum nat_fix_via fix);
bool repair_contact(struct repair *repair, const struct sip_contact *contact);

#endif
