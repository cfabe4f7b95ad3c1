#include "moved.h"

#include "former.h"

/* Most Contacts of a REGISTER that takes something back: each is compared with all others. Some
 * phones take back all that they ever had. */
enum { CONTACTS_MAX = 16 };

/* What may be taken back of a registration. */
struct old {
	uint32_t registration;
	unsigned contacts; /* of the REGISTER, as in struct moved; 0: none */
	struct address as; /* host and port that were in them then; port 0: those of now */
};

static const struct address *place_of(const struct follow *follow, uint32_t registration)
{
	return &reason_endpoint(follow->endpoints, registration)->client;
}

/* A request that was followed when it came from another place, or another one that was under way at
 * the same time: the NAT has given its user agent a new one, and it has never seen the answer. */
static bool has_crossed(const struct follow *follow, const struct passage *passage,
	const struct answer *answer, uint32_t registration)
{
	const struct sip_message *message = passage->message;
	struct passage before = *passage;
	uint64_t key;

	if (message->cseq_number != reason_at(follow->endpoints, registration)->cseq)
		return unlisted_is_newer(follow, answer->transaction, registration);
	if (!transaction_is_named(message))
		return false;
	before.client = *place_of(follow, registration);
	key = transaction_key(follow->transactions, &before);
	return transaction_is_answered(follow->transactions, key, SIP_REGISTER) ||
	       transaction_find(follow->transactions, key, SIP_REGISTER);
}

/* A URI with this host and port, as far as it is hashed and compared. */
static struct sip_uri uri_as(const struct sip_uri *uri, const struct address *as)
{
	struct sip_uri changed = *uri;

	if (as->port) {
		changed.is_address = true;
		changed.address = *as;
		changed.port = as->port;
	}
	return changed;
}

/* Whether a user agent has learnt a public address, of its own or of what is its own now, and puts
 * that in the place of another; or the other way round. What was repaired for another place it has
 * read in an answer. */
static bool is_learnt(const struct sip_uri *uri, const struct address *as,
	const struct address *client, const struct address *from)
{
	return !uri_is_at(uri, as) && (uri_is_at(uri, client) || !nat_is_repaired(uri)) &&
	       ((address_equal(client, from) && !address_is_no_place(as)) ||
		       address_same_host(as, from) ||
		       (uri->is_address && (address_same_host(&uri->address, client) ||
						   address_same_host(&uri->address, from))));
}

/* Those that lead to where this Contact leads. */
static unsigned list_beside(
	const struct follow *follow, const struct sip_message *message, unsigned number)
{
	const uint32_t written = contact_written(follow, &message->contacts[number].uri);
	unsigned contacts = 0;

	for (unsigned i = 0; i < message->contact_count; i++) {
		if (written_leads_alike(
			    contact_written(follow, &message->contacts[i].uri), written))
			contacts |= 1u << i;
	}
	return contacts;
}

/* Takes down the Contact that is the one of a registration, written as it was then, but for host
 * and port; and those of the same host and port now, which its user agent has learnt for all. */
static void find_as(const struct follow *follow, const struct passage *passage,
	const struct address *as, struct old *old)
{
	const struct reason *reason = reason_at(follow->endpoints, old->registration);
	const struct address *client = place_of(follow, old->registration);

	for (unsigned i = 0; i < passage->message->contact_count && !old->contacts; i++) {
		const struct sip_uri *written = &passage->message->contacts[i].uri;
		const struct sip_uri uri = uri_as(written, as);

		if (!is_learnt(written, as, &passage->client, client) ||
			!written_is_alike(contact_written(follow, &uri), reason->written))
			continue;
		old->contacts = list_beside(follow, passage->message, i);
		old->as = *as;
	}
}

/* Takes down all Contacts where one leads to where that of a registration led, as the user agent
 * wrote both: it may have several, of other users and with other parameters, each in a REGISTER of
 * its own. One that the registrar has never heard of is taken back in vain. False where two are
 * alike. Of no more Contacts than moved_find lets through. */
