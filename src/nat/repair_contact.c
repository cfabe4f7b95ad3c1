#include "repair_parts.h"

/* Most Contacts are told without. */
static bool is_at_sent_by(struct repair *repair, const struct address *address)
{
	if (repair->sent_by_is == UNREAD)
		repair->sent_by_is =
			address_parse_host(repair->sent_by_host, &repair->sent_by) ? ADDRESS : NAME;
	return repair->sent_by_is == ADDRESS && address_same_host(address, &repair->sent_by);
}

/* A response shows no Via of the user agent's to compare a name with; but the Contact of one that
 * may have a Contact is its sender's (RFC 3261 12.1.1). A public address that was repaired is how
 * to reach somebody else, or this one where it was; a private one leads there only by what is in
 * front of this border. */
static bool is_own(struct repair *repair, const struct sip_contact *contact)
{
	const struct sip_uri *uri = &contact->uri;
	bool is_sent_by = text_equal_nocase(uri->host, repair->sent_by_host);
	struct text coded;

	if (!uri->is_address)
		return (is_sent_by || !repair->message->is_request) &&
		       !contact_is_of_domain(&repair->domains, contact);
	if (!address_is_no_place(&uri->address)) {
		if (!is_sent_by && !address_same_host(&uri->address, repair->source) &&
			!is_at_sent_by(repair, &uri->address))
			return false;
		if (origin_find(contact_uri_params(contact), &coded))
			return false;
	}
	return is_sent_by || !contact_is_of_domain(&repair->domains, contact);
}

/* The scanner takes whatever looks like an IPv6 address in its brackets. */
static bool has_valid_host(const struct sip_uri *uri)
{
	return uri->is_address || uri->host.at[0] != '[';
}

/* Where a letter does not stand no name begins with it: most parameters are told so, in a few steps
 * for many bytes. */
static bool has_letter(struct text params, char letter)
{
	return params.length && (memchr(params.at, letter, params.length) ||
					memchr(params.at, letter & ~0x20, params.length));
}

static bool is_udp(struct text params)
{
	struct text transport;

	return !has_letter(params, 't') || !sip_param(params, TEXT("transport"), &transport) ||
	       text_equal_nocase(transport, TEXT("udp"));
}

/* Host and port give way to source, and the natbox parameter follows them. */
static bool repair_uri(struct repair *repair, const struct sip_uri *uri, bool bracketed)
{
	struct splice splice;

	splice_start(&splice, repair->host_port);
	splice_put(&splice, TEXT(";"));
	splice_put(&splice, origin_param);
	splice_put(&splice, bracketed ? TEXT("=") : TEXT("=-"));
	if (!splice_put_origin(&splice, uri->host_port))
		return false;
	if (!bracketed) {
		edits_replace(repair->edits, (struct text){uri->whole.at, 0}, TEXT("<"));
		splice_put(&splice, TEXT(">"));
	}
	splice_edit(&splice, repair->edits, uri->host_port);
	return true;
}

/* Where a URI is sent to is its maddr, whatever its host (RFC 3261 19.1.1). */
struct maddr {
	struct text host, span;
};

/* The natbox parameter takes the place of maddr. */
static bool repair_uri_with_maddr(
	struct repair *repair, const struct sip_uri *uri, const struct maddr *maddr)
{
	struct splice splice;

	splice_start(&splice, origin_param);
	splice_put(&splice, TEXT("="));
	if (!splice_put_origin(&splice, uri->host_port))
		return false;
	splice_put(&splice, TEXT("*"));
	if (!splice_put_origin(&splice, maddr->host))
		return false;
	edits_replace(repair->edits, uri->host_port, repair->host_port);
	splice_edit(&splice, repair->edits, maddr->span);
	return true;
}

/* Without brackets what follows a semicolon is the header's; phones mean the URI's all the same. */
bool repair_contact(struct repair *repair, const struct sip_contact *contact)
{
	const struct sip_uri *uri = &contact->uri;
	bool bracketed = name_addr_is_bracketed(&contact->name_addr), has_maddr;
	struct maddr maddr;

	if (!uri->is_sip || !is_udp(uri->params) || !has_valid_host(uri))
		return false;
	has_maddr =
		has_letter(uri->params, 'm') && maddr_find(uri->params, &maddr.host, &maddr.span);
	if (uri_is_at(uri, repair->source) &&
		(!has_maddr || host_is_at(maddr.host, repair->source)))
		return false;
	if (!is_own(repair, contact))
		return false;
	if (has_maddr)
		return repair_uri_with_maddr(repair, uri, &maddr);
	if (!bracketed && !is_udp(contact->name_addr.params))
		return false;
	return repair_uri(repair, uri, bracketed);
}
