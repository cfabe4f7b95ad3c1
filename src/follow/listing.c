#include "listing.h"

#include <natbox/nat.h>

#include <assert.h>

/* What a registrar grants when nobody names a time (RFC 3261 10.2.1.1 leaves it to local policy;
 * this is what they use). */
enum { EXPIRES_DEFAULT = 3600 };

/* Of parameters, more than a user agent writes: what has more counts by its beginning. */
enum { PARAMS_MAX = 512 };

static struct transaction_contact contact_of(const struct follow *follow, const struct sip_uri *uri)
{
	struct transaction_contact contact;
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

/* Of the parameters as the user agent wrote them; 0: there are none. origin: nat_origin. */
static uint8_t params_of(const struct follow *follow, const struct sip_uri *uri, struct text origin)
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

/* The same, and its parameters. */
static struct transaction_contact asked_of(const struct follow *follow, const struct sip_uri *uri)
{
	struct transaction_contact contact = contact_of(follow, uri);

	if (uri->params.length)
		contact.params = params_of(follow, uri, nat_origin(uri));
	return contact;
}

static uint32_t written_of(const struct transaction_contact *contact)
{
	const uint32_t written =
		contact->host_port >> 16 << 16 | (contact->user & 0xff) << 8 | contact->params;

	return written ? written : 1;
}

/* Of what else URIs are compared by; 0: there is none. */
static uint32_t rest_of(const struct follow *follow, const struct sip_uri *uri)
{
	struct hash hash;

	if (uri->is_sip && !uri->params.length && !uri->headers.length)
		return 0;
	hash_start(&hash, &follow->key);
	return uri_hash_rest(&hash, uri) ? (uint32_t)hash_end(&hash) : 0;
}

/* What a registrar tells bindings apart by (RFC 3261 19.1.4). Never 0. */
static uint32_t binding_of(const struct transaction_contact *contact, uint32_t rest)
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

void listing_expect(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri)
{
	unsigned count = transaction->registration.contact_count;

	if (count == TRANSACTION_CONTACTS_MAX) {
		transaction->registration.has_more_contacts = true;
		return;
	}
	transaction->registration.contacts[count] = asked_of(follow, uri);
	transaction->registration.contact_count++;
}

bool listing_is_expected(const struct transaction *transaction, uint32_t written)
{
	return written_of(&transaction->registration.contacts[0]) == written;
}

void listing_note_removal(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri)
{
	if (!transaction->registration.contact_count)
		transaction->registration.contacts[0] = asked_of(follow, uri);
}

bool listing_is_removal(const struct transaction *transaction, uint32_t written)
{
	return !transaction->registration.contact_count &&
	       listing_is_alike(written_of(&transaction->registration.contacts[0]), written);
}

/* How surely a Contact that is listed is one that was asked for. */
enum likeness {
	ANOTHER,
	ALIKE,    /* in user, host and port; those may be where the user agent is */
	BY_UDP,   /* and nothing that a registrar compares by says otherwise */
	REPAIRED, /* for where the user agent is */
	/* And with the parameters that were asked for. */
	AS_WRITTEN = 1 << 2,
};

/* A Contact that is listed and lasts. */
struct listed {
	const struct sip_contact *contact; /* NULL: none */
	struct text origin;                /* nat_origin */
	struct transaction_contact parts;
	uint32_t rest; /* rest_of it */
	bool is_here;  /* it leads to where the user agent is seen */
	enum likeness likeness;
	uint32_t seconds;
};

/* Of what was repaired for another user agent that had that place, and wrote another address. */
static bool is_from_elsewhere(const struct follow *follow, const struct listed *listed,
	const struct transaction_contact *asked)
{
	struct address origin;

	return listed->is_here && listed->parts.host_port != asked->host_port &&
	       nat_origin_address(listed->origin, &origin) &&
	       hash_address(&follow->key, &origin, origin.port) != asked->host_port;
}

/* Of a repaired one host and port are where the user agent is seen. How alike one is that is alone
 * need not be known. */
static enum likeness likeness_of(const struct follow *follow, const struct listed *listed,
	const struct transaction_contact *asked, bool is_alone)
{
	const struct sip_uri *uri = &listed->contact->uri;
	enum likeness likeness = listed->rest ? ALIKE : BY_UDP;

	if (listed->parts.user != asked->user ||
		(!listed->is_here && listed->parts.host_port != asked->host_port))
		return ANOTHER;
	if (is_alone)
		return ALIKE;
	if (listed->is_here && listed->origin.at)
		likeness = REPAIRED;
	return params_of(follow, uri, listed->origin) == asked->params ? likeness | AS_WRITTEN
								       : likeness;
}

/* The same place may be listed as it was repaired and as the user agent has it from there. */
static bool is_same_binding(const struct listed *one, const struct listed *other)
{
	return binding_of(&one->parts, one->rest) == binding_of(&other->parts, other->rest);
}

/* Takes the place of the one that is less likely, which is what it leaves in listed: it may be
 * another one of those that were asked for. False where there is none such; one that is as likely
 * as another, or the same binding, may last as long. */
static bool find_place(const struct follow *follow, const struct transaction *transaction,
	struct listed *found, struct listed *listed, bool is_alone)
{
	struct listed *place = NULL, displaced;