static bool find_as_it_stands(
	const struct follow *follow, const struct sip_message *message, struct old *old)
{
	const struct reason *reason = reason_at(follow->endpoints, old->registration);
	bool any = false;

	for (unsigned i = 0; i < message->contact_count; i++) {
		const struct sip_uri *uri = &message->contacts[i].uri;

		for (unsigned j = 0; j < i; j++) {
			if (text_equal(message->contacts[j].uri.whole, uri->whole))
				return false;
		}
		any |= written_leads_alike(contact_written(follow, uri), reason->written);
	}
	if (any)
		old->contacts = (1u << message->contact_count) - 1;
	return true;
}

static bool has_star(const struct sip_message *message)
{
	return message->contact_count && message->contacts[0].name_addr.is_star;
}

/* Whether a REGISTER has the Contact of a registration still, or takes it back itself. */
static bool is_named(
	const struct follow *follow, const struct sip_message *message, uint32_t registration)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);

	for (unsigned i = 0; i < message->contact_count; i++) {
		if (contact_written(follow, &message->contacts[i].uri) == reason->written)
			return true;
	}
	return false;
}

/* Whether a registration is surely of the user agent of a REGISTER: that comes from where it
 * stands, or has come from there before, or names that place, or the instance that it is told apart
 * by; or has come from its new place with the same Contact. */
static bool is_sure(const struct follow *follow, const struct passage *passage, bool is_here,
	uint32_t registration)
{
	const struct sip_message *message = passage->message;
	const struct reason *reason = reason_at(follow->endpoints, registration);

	if (is_here || reason->doubled || former_has_come(follow, &passage->client, reason))
		return true;
	for (unsigned i = 0; i < message->contact_count; i++) {
		const struct sip_contact *contact = &message->contacts[i];

		if (contact->name_addr.instance.length ||
			uri_is_at(&contact->uri, place_of(follow, registration)))
			return true;
	}
	return false;
}

/* Hosts and ports that a user agent may have had in its Contact before it learnt a public address:
 * those of its Via, which mostly stay as they are. Where it surely is this one, those of the
 * public place, too, which it may have learnt and forgotten, and those it had learnt before. */
enum { FORMER_MAX = 3 };

static unsigned list_former(const struct follow *follow, const struct passage *passage,
	bool is_here, uint32_t registration, struct address former[static FORMER_MAX])
{
	const struct sip_via *via = &passage->message->top_via;
	const struct reason *reason = reason_at(follow->endpoints, registration);
	unsigned count = 0;

	if (address_parse_host(via->host, &former[count]))
		former[count++].port = via->port ? via->port : SIP_DEFAULT_PORT;
	if (!is_sure(follow, passage, is_here, registration))
		return count;
	former[count++] = *place_of(follow, registration);
	count += former_find(follow, passage, reason, &former[count]);
	return count;
}

/* Whether the registration may be from a later REGISTER than the one that wants this: CSeq tells
 * that of one Call-ID (RFC 3261 10.2). At the place where it stands, who has another one now was
 * switched off and on; and anywhere the phone whose instance it is. */
static bool is_overtaken(const struct follow *follow, const struct passage *passage, bool is_here,
	const struct transaction *wanted, const struct reason *registration)
{
	const bool has_instance = wanted->registration.has_instance,
		   is_its_own = reason_key(registration) == wanted->reason;

	if (is_here && (!is_its_own || has_instance))
		return false;
	return passage->message->cseq_number <= registration->cseq &&
	       !(is_its_own && has_instance &&
		       !former_has_call_id(follow, passage->message, wanted->reason));
}

/* What a REGISTER that comes from here makes of the one of this registration. False where two may
 * be meant. */
static bool find_old(const struct follow *follow, const struct passage *passage, bool is_here,
	const struct transaction *wanted, struct old *old)
{
	const struct reason *reason = reason_at(follow->endpoints, old->registration);
	struct address former[FORMER_MAX];
	unsigned count;

	old->contacts = 0;
	old->as = (struct address){0};
	if (!reason->written || has_star(passage->message) ||
		is_overtaken(follow, passage, is_here, wanted, reason) ||
		passage->message->cseq_number > CSEQ_MAX)
		return true;
	if (is_here && is_named(follow, passage->message, old->registration))
		return true;
	if (!is_here && !find_as_it_stands(follow, passage->message, old))
		return false;
	count = list_former(follow, passage, is_here, old->registration, former);
	for (unsigned i = 0; i < count && !old->contacts; i++)
		find_as(follow, passage, &former[i], old);
	return true;
}

