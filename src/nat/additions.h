/* What a REGISTER adds, and what it takes back that a repair may make equal to it. */
#ifndef NATBOX_NAT_ADDITIONS_H
#define NATBOX_NAT_ADDITIONS_H

#include <natbox/sip.h>

struct additions {
	const struct sip_contact *first; /* NULL: nothing */
	bool any_more;
	bool removes; /* what does not say for how long it is meant is taken back */
};

/* Of a message with one Contact alone nothing: there is none that it may clash with. */
struct additions additions_find(const struct sip_message *message);

/* Whether a Contact is taken back, and a repair may make it equal to one that is added. Those that
 * had one place before are the user agent's business. */
bool additions_may_clash(const struct additions *additions, const struct sip_contact *contact);

#endif