	listed->likeness = ANOTHER;
	for (unsigned i = 0; i < transaction->registration.contact_count; i++) {
		struct listed *there = &found[i];
		const struct transaction_contact *asked = &transaction->registration.contacts[i];
		const enum likeness likeness = likeness_of(follow, listed, asked, is_alone);
		const bool is_likelier = likeness > there->likeness && likeness > listed->likeness;
		const bool lasts_longer =
			likeness && listed->seconds > there->seconds &&
			(likeness == there->likeness || is_same_binding(listed, there));

		if ((!is_likelier && !lasts_longer) ||
			(!is_alone && is_from_elsewhere(follow, listed, asked)))
			continue;
		if (lasts_longer)
			there->seconds = listed->seconds;
		if (is_likelier) {
			listed->likeness = likeness;
			place = there;
		}
	}
	if (!place)
		return false;
	displaced = *place;
	*place = *listed;
	*listed = displaced;
	return true;
}

static void grant(struct listing *listing, uint32_t seconds)
{
	if (seconds > listing->granted)
		listing->granted = seconds;
}

/* All that is listed and lasts: for each Contact that was asked for the one that is most likely it,
 * the first of several; and what is another's. Where the one that was asked for is not listed, that
 * is what alone leads to where the user agent is: a registrar may write a user in its own way.
 * Returns how many there are. */
static unsigned find_own(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct listed found[static TRANSACTION_CONTACTS_MAX],
	struct listing *listing)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	const bool is_alone = transaction->registration.contact_count <= 1 &&
			      sip_count_values(response, SIP_CONTACT) <= 1;
	struct listed other;
	unsigned seen = 0, others = 0;

	for (unsigned i = 0; i < transaction->registration.contact_count; i++)
		found[i] = (struct listed){0};
	listing->granted = listing->own = listing->written = listing->count = 0;
	listing->own_uri = NULL;
	listing->user = (struct text){0};
	for (; (contact = sip_next_contact(response, &cursor)); seen++) {
		struct listed listed = {.contact = contact,
			.seconds = contact_seconds(
				response, &contact->name_addr, transaction->registration.seconds)};

		if (!listed.seconds || contact->name_addr.is_star)
			continue;
		if (transaction->registration.has_more_contacts)
			grant(listing, listed.seconds);
		listed.parts = contact_of(follow, &contact->uri);
		listed.rest = rest_of(follow, &contact->uri);
		listed.is_here = uri_is_at(&contact->uri, &transaction->client);
		if (!is_alone)
			listed.origin = nat_origin(&contact->uri);
		while (listed.contact && find_place(follow, transaction, found, &listed, is_alone))
			;
		if (!listed.contact)
			continue;
		if (listed.is_here && !others++)
			other = listed;
		listing->bindings[listing->count++] = binding_of(&listed.parts, listed.rest);
	}
	if (others == 1 && transaction->registration.contact_count == 1 && !found->contact) {
		found[0] = other;
		listing_take(listing, binding_of(&found->parts, found->rest));
	}
	return seen;
}

/* Of several the one that is repaired for where the user agent is stands for all, if there is one
 * alone: others, by TCP or mail, are the same wherever it is. */
