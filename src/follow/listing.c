#include "listing.h"

#include <assert.h>

/* What a registrar grants when nobody names a time (RFC 3261 10.2.1.1 leaves it to local policy;
 * this is what they use). */
enum { EXPIRES_DEFAULT = 3600 };

static struct transaction_contact contact_of(const struct follow *follow, const struct sip_uri *uri)
{
	struct transaction_contact contact;
	struct hash hash;

	hash_start(&hash, &follow->key);
	uri_hash_user(&hash, uri);
	contact.user = (uint32_t)hash_end(&hash);
	if (uri->is_address) {
		contact.host_port = hash_address(&follow->key, &uri->address, uri_port(uri));
		return contact;
	}
	hash_start(&hash, &follow->key);
	uri_hash_host_port(&hash, uri);
	contact.host_port = (uint32_t)hash_end(&hash);
	return contact;
}

static uint32_t written_of(const struct transaction_contact *contact)
{
	uint32_t written = contact->user * 0x9e3779b1 ^ contact->host_port;

	return written ? written : 1;
}

/* What a registrar tells bindings apart by (RFC 3261 19.1.4). Never 0. */
static uint32_t binding_of(const struct follow *follow, const struct transaction_contact *contact,
	const struct sip_uri *uri)
{
	uint32_t binding = contact->user * 0x9e3779b1 ^ contact->host_port;
	struct hash hash;

	if (!uri->is_sip || uri->params.length || uri->headers.length) {
		hash_start(&hash, &follow->key);
		if (uri_hash_rest(&hash, uri))
			binding ^= (uint32_t)hash_end(&hash);
	}
	return binding ? binding : 1;
}

uint32_t contact_seconds(
	const struct sip_message *message, const struct sip_name_addr *contact, uint32_t fallback)
{
	uint32_t seconds;

	if (text_number(contact->expires, &seconds))
		return seconds;
	if (message->expires.at && text_number(message->expires, &seconds))
		return seconds;
	return fallback ? fallback : EXPIRES_DEFAULT;
}

void listing_expect(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri)
{
	unsigned count = transaction->registration.contact_count;

	if (count == TRANSACTION_CONTACTS_MAX) {
		transaction->registration.has_more_contacts = true;
		return;
	}
	transaction->registration.contacts[count] = contact_of(follow, uri);
	transaction->registration.contact_count++;
}

bool listing_is_expected(const struct transaction *transaction, uint32_t written)
{
	return transaction->registration.contact_count &&
	       written_of(&transaction->registration.contacts[0]) == written;
}

void listing_note_removal(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri)
{
	if (!transaction->registration.contact_count)
		transaction->registration.contacts[0] = contact_of(follow, uri);
}

bool listing_is_removal(const struct transaction *transaction, uint32_t written)
{
	return !transaction->registration.contact_count &&
	       written_of(&transaction->registration.contacts[0]) == written;
}

/* Which of those that were asked for it is: TRANSACTION_CONTACTS_MAX when it is none. Of a repaired
 * one host and port are where the user agent is seen. found: those that are listed already, which
 * are taken only where there is no other. */
static unsigned own_contact(const struct transaction *transaction,
	const struct transaction_contact *listed, bool is_at_source, unsigned found)
{
	unsigned own = TRANSACTION_CONTACTS_MAX;

	for (unsigned i = 0; i < transaction->registration.contact_count; i++) {
		const struct transaction_contact *asked = &transaction->registration.contacts[i];

		if (listed->user != asked->user ||
			(!is_at_source && listed->host_port != asked->host_port))
			continue;
		own = i;
		if (!(found >> i & 1))
			break;
	}
	return own;
}

static void grant(struct listing *listing, uint32_t seconds)
{
	if (seconds > listing->granted)
		listing->granted = seconds;
}

/* Whether what was taken for its own is there as it was written, but not where the user agent is:
 * it has been there, or another is. A repaired one that is here is its own rather than that. */
static bool is_elsewhere(const struct listing *listing)
{
	return listing->own && !listing->is_here;
}

static void take_own(
	struct listing *listing, const struct sip_uri *uri, bool is_here, uint32_t binding)
{
	listing->own = binding;
	listing->own_uri = uri;
	listing->is_here = is_here;
}

static void give_way(struct listing *listing, const struct sip_uri *uri, uint32_t binding)
{
	listing->bindings[listing->count++] = listing->own;
	listing->user = uri->user;
	take_own(listing, uri, true, binding);
}

/* Of several the one that is repaired for where the user agent is stands for all, if there is one
 * alone: others, by TCP or mail, are the same wherever it is. */
static void note_another(struct listing *listing, const struct sip_uri *uri, bool is_here,
	uint32_t binding, uint32_t written)
{
	const bool is_repaired = is_here && nat_is_repaired(uri);
	const bool was_repaired = listing->is_here && nat_is_repaired(listing->own_uri);

	if (is_repaired && !was_repaired) {
		take_own(listing, uri, is_here, binding);
		listing->written = written;
	} else if (is_repaired == was_repaired) {
		listing->own = 0;
	}
}

/* A binding that lasts. One that is listed a second time is another phone's, too: behind NAT many
 * have the same address. */
static void note(const struct follow *follow, const struct transaction *transaction,
	struct listing *listing, const struct sip_uri *uri, uint32_t seconds, unsigned *found)
{
	const struct transaction_contact contact = contact_of(follow, uri);
	const bool is_here = uri_is_at(uri, &transaction->client);
	const unsigned own = own_contact(transaction, &contact, is_here, *found);
	const uint32_t binding = binding_of(follow, &contact, uri);
	uint32_t written;