/* Whether another registration of the AOR has the same binding: who has got the old mapping may
 * have registered the same user. What was given back on its way here is bound for the place where
 * it stands, whatever it is listed as: then it is whoever else stands there. */
static bool is_shared(const struct follow *follow, const struct aor *aor, uint64_t key,
	uint32_t registration, const struct sip_uri *uri, bool is_given_back)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);
	const struct sip_uri there = uri_as(uri, place_of(follow, registration));
	const uint32_t binding = contact_binding(follow, &there);
	const uint32_t written = contact_written(follow, uri);
	const uint32_t bare = contact_written(follow, &there);
	uint32_t other = 0;

	while ((other = registration_next(follow->endpoints, aor, key, other))) {
		const struct reason *another = reason_at(follow->endpoints, other);

		if (other != registration &&
			(is_given_back ? another->endpoint == reason->endpoint
				       : another->binding == binding &&
						 !written_tells_apart(
							 written, another->written, bare)))
			return true;
	}
	return false;
}

/* The registration of a user agent where it comes from. Of one that has none anywhere, as it was
 * switched off and on, it is what stands there, whatever its Call-ID was. */
static uint32_t find_here(const struct follow *follow, const struct passage *passage,
	const struct aor *aor, uint64_t key)
{
	const struct endpoints *endpoints = follow->endpoints;
	uint32_t registration = 0, here = 0;

	while ((registration = registration_next(endpoints, aor, key, registration))) {
		const struct reason *reason = reason_at(endpoints, registration);

		if (reason_key(reason) == key)
			return reason_find_at(endpoints, key, &passage->client, passage->proxy);
		if (passage->endpoint && reason->endpoint == passage->endpoint)
			here = registration;
	}
	return here;
}

/* Of a user agent that stands here already, what it has here counts, and what the same REGISTER has
 * made or a Contact has left elsewhere; of another the only one that there is, or those of the same
 * REGISTER, else none. */
static unsigned find_all(const struct follow *follow, const struct passage *passage,
	const struct aor *aor, uint32_t here, struct transaction *wanted,
	struct old all[static MOVED_MAX])
{
	const uint64_t key = here ? reason_key(reason_at(follow->endpoints, here)) : wanted->reason;
	struct old old = {0};
	unsigned count = 0;
	bool are_sure = true;

	while ((old.registration =
			registration_next(follow->endpoints, aor, key, old.registration))) {
		const struct reason *reason = reason_at(follow->endpoints, old.registration);

		if (reason_key(reason) != key ||
			(here && here != old.registration && !reason->doubled &&
				(is_named(follow, passage->message, here) ||
					!is_named(follow, passage->message, old.registration))))
			continue;
		if (!find_old(follow, passage, old.registration == here, wanted, &old))
			return 0;
		if (!old.contacts)
			continue;
		are_sure &= here || reason->doubled;
		if (count && !are_sure)
			return 0;
		wanted->registration.has_more_moved = count == MOVED_MAX;
		if (count == MOVED_MAX)
			break;
		all[count++] = old;
	}
	return count;
}

/* Whether nothing else of the AOR that is listed may be taken for it, nor one of several of another
 * that stands there. */
static bool is_unmistakable(
	const struct follow *follow, const struct aor *aor, uint64_t key, uint32_t registration)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);
	uint32_t other = 0;

	while ((other = registration_next(follow->endpoints, aor, key, other))) {
		const struct reason *another = reason_at(follow->endpoints, other);

		if (other != registration &&
			(another->binding ? another->binding == reason->binding
					  : another->endpoint == reason->endpoint))
			return false;
	}
	return true;
}

