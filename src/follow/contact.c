#include "contact.h"

/* What a registrar grants when nobody names a time (RFC 3261 10.2.1.1 leaves it to local policy;
 * this is what they use). */
enum { EXPIRES_DEFAULT = 3600 };

/* Of parameters, more than a user agent writes: what has more counts by its beginning. */
enum { PARAMS_MAX = 512 };

struct contact_hashes contact_hash(const struct follow *follow, const struct sip_uri *uri)
{
	struct contact_hashes contact;
	struct hash hash;

	hash_start(&hash, &follow->key);
	uri_hash_user(&hash, uri);
	contact.user = hash_end(&hash) & 0xffffff;
	contact.params = 0;
	if (uri->is_address) {
		contact.host_port = hash_address(&follow->key, &uri->address, uri_port(uri));
		return contact;
	}
	hash_start(&hash, &follow->key);
	uri_hash_host_port(&hash, uri);
	contact.host_port = (uint32_t)hash_end(&hash);
	return contact;
}

uint8_t contact_hash_params(
	const struct follow *follow, const struct sip_uri *uri, struct text origin)
{
	struct text params = nat_params(uri->params, origin);
	struct hash hash;

	if (params.length > PARAMS_MAX)
		params.length = PARAMS_MAX;
	if (!params.length)
		return 0;
	hash_start(&hash, &follow->key);
	hash_add_text(&hash, params);
	return (uint8_t)hash_end(&hash);
}

struct contact_hashes contact_hash_written(const struct follow *follow, const struct sip_uri *uri)
{
	struct contact_hashes contact = contact_hash(follow, uri);

	if (uri->params.length)
		contact.params = contact_hash_params(follow, uri, nat_origin(uri));
	return contact;
}

uint32_t written_of(const struct contact_hashes *contact)
{
	const uint32_t written =
		contact->host_port >> 16 << 16 | (contact->user & 0xff) << 8 | contact->params;

	return written ? written : 1;
}

uint32_t contact_hash_rest(const struct follow *follow, const struct sip_uri *uri)
{
	struct hash hash;

	if (uri->is_sip && !uri->params.length && !uri->headers.length)
		return 0;
	hash_start(&hash, &follow->key);
	return uri_hash_rest(&hash, uri) ? (uint32_t)hash_end(&hash) : 0;
}

uint32_t binding_of(const struct contact_hashes *contact, uint32_t rest)
{
	uint32_t binding = contact->user * 0x9e3779b1 ^ contact->host_port ^ rest;

	return binding ? binding : 1;
}

uint32_t contact_seconds(
	const struct sip_message *message, const struct sip_name_addr *contact, uint32_t fallback)
{
	uint32_t seconds;

	if (text_number(contact->expires, &seconds))
		return seconds;
	if (text_number(message->expires, &seconds))
		return seconds;
	return fallback ? fallback : EXPIRES_DEFAULT;
}

uint32_t contact_written(const struct follow *follow, const struct sip_uri *uri)
{
	const struct contact_hashes contact = contact_hash_written(follow, uri);

	return written_of(&contact);
}

uint32_t contact_binding(const struct follow *follow, const struct sip_uri *uri)
{
	const struct contact_hashes contact = contact_hash(follow, uri);

	return binding_of(&contact, contact_hash_rest(follow, uri));
}

uint32_t contact_binding_at(
	const struct follow *follow, const struct sip_uri *uri, const struct address *address)
{
	struct contact_hashes contact = contact_hash(follow, uri);

	contact.host_port = hash_address(&follow->key, address, address->port);
	return binding_of(&contact, contact_hash_rest(follow, uri));
}
