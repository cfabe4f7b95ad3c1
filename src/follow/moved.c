#include "moved.h"

#include "listing.h"

/* Whether the registrar knows a Contact as it was repaired for where this registration stands. It
 * has listed it so, or as the user agent wrote it: then another natbox, nearer to the registrar,
 * has given that back already. */
static bool is_repaired(const struct follow *follow, const struct sip_uri *uri,
	const struct reason *reason, const struct address *client)
{
	return listing_binding_at(follow, uri, client) == reason->binding ||
	       listing_binding(follow, uri) == reason->binding;
}

/* The Contact of a REGISTER that is the one of this registration: written as it was then, and known
 * to the registrar as it was repaired there. NULL where it has none, or two. */
static const struct sip_contact *find_same(
	const struct follow *follow, const struct sip_message *message, uint32_t registration)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);
	const struct address *client = &reason_endpoint(follow->endpoints, registration)->client;
	const struct sip_contact *contact, *same = NULL;
	struct sip_cursor cursor = {0};

	if (!reason->binding || !reason->written || message->cseq_number <= reason->cseq)
		return NULL;
	while ((contact = sip_next_contact(message, &cursor))) {
		if (contact->name_addr.is_star)
			return NULL;
		if (listing_written(follow, &contact->uri) != reason->written ||
			!is_repaired(follow, &contact->uri, reason, client))
			continue;
		if (same)
			return NULL;
		same = contact;
	}
	return same;
}

/* Whether another registration of the AOR has the same binding: who has got the old mapping may
 * have registered the same user. What was given back on its way here is bound for the place where
 * it stands, whatever it is listed as: then it is whoever else stands there. */
static bool is_shared(const struct follow *follow, const struct aor *aor, uint64_t key,
	uint32_t registration, bool is_given_back)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);
	uint32_t other = 0;

	while ((other = registration_next(follow->endpoints, aor, key, other))) {
		const struct reason *another = reason_at(follow->endpoints, other);

		if (other != registration && (is_given_back ? another->endpoint == reason->endpoint
							    : another->binding == reason->binding))
			return true;
	}
	return false;
}

void moved_find(const struct follow *follow, struct passage *passage, const struct aor *aor,
	struct transaction *wanted)
{
	const struct sip_contact *contact, *moved = NULL;
	uint32_t registration = 0, old = 0;
	struct address from;
	bool is_given_back;

	if (!passage->nat || passage->message->has_more_contacts ||
		passage->message->contact_count > TRANSACTION_CONTACTS_MAX ||
		reason_find_at(follow->endpoints, wanted->reason, &passage->client, passage->proxy))
		return;
	while ((registration =
			registration_next(follow->endpoints, aor, wanted->reason, registration))) {
		if (reason_key(reason_at(follow->endpoints, registration)) != wanted->reason)
			continue;
		contact = find_same(follow, passage->message, registration);
		if (contact && moved)
			return;
		if (contact) {
			moved = contact;
			old = registration;
		}
	}
	if (!moved)
		return;
	from = reason_endpoint(follow->endpoints, old)->client;
	is_given_back = listing_binding_at(follow, &moved->uri, &from) !=
			reason_at(follow->endpoints, old)->binding;
	if (is_shared(follow, aor, wanted->reason, old, is_given_back))
		return;
	passage->moved = moved;
	passage->moved_from = from;
	if (!is_given_back && !uri_is_at(&moved->uri, &from))
		wanted->registration.taken_back = reason_at(follow->endpoints, old)->binding;
}
