/* One message that is repaired: repair.c does all of it, with the help of repair_contact.c and
 * repair_via.c. */
#ifndef NATBOX_NAT_REPAIR_PARTS_H
#define NATBOX_NAT_REPAIR_PARTS_H

#include <natbox/nat.h>

#include "domain.h"
#include "origin.h"

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

/* What a REGISTER adds, and what it takes back that a repair may make equal to it. */
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

/* The bytes of one edit of a repair, put together piece by piece. The longest holds three encoded
 * origins and two addresses. */
struct splice {
	size_t length;
	char bytes[3 * ORIGIN_CODED_MAX + 2 * ADDRESS_TEXT_MAX +
		   sizeof(";natbox=***;received=;rport=")];
};

void splice_start(struct splice *splice, struct text text);
void splice_put(struct splice *splice, struct text text);

/* An origin, encoded. False when that is too long. */
bool splice_put_origin(struct splice *splice, struct text plain);

/* The edit: they take the place of span. */
void splice_edit(const struct splice *splice, struct edits *edits, struct text span);

#endif
