#include "moved.h"

#include "listing.h"

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
			listing_binding_at(follow, &contact->uri, client) != reason->binding)
			continue;
		if (same)
			return NULL;
		same = contact;
	}
	return same;
}

/* Whether another registration of the AOR has the same binding: who has got the old mapping may
 * have registered the same user. */
static bool is_shared(
	const struct follow *follow, const struct aor *aor, uint64_t key, uint32_t registration)
{
	const uint32_t binding = reason_at(follow->endpoints, registration)->binding;
	uint32_t other = 0;

	while ((other = registration_next(follow->endpoints, aor, key, other))) {
		if (other != registration &&
			reason_at(follow->endpoints, other)->binding == binding)
			return true;
	}
	return false;
}

void moved_find(const struct follow *follow, struct passage *passage, const struct aor *aor,
	struct transaction *wanted)
{
	const struct sip_contact *contact, *moved = NULL;
	uint32_t registration = 0, old = 0;

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
	if (!moved || is_shared(follow, aor, wanted->reason, old))
		return;
	passage->moved = moved;
	passage->moved_from = reason_endpoint(follow->endpoints, old)->client;
	if (!uri_is_at(&moved->uri, &passage->moved_from))
		wanted->registration.taken_back = reason_at(follow->endpoints, old)->binding;
}