static void take_own(
	const struct transaction *transaction, const struct listed *found, struct listing *listing)
{
	const struct listed *first = NULL, *own = NULL;
	bool is_alone = false, any_repaired = false;

	for (unsigned i = 0; i < transaction->registration.contact_count; i++) {
		const struct listed *one = &found[i];
		const bool is_repaired = (one->likeness & REPAIRED) == REPAIRED;

		if (!one->contact)
			continue;
		grant(listing, one->seconds);
		if (!first)
			first = one;
		if (!own || (is_repaired && !any_repaired)) {
			own = one;
			is_alone = true;
			any_repaired = is_repaired;
			listing->written = written_of(&transaction->registration.contacts[i]);
		} else if (is_repaired == any_repaired) {
			is_alone = false;
		}
	}
	if (!own)
		return;
	listing->own = is_alone ? binding_of(&own->parts, own->rest) : 0;
	listing->own_uri = &own->contact->uri;
	listing->is_here = own->is_here;
	listing->user = first->contact->uri.user;
}

/* A registrar that names none at all, not even what it was just asked for, does not list: it is
 * taken at the request's word, for the time it names. */
static void believe(const struct sip_message *response, const struct transaction *transaction,
	struct listing *listing)
{
	listing->granted = transaction->registration.seconds;
	listing->is_whole = false;
	text_number(response->expires, &listing->granted);
}

void listing_read(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct listing *listing)
{
	const unsigned values = sip_count_values(response, SIP_CONTACT);
	struct listed found[TRANSACTION_CONTACTS_MAX];
	const unsigned seen = find_own(follow, response, transaction, found, listing);

	take_own(transaction, found, listing);
	listing->is_whole = seen == values && !response->has_more_contacts;
	if (!values && transaction->registration.seconds)
		believe(response, transaction, listing);
	if (transaction->registration.has_more_contacts)
		listing->own = 0;
}

static_assert((int)GRANTS_MAX >= (int)TRANSACTION_CONTACTS_MAX, "room for each Contact asked for");

static void add_grant(struct grants *grants, const struct sip_contact *contact, uint32_t seconds)
{
	grants->list[grants->count++] = (struct grant){contact, seconds};
}

void listing_grants(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct grants *grants)
{
	struct listed found[TRANSACTION_CONTACTS_MAX];
	struct listing listing;

	find_own(follow, response, transaction, found, &listing);
	for (unsigned i = 0; i < transaction->registration.contact_count; i++) {
		const struct sip_contact *contact = found[i].contact;

		if (contact)
			add_grant(grants, contact,
				contact_seconds(response, &contact->name_addr,
					transaction->registration.seconds));
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
	const struct transaction_contact contact = asked_of(follow, uri);

	return written_of(&contact);
}

uint32_t listing_binding(const struct follow *follow, const struct sip_uri *uri)
{
	const struct transaction_contact contact = contact_of(follow, uri);

	return binding_of(&contact, rest_of(follow, uri));
}

uint32_t listing_binding_at(
	const struct follow *follow, const struct sip_uri *uri, const struct address *address)
{
	struct transaction_contact contact = contact_of(follow, uri);

	contact.host_port = hash_address(&follow->key, address, address->port);
	return binding_of(&contact, rest_of(follow, uri));
}

const struct sip_contact *listing_find(
	const struct follow *follow, const struct sip_message *response, uint32_t binding)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;

	while ((contact = sip_next_contact(response, &cursor))) {
		const struct transaction_contact listed = contact_of(follow, &contact->uri);

		if (!contact->name_addr.is_star &&
			binding_of(&listed, rest_of(follow, &contact->uri)) == binding)
			break;
	}
	return contact;
}

bool listing_has_repaired(const struct follow *follow, const struct sip_message *response,
	const struct reason *reason, const struct address *place)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	struct address origin;

	while ((contact = sip_next_contact(response, &cursor))) {
		if (!uri_is_at(&contact->uri, place) ||
			!nat_origin_address(nat_origin(&contact->uri), &origin))
			continue;
		if (reason->binding ? listing_binding_at(follow, &contact->uri, &origin) ==
					      reason->binding
				    : listing_leads_alike(
					      hash_address(&follow->key, &origin, origin.port),
					      reason->written))
			return contact_seconds(response, &contact->name_addr, 0) > 0;
	}
	return false;
}
