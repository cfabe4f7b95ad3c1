/* What Contacts are told apart by: hashes, as each registration has them. */
#ifndef NATBOX_FOLLOW_CONTACT_H
#define NATBOX_FOLLOW_CONTACT_H

#include <natbox/follow.h>

/* Of a URI: its user, its parameters, its host and port. */
struct contact_hashes {
	uint32_t user : 24, params : 8, host_port;
};

/* Of one that is listed, without its parameters; and of one with those that its user agent wrote,
 * whether it was repaired or not. */
struct contact_hashes contact_hash(const struct follow *follow, const struct sip_uri *uri);
struct contact_hashes contact_hash_written(const struct follow *follow, const struct sip_uri *uri);

/* The parameters that its user agent wrote; 0: there are none. origin: nat_origin. */
uint8_t contact_hash_params(
	const struct follow *follow, const struct sip_uri *uri, struct text origin);

/* All else that URIs are compared by (RFC 3261 19.1.4); 0: there is none. */
uint32_t contact_hash_rest(const struct follow *follow, const struct sip_uri *uri);

/* What a registrar tells bindings apart by; and what a user agent wrote, as in struct reason. Never
 * 0. */
uint32_t binding_of(const struct contact_hashes *contact, uint32_t rest);
uint32_t written_of(const struct contact_hashes *contact);

/* The same at once: what a user agent wrote; the binding that this makes; and the one that it makes
 * once it is repaired for one at that address. */
uint32_t contact_written(const struct follow *follow, const struct sip_uri *uri);
uint32_t contact_binding(const struct follow *follow, const struct sip_uri *uri);
uint32_t contact_binding_at(
	const struct follow *follow, const struct sip_uri *uri, const struct address *address);

/* Whether two Contacts that were written like this had host and port alike; and the user, too. */
static inline bool written_leads_alike(uint32_t one, uint32_t other)
{
	return one >> 16 == other >> 16;
}

static inline bool written_is_alike(uint32_t one, uint32_t other)
{
	return one >> 8 == other >> 8;
}

/* Whether two Contacts that lead to the same place, written like this, are two URIs all the same:
 * by their parameters, or as both are repaired for it, so the natbox parameters tell what had stood
 * there (RFC 3261 19.1.4). bare: as one is written that needs no repair there. */
static inline bool written_tells_apart(uint32_t one, uint32_t other, uint32_t bare)
{
	return one && other && one != other &&
	       (written_leads_alike(one, other) ||
		       (!written_leads_alike(one, bare) && !written_leads_alike(other, bare)));
}

/* The time a Contact names itself, else the Expires header's, else fallback, else what registrars
 * grant. A time that cannot be read is treated as missing (RFC 3261 10.2.1.1). */
uint32_t contact_seconds(
	const struct sip_message *message, const struct sip_name_addr *contact, uint32_t fallback);

#endif
