/* Which Contacts name no place of a user agent's, but the user agent in a domain: a registrar knows
 * where that is. */
#ifndef NATBOX_NAT_DOMAIN_H
#define NATBOX_NAT_DOMAIN_H

#include <natbox/sip.h>

/* The domains of a message: those of From, To and Request-URI. Read when first asked for, and once,
 * however many Contacts there are. */
struct domains {
	const struct sip_message *message;
	bool are_read;
	unsigned count;
	struct sip_uri uris[3];
};

void domains_start(struct domains *domains, const struct sip_message *message);

/* Whether a Contact of the message is a GRUU (RFC 5627 3.3, 4.4) or an address of record: its host
 * is a name, and it has the parameter gr or names a domain of the message; or its host is an
 * address, and both hold, as domains can be addresses and a user agent can make itself a GRUU of
 * its own address. */
bool contact_is_of_domain(struct domains *domains, const struct sip_contact *contact);

#endif