static void take_back(const struct follow *follow, struct passage *passage, const struct aor *aor,
	const struct old *old, struct transaction *wanted)
{
	const struct reason *reason = reason_at(follow->endpoints, old->registration);
	const struct address from = *place_of(follow, old->registration);
	struct moved moved = {.from = from, .as = old->as};

	for (unsigned left = old->contacts; left; left &= left - 1) {
		const struct sip_contact *contact =
			&passage->message->contacts[__builtin_ctz(left)];
		const struct sip_uri uri = uri_as(&contact->uri, &old->as);
		const bool is_as_repaired =
			contact_binding_at(follow, &uri, &from) == reason->binding;
		const bool is_given_back =
			!is_as_repaired && contact_binding(follow, &uri) == reason->binding;

		if (is_shared(follow, aor, wanted->reason, old->registration, &uri, is_given_back))
			continue;
		moved.contacts |= left & -left;
		if (!old->as.port && uri.is_address && !is_given_back)
			moved.own |= left & -left;
		if (is_as_repaired && !uri_is_at(&uri, &from) &&
			!address_equal(&from, &passage->client) &&
			is_unmistakable(follow, aor, wanted->reason, old->registration))
			wanted->registration.taken_back = reason->binding;
	}
	if (moved.contacts)
		passage->moved[passage->moved_count++] = moved;
}

/* Whether the registrar has this Contact as it was repaired for where the user agent is, for which
 * nothing else tells that it is its own: a public address elsewhere. */
static bool is_repaired_here(const struct follow *follow, const struct passage *passage,
	const struct sip_contact *contact, const struct reason *registration)
{
	const struct sip_uri *uri = &contact->uri;

	return !contact->name_addr.is_star && uri->is_address &&
	       !address_is_no_place(&uri->address) &&
	       !address_same_host(&uri->address, &passage->client) &&
	       contact_binding_at(follow, uri, &passage->client) == registration->binding;
}

void moved_keep(const struct follow *follow, struct passage *passage, uint32_t registration)
{
	const struct sip_message *message = passage->message;

	if (!passage->nat)
		return;
	for (unsigned i = 0; i < message->contact_count; i++) {
		const struct sip_contact *contact = &message->contacts[i];

		if ((message->contact_count == 1 ||
			    !contact_seconds(message, &contact->name_addr, 0)) &&
			is_repaired_here(follow, passage, contact,
				reason_at(follow->endpoints, registration)))
			passage->kept |= 1u << i;
	}
}

void moved_find(struct follow *follow, struct passage *passage, const struct aor *aor,
	struct transaction *wanted)
{
	struct old all[MOVED_MAX];
	uint32_t here;
	unsigned count;

	if (!passage->nat || passage->message->has_more_contacts ||
		passage->message->contact_count > CONTACTS_MAX)
		return;
	here = find_here(follow, passage, aor, wanted->reason);
	count = find_all(follow, passage, aor, here, wanted, all);
	for (unsigned i = 0; i < count; i++)
		take_back(follow, passage, aor, &all[i], wanted);
	if (here) {
		moved_keep(follow, passage, here);
		return;
	}
	former_note_ports(follow, passage, wanted->reason);
	for (unsigned i = 0; i < count; i++)
		former_note_coming(follow, &passage->client,
			reason_at(follow->endpoints, all[i].registration));
}

bool moved_is_possible(const struct passage *passage, const struct transaction *wanted,
	const struct reason *registration)
{
	return registration->doubled || passage->message->contact_count != 1 ||
	       !listing_is_expected(wanted, registration->written);
}

/* The registrar lists what the user agent has never seen, and never will: it is taken back with the
 * next REGISTER. */
static void hide(const struct follow *follow, struct passage *passage, const struct reason *reason)
{
	const struct sip_contact *listed = listing_find(follow, passage->message, reason->binding);

	if (listed && nat_is_repaired(&listed->uri))
		passage->taken_back = listed;
}

void moved_note_doubled(struct follow *follow, struct passage *passage, const struct answer *answer,
	uint32_t registration)
{
	struct reason *reason = reason_at(follow->endpoints, registration);
	uint32_t other = 0;

	while ((other = answer_next(follow, answer, other))) {
		struct reason *another = reason_at(follow->endpoints, other);

		if (other == registration || !answer_has_own_key(follow, answer, other) ||
			another->written != reason->written ||
			!has_crossed(follow, passage, answer, other))
			continue;
		another->doubled = reason->doubled = true;
		if (is_unmistakable(follow, &answer->aor, answer->transaction->reason, other))
			hide(follow, passage, another);
	}
}
