#include "listing.h"

#include <assert.h>

void listing_expect(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri)
{
	unsigned count = transaction->registration.contact_count;

	if (count == TRANSACTION_CONTACTS_MAX) {
		transaction->registration.has_more_contacts = true;
		return;
	}
	transaction->registration.contacts[count] = contact_hash_written(follow, uri);
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
		transaction->registration.contacts[0] = contact_hash_written(follow, uri);
}

bool listing_is_removal(const struct transaction *transaction, uint32_t written)
{
	return !transaction->registration.contact_count &&
	       written_is_alike(written_of(&transaction->registration.contacts[0]), written);
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
	struct contact_hashes parts;
	uint32_t rest; /* contact_hash_rest */
	bool is_here;  /* it leads to where the user agent is seen */
	enum likeness likeness;
	uint32_t seconds;
};

/* Of what was repaired for another user agent that had that place, and wrote another address. */
static bool is_from_elsewhere(const struct follow *follow, const struct listed *listed,
	const struct contact_hashes *asked)
{
	struct address origin;

	return listed->is_here && listed->parts.host_port != asked->host_port &&
	       nat_origin_address(listed->origin, &origin) &&
	       hash_address(&follow->key, &origin, origin.port) != asked->host_port;
}

/* Of a repaired one host and port are where the user agent is seen. How alike one is that is alone
 * need not be known. */
static enum likeness likeness_of(const struct follow *follow, const struct listed *listed,
	const struct contact_hashes *asked, bool is_alone)
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
	return contact_hash_params(follow, uri, listed->origin) == asked->params
		       ? likeness | AS_WRITTEN
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
		const struct contact_hashes *asked = &transaction->registration.contacts[i];
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
 * is what alone leads to where the user agent is: a registrar may write a user in its own way. */
static void find_own(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct listed found[static TRANSACTION_CONTACTS_MAX],
	struct listing *listing)
{
	const bool is_alone = transaction->registration.contact_count <= 1 &&
			      sip_count_values(response, SIP_CONTACT) <= 1;
	struct listed other;
	unsigned others = 0;

	for (unsigned i = 0; i < transaction->registration.contact_count; i++)
		found[i] = (struct listed){0};
	listing->granted = listing->own = listing->written = listing->count = 0;
	listing->own_uri = NULL;
	listing->user = (struct text){0};
	for (unsigned i = 0; i < response->contact_count; i++) {
		const struct sip_contact *contact = &response->contacts[i];
		struct listed listed = {.contact = contact,
			.seconds = contact_seconds(
				response, &contact->name_addr, transaction->registration.seconds)};

		if (!listed.seconds || contact->name_addr.is_star)
			continue;
		if (transaction->registration.has_more_contacts)
			grant(listing, listed.seconds);
		listed.parts = contact_hash(follow, &contact->uri);
		listed.rest = contact_hash_rest(follow, &contact->uri);
		listed.is_here = uri_is_at(&contact->uri, &transaction->client);
		if (!is_alone)
			listed.origin = nat_origin(&contact->uri);
		while (listed.contact && find_place(follow, transaction, found, &listed, is_alone))
			;
		if (!listed.contact)
			continue;
		if (listed.is_here && !others++)
			other = listed;
		listing->contacts[listing->count] = listed.contact;
		listing->bindings[listing->count++] = binding_of(&listed.parts, listed.rest);
	}
	if (others == 1 && transaction->registration.contact_count == 1 && !found->contact) {
		found[0] = other;
		listing_take(listing, binding_of(&found->parts, found->rest));
	}
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

bool listing_is_empty(const struct sip_message *response)
{
	struct sip_cursor cursor = {0};
	struct text value;

	while (sip_next_value(response, SIP_CONTACT, &cursor, &value)) {
		if (value.length)
			return false;
	}
	return true;
}

/* A registrar that names none at all, not even what it was just asked for, does not list; one that
 * names more than can be read may name it among those. Both are taken at the request's word, for
 * the time that they name. */
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

	find_own(follow, response, transaction, found, listing);
	take_own(transaction, found, listing);
	listing->is_whole = response->contact_count == values && !response->has_more_contacts;
	if (transaction->registration.seconds && !listing->granted &&
		(listing_is_empty(response) || response->has_more_contacts))
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
	if (!transaction->registration.seconds || !listing_is_empty(response))
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
	struct contact_hashes contact = transaction->registration.contacts[0];

	contact.host_port =
		hash_address(&follow->key, &transaction->client, transaction->client.port);
	return written_of(&contact);
}

/* Whether a Contact that is listed leads, by UDP, to a user agent at this place that has written
 * such a one, whether it was repaired or not. */
static bool leads_there(const struct follow *follow, const struct sip_uri *uri, uint32_t written,
	const struct address *place)
{
	const struct text coded = nat_origin(uri);
	struct address origin;

	if (!coded.at)
		return !contact_hash_rest(follow, uri) &&
		       written_leads_alike(contact_written(follow, uri), written);
	return uri_is_at(uri, place) && nat_origin_address(coded, &origin) &&
	       written_leads_alike(hash_address(&follow->key, &origin, origin.port), written);
}

uint32_t listing_take_others(const struct follow *follow, const struct sip_message *response,
	struct listing *listing, uint32_t written, const struct address *place)
{
	uint32_t longest = 0;

	for (unsigned i = 0; i < listing->count; i++) {
		const struct sip_contact *contact = listing->contacts[i];
		uint32_t seconds;

		if (!listing->bindings[i] || !leads_there(follow, &contact->uri, written, place))
			continue;
		listing->bindings[i] = 0;
		seconds = contact_seconds(response, &contact->name_addr, 0);
		if (seconds > longest)
			longest = seconds;
	}
	return longest;
}

void listing_add_others(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, struct listing *listing)
{
	const uint32_t seconds = listing_take_others(
		follow, response, listing, listing->written, &transaction->client);

	if (!seconds)
		return;
	listing->own = 0;
	grant(listing, seconds);
}

const struct sip_contact *listing_find(
	const struct follow *follow, const struct sip_message *response, uint32_t binding)
{
	for (unsigned i = 0; i < response->contact_count; i++) {
		const struct sip_contact *contact = &response->contacts[i];

		if (!contact->name_addr.is_star &&
			contact_binding(follow, &contact->uri) == binding)
			return contact;
	}
	return NULL;
}

bool listing_has_repaired(const struct follow *follow, const struct sip_message *response,
	const struct reason *reason, const struct address *place)
{
	struct address origin;

	for (unsigned i = 0; i < response->contact_count; i++) {
		const struct sip_contact *contact = &response->contacts[i];

		if (!uri_is_at(&contact->uri, place) ||
			!nat_origin_address(nat_origin(&contact->uri), &origin))
			continue;
		if (reason->binding ? contact_binding_at(follow, &contact->uri, &origin) ==
					      reason->binding
				    : written_leads_alike(
					      hash_address(&follow->key, &origin, origin.port),
					      reason->written))
			return contact_seconds(response, &contact->name_addr, 0) > 0;
	}
	return false;
}
