/* NAT: is a user agent behind one, and what in its messages has to be repaired on the way in and
 * given back on the way out. Stateless: all a restore needs travels in the message. */
#ifndef NATBOX_NAT_H
#define NATBOX_NAT_H

#include <natbox/edit.h>
#include <natbox/event.h>
#include <natbox/settings.h>
#include <natbox/sip.h>

/* Which of tests hit for a message from a user agent at source: its own request, or its response
 * (where the Via tests, which would look at the proxy's Via, never hit). Set of enum nat_test. */
unsigned nat_detect(
	const struct sip_message *message, const struct address *source, unsigned tests);

/* Edits that let the proxy reach a natted user agent at source, on its way in: Via (requests) and
 * Contact, as settings ask. Returns the set of enum rewritten_field edited; 0: nothing to do. */
unsigned nat_repair(const struct sip_message *message, const struct address *source,
	const struct settings *settings, struct edits *edits);

/* Edits that give back, on the way out to client, what nat_repair changed. Returns the set of enum
 * rewritten_field edited. Only a well-formed restore parameter is acted on; a forged one can do no
 * more than put a validated host and port in its own place. */
unsigned nat_restore(const struct sip_message *message, const struct address *client,
	const struct settings *settings, struct edits *edits);

#endif
