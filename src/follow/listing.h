/* The bindings of an address of record, as a registrar's 2xx lists them: all of them (RFC 3261
 * 10.3). And the Contacts of a request that are looked for there. */
#ifndef NATBOX_FOLLOW_LISTING_H
#define NATBOX_FOLLOW_LISTING_H

#include "transaction.h"

/* Adds a Contact to those that a REGISTER asks for. */
void listing_expect(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri);

/* Whether the first of these was written like that, as in struct reason. */
bool listing_is_expected(const struct transaction *transaction, uint32_t written);

/* For a REGISTER that asks for none: a Contact that it takes back, of several the last; and whether
 * that is how this was written. */
void listing_note_removal(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri);
bool listing_is_removal(const struct transaction *transaction, uint32_t written);

struct listing {
	uint32_t granted; /* seconds, the longest of the request's own Contacts; 0: none is there */
	uint32_t own;     /* the binding that is its own; 0: not known, or several */
	const struct sip_uri *own_uri; /* of several one; NULL: none is listed */
	uint32_t written;              /* that one as the request had it */
	bool is_here;                  /* it leads to where the user agent is seen */
	struct text user;              /* of the first of its own; at is NULL where that has none */
	bool is_whole; /* all that was listed could be read, so nothing else is bound */
	unsigned count;
	uint32_t bindings[SIP_VALUES_MAX]; /* those that are not its own; 0 once it is taken */
	const struct sip_contact *contacts[SIP_VALUES_MAX]; /* these, as they are listed */
};

/* Whether a response lists nothing: it has no Contact header field, or an empty one. */
bool listing_is_empty(const struct sip_message *response);

void listing_read(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct listing *listing);

/* What a 2xx grants the request's own Contacts. */
void listing_grants(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct grants *grants);

/* The first Contact that a REGISTER asks for, as one would write it that needs no repair. */
uint32_t listing_bare(const struct follow *follow, const struct transaction *transaction);

/* The first Contact of a response that is this binding; NULL: none. */
const struct sip_contact *listing_find(
	const struct follow *follow, const struct sip_message *response, uint32_t binding);

/* Whether a response lists a Contact of a registration as it was repaired for this place: another
 * natbox gives it back to its user agent alone. Of several any will do that had the host and port
 * of the one that is known. */
bool listing_has_repaired(const struct follow *follow, const struct sip_message *response,
	const struct reason *reason, const struct address *place);

/* Whether a binding like its own is listed besides. */
bool listing_has_another(const struct listing *listing);

/* Whether this binding is listed; each one that is answers for one registration. */
bool listing_take(struct listing *listing, uint32_t binding);

/* Takes all that are of the user agent at this place besides its own: that had host and port of
 * what was written like this. Returns how long the last of them lasts, in seconds; 0: there is
 * none. */
uint32_t listing_take_others(const struct follow *follow, const struct sip_message *response,
	struct listing *listing, uint32_t written, const struct address *place);

/* The same of a request's user agent, which may have registered each of its Contacts by itself:
 * they are one registration, which has several and lasts as long as the last of them. */
void listing_add_others(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct listing *listing);

#endif
