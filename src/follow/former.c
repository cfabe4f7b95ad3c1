#include "former.h"

#include "request.h"

/* In the ledger: the port in a Contact as a user agent wrote it, where that is a public address
 * that it had learnt, and its NAT has given it another port since, or where there is a host, too;
 * and that host, an IPv4 address, under a key of its own beside that. */
static uint64_t port_key(const struct follow *follow, uint64_t registration, uint32_t written)
{
	return follow_key(follow, "p",
		(struct text[KEY_TEXTS_MAX]){follow_bytes(&registration, sizeof(registration)),
			follow_bytes(&written, sizeof(written))});
}

static uint64_t host_key(uint64_t port)
{
	return port + 1;
}

/* What stood in a Contact: as it says itself where it is listed as it was repaired, else what it is
 * listed with, as another natbox has given it back or this one never repaired it. */
static bool read_origin(const struct listing *listing, struct address *origin)
{
	if (listing->is_here)
		return nat_origin_address(nat_origin(listing->own_uri), origin);
	*origin = listing->own_uri->address;
	origin->port = uri_port(listing->own_uri);
	return listing->own_uri->is_address;
}

static void note_origin(struct follow *follow, const struct listing *listing, uint64_t key)
{
	const uint32_t tick = report_tick(follow->report);
	struct address origin;
	uint64_t noted;
	uint32_t host;

	if (!listing->own_uri || !read_origin(listing, &origin) || !address_is_ipv4(&origin))
		return;
	memcpy(&host, origin.ip + sizeof(origin.ip) - sizeof(host), sizeof(host));
	noted = port_key(follow, key, listing->written);
	ledger_note(&follow->proofs, noted, tick, origin.port);
	ledger_note(&follow->proofs, host_key(noted), tick, host);
}

/* In the ledger: a REGISTER with this Call-ID has made this registration. */
static uint64_t call_id_key(
	const struct follow *follow, const struct sip_message *message, uint64_t registration)
{
	return follow_key(follow, "i",
		(struct text[KEY_TEXTS_MAX]){
			follow_bytes(&registration, sizeof(registration)), message->call_id});
}

void former_note(struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, const struct listing *listing)
{
	note_origin(follow, listing, transaction->reason);
	if (transaction->registration.has_instance)
		ledger_note(&follow->proofs, call_id_key(follow, response, transaction->reason),
			report_tick(follow->report), 0);
}

bool former_find(const struct follow *follow, const struct passage *passage,
	const struct reason *reason, struct address *former)
{
	const uint64_t noted = port_key(follow, reason_key(reason), reason->written);
	uint32_t host, port;

	if (!ledger_find(&follow->proofs, noted, NULL, &port))
		return false;
	*former = passage->client;
	if (ledger_find(&follow->proofs, host_key(noted), NULL, &host))
		*former = address_ipv4(&host, 0);
	former->port = (uint16_t)port;
	return true;
}

void former_note_ports(struct follow *follow, const struct passage *passage, uint64_t registration)
{
	for (unsigned i = 0; i < passage->message->contact_count; i++) {
		const struct sip_uri *uri = &passage->message->contacts[i].uri;

		if (uri->is_address && address_same_host(&uri->address, &passage->client) &&
			uri_port(uri) != passage->client.port)
			ledger_note(&follow->proofs,
				port_key(follow, registration, contact_written(follow, uri)),
				report_tick(follow->report), uri_port(uri));
	}
}

bool former_has_call_id(
	const struct follow *follow, const struct sip_message *message, uint64_t registration)
{
	return ledger_find(&follow->proofs, call_id_key(follow, message, registration), NULL, NULL);
}

/* In the ledger: a user agent has come with a Contact as it wrote it from a place where it is not
 * registered yet. It may have been told by a challenge where that is. */
static uint64_t coming_key(
	const struct follow *follow, const struct address *client, const struct reason *reason)
{
	return follow_key(follow, "c",
		(struct text[KEY_TEXTS_MAX]){follow_bytes(client, sizeof(*client)),
			follow_bytes(reason->key, sizeof(reason->key)),
			follow_bytes(&reason->written, sizeof(reason->written))});
}

void former_note_coming(
	struct follow *follow, const struct address *client, const struct reason *reason)
{
	ledger_note(&follow->proofs, coming_key(follow, client, reason),
		report_tick(follow->report), 0);
}

bool former_has_come(
	const struct follow *follow, const struct address *client, const struct reason *reason)
{
	return ledger_find(&follow->proofs, coming_key(follow, client, reason), NULL, NULL);
}
