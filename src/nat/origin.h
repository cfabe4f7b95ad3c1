/* What a user agent itself wrote, carried along in the natbox parameter of the URI or Via that was
 * repaired (nat.h gives the format); and where URIs point, for all that asks about NAT. */
#ifndef NATBOX_NAT_ORIGIN_H
#define NATBOX_NAT_ORIGIN_H

#include <natbox/sip.h>

enum {
	ORIGIN_MAX = 255 + sizeof(":65535") - 1, /* the longest domain name (RFC 1035 2.3.4) */
	ORIGIN_CODED_MAX = 3 * ORIGIN_MAX,       /* every byte escaped */
};

extern const struct text origin_param; /* the parameter's name */
extern const struct text maddr_head;   /* "maddr=" */

/* Writes plain in letters that no peer has a reason to escape or fold: lower case letters, digits
 * and dots stand for themselves, a colon becomes '-', anything else that host:port can consist of
 * becomes '_' and two hexadecimal digits. Returns the length, 0 when plain is empty, too long or
 * holds any other byte. */
size_t origin_encode(struct text plain, char coded[static ORIGIN_CODED_MAX]);

/* The reverse. Returns the length, 0 unless coded is what origin_encode writes. */
size_t origin_decode(struct text coded, char plain[static ORIGIN_MAX]);

/* Finds what the natbox parameter says, coded. False where there is none, or it says nothing. */
bool origin_find(struct text params, struct text *coded);

/* Whether text is an IPv4 address, a bracketed IPv6 address or a name, with or without a port. */
bool origin_is_host_port(struct text text);

/* Finds ";maddr=host": the host, and where it stands, name and all, but not the semicolon. False
 * where there is none that can travel in the natbox parameter: one in lower case without blanks,
 * and no parameter of that name beside it, which might be taken for the one in its place. */
bool maddr_find(struct text params, struct text *host, struct text *span);

/* Whether its URI stands in angle brackets. */
static inline bool name_addr_is_bracketed(const struct sip_name_addr *name_addr)
{
	return name_addr->uri.at > name_addr->value.at;
}

/* Without brackets the URI's parameters are taken for the header's. */
static inline struct text contact_uri_params(const struct sip_contact *contact)
{
	return name_addr_is_bracketed(&contact->name_addr) ? contact->uri.params
							   : contact->name_addr.params;
}

#endif