	if (own < TRANSACTION_CONTACTS_MAX || transaction->registration.has_more_contacts)
		grant(listing, seconds);
	if (own == TRANSACTION_CONTACTS_MAX || *found >> own & 1) {
		if (own < TRANSACTION_CONTACTS_MAX && is_here && is_elsewhere(listing) &&
			nat_is_repaired(uri))
			give_way(listing, uri, binding);
		else
			listing->bindings[listing->count++] = binding;
		return;
	}
	written = written_of(&transaction->registration.contacts[own]);
	if (*found) {
		note_another(listing, uri, is_here, binding, written);
	} else {
		take_own(listing, uri, is_here, binding);
		listing->user = uri->user;
		listing->written = written;
	}
	*found |= 1u << own;
}

/* A registrar that names none at all, not even what it was just asked for, does not list: it is
 * taken at the request's word, for the time it names. */
static void believe(const struct sip_message *response, const struct transaction *transaction,
	struct listing *listing)
{
	listing->granted = transaction->registration.seconds;
	listing->is_whole = false;
	if (response->expires.at)
		text_number(response->expires, &listing->granted);
}

void listing_read(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct listing *listing)
{
	const unsigned values = sip_count_values(response, SIP_CONTACT);
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	unsigned seen = 0, found = 0;

	listing->granted = listing->own = listing->written = listing->count = 0;
	listing->user = (struct text){0};
	while ((contact = sip_next_contact(response, &cursor))) {
		uint32_t seconds = contact_seconds(
			response, &contact->name_addr, transaction->registration.seconds);

		seen++;
		if (seconds && !contact->name_addr.is_star)
			note(follow, transaction, listing, &contact->uri, seconds, &found);
	}
	listing->is_whole = seen == values && !response->has_more_contacts;
	if (!values && transaction->registration.seconds)
		believe(response, transaction, listing);
	if (transaction->registration.has_more_contacts)
		listing->own = 0;
}

bool listing_names_time(const struct sip_message *response)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	uint32_t seconds;

	if (response->expires.at && text_number(response->expires, &seconds))
		return true;
	while ((contact = sip_next_contact(response, &cursor))) {
		if (text_number(contact->name_addr.expires, &seconds))
			return true;
	}
	return false;
}

static_assert((int)GRANTS_MAX >= (int)TRANSACTION_CONTACTS_MAX, "room for each Contact asked for");

static void add_grant(struct grants *grants, const struct sip_contact *contact, uint32_t seconds)
{
	grants->list[grants->count++] = (struct grant){contact, seconds};
}

/* The same walk as listing_read's, for those few who want to know. */
void listing_grants(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct grants *grants)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	struct listing listing;
	unsigned found = 0;

	while ((contact = sip_next_contact(response, &cursor))) {
		const struct transaction_contact listed = contact_of(follow, &contact->uri);
		const unsigned own = own_contact(transaction, &listed,
			uri_is_at(&contact->uri, &transaction->client), found);
		const uint32_t seconds = contact_seconds(
			response, &contact->name_addr, transaction->registration.seconds);

		if (!seconds || contact->name_addr.is_star || own == TRANSACTION_CONTACTS_MAX ||
			found >> own & 1)
			continue;
		found |= 1u << own;
		add_grant(grants, contact, seconds);
	}
	if (sip_count_values(response, SIP_CONTACT) || !transaction->registration.seconds)
		return;
	believe(response, transaction, &listing);
	add_grant(grants, NULL, listing.granted);
}

bool listing_take(struct listing *listing, uint32_t binding)
{
	for (unsigned i = 0; i < listing->count; i++) {
		if (listing->bindings[i] == binding) {
			listing->bindings[i] = 0;
			return true;
		}
	}
	return false;
}

bool listing_has_another(const struct listing *listing)
{
	for (unsigned i = 0; i < listing->count; i++) {
		if (listing->bindings[i] == listing->own)
			return true;
	}
	return false;
}

uint32_t listing_bare(const struct follow *follow, const struct transaction *transaction)
{
	struct transaction_contact contact = transaction->registration.contacts[0];

	contact.host_port =
		hash_address(&follow->key, &transaction->client, transaction->client.port);
	return written_of(&contact);
}

uint32_t listing_written(const struct follow *follow, const struct sip_uri *uri)
{
	const struct transaction_contact contact = contact_of(follow, uri);

	return written_of(&contact);
}

uint32_t listing_binding(const struct follow *follow, const struct sip_uri *uri)
{
	const struct transaction_contact contact = contact_of(follow, uri);

	return binding_of(follow, &contact, uri);
}

uint32_t listing_binding_at(
	const struct follow *follow, const struct sip_uri *uri, const struct address *address)
{
	struct transaction_contact contact = contact_of(follow, uri);

	contact.host_port = hash_address(&follow->key, address, address->port);
	return binding_of(follow, &contact, uri);
}

const struct sip_contact *listing_find(
	const struct follow *follow, const struct sip_message *response, uint32_t binding)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;

	while ((contact = sip_next_contact(response, &cursor))) {
		const struct transaction_contact listed = contact_of(follow, &contact->uri);

		if (!contact->name_addr.is_star &&
			binding_of(follow, &listed, &contact->uri) == binding)
			break;
	}
	return contact;
}
