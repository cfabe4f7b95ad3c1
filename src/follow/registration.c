#include "registration.h"

#include "reason_key.h"
#include "request.h"

/* What a registrar grants when nobody names a time (RFC 3261 10.2.1.1 leaves it to local policy;
 * this is what they use). */
enum { EXPIRES_DEFAULT = 3600 };

/* The To of a REGISTER without parameters: its address of record. */
static bool parse_aor(struct text to, struct text *aor)
{
	struct sip_contact contact;

	if (sip_contact_parse(to, &contact) != 0 || contact.name_addr.is_star)
		return false;
	*aor = contact.uri.whole;
	if (contact.uri.host_port.at)
		aor->length = (size_t)(text_end(contact.uri.host_port) - aor->at);
	return true;
}

/* A missing port is the default one for all that UDP can carry. */
static uint16_t port_of(const struct sip_uri *uri)
{
	return uri->port ? uri->port : 5060;
}

static uint32_t hash_user(const struct follow *follow, const struct sip_uri *uri)
{
	struct hash hash;

	hash_start(&hash, &follow->key);
	hash_add_text(&hash, uri->user);
	return (uint32_t)hash_end(&hash);
}

static uint32_t hash_host_port(const struct follow *follow, const struct sip_uri *uri)
{
	struct hash hash;

	hash_start(&hash, &follow->key);
	if (uri->is_address)
		hash_add(&hash, uri->address.ip, sizeof(uri->address.ip));
	for (size_t i = 0; i < uri->host.length && !uri->is_address; i++) {
		char c = uri->host.at[i];

		c = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		hash_add(&hash, &c, 1);
	}
	hash_add_number(&hash, port_of(uri));
	return (uint32_t)hash_end(&hash);
}

/* The time a Contact names itself, else the Expires header's, else fallback. A time that cannot be
 * read is treated as missing (RFC 3261 10.2.1.1). */
static uint32_t contact_seconds(
	const struct sip_message *message, const struct sip_name_addr *contact, uint32_t fallback)
{
	uint32_t seconds;

	if (text_number(contact->expires, &seconds))
		return seconds;
	if (message->expires.at && text_number(message->expires, &seconds))
		return seconds;
	return fallback;
}

static void remember_contact(
	const struct follow *follow, struct transaction *transaction, const struct sip_uri *uri)
{
	unsigned count = transaction->registration.contact_count;

	if (count == TRANSACTION_CONTACTS_MAX) {
		transaction->registration.has_more_contacts = true;
		return;
	}
	transaction->registration.contacts[count].user = hash_user(follow, uri);
	transaction->registration.contacts[count].host_port = hash_host_port(follow, uri);
	transaction->registration.contact_count++;
}

/* What a REGISTER asks for. False when it asks for nothing: it has no Contact, it only queries. */
static bool parse_request(
	const struct follow *follow, const struct passage *passage, struct transaction *transaction)
{
	struct text aor, instance = {0};
	const struct sip_contact *contact;
	struct sip_cursor cursor = {0};
	bool any = false;

	/* Nobody knows which of two the registrar takes. */
	if (sip_contradicts(passage->message, &passage->message->to) ||
		!parse_aor(passage->message->to, &aor))
		return false;
	transaction->registration.has_more_contacts = passage->message->has_more_contacts;
	while ((contact = sip_next_contact(passage->message, &cursor))) {
		uint32_t seconds;

		any = true;
		if (contact->name_addr.is_star) {
			transaction->registration.is_star = true;
			continue;
		}
		if (!instance.length)
			instance = contact->name_addr.instance;
		seconds = contact_seconds(passage->message, &contact->name_addr, EXPIRES_DEFAULT);
		if (seconds > transaction->registration.seconds)
			transaction->registration.seconds = seconds;
		if (seconds)
			remember_contact(follow, transaction, &contact->uri);
	}
	transaction->reason = follow_key(follow, "r",
		(struct text[KEY_TEXTS_MAX]){aor, passage->message->call_id, instance});
	return any;
}

void registration_request(struct follow *follow, const struct passage *passage)
{
	struct transaction wanted = {.client = passage->client};
	uint32_t index;
	bool is_new;

	if (!follow->settings->keepalive.registrations || !parse_request(follow, passage, &wanted))
		return;
	/* A phone that needs no help is of interest only when it needed some until now. */
	if (!follow_wants(follow, passage->nat) && !wanted.registration.is_star &&
		!reason_find(follow->endpoints, wanted.reason))
		return;
	index = follow_open(follow, passage, &is_new);
	if (!is_new)
		return;
	transaction_at(follow->transactions, index)->reason = wanted.reason;
	transaction_at(follow->transactions, index)->registration = wanted.registration;
}

/* Whether it is one of those that were asked for; where these were more than are remembered, any is
 * taken for one. A registrar tells Contacts apart by user, host and port (RFC 3261 19.1.4); of a
 * repaired one host and port are where the user agent is seen. */
static bool is_own_contact(const struct follow *follow, const struct transaction *transaction,
	const struct sip_contact *contact)
{
	const struct sip_uri *uri = &contact->uri;
	bool is_at_source = uri->is_address && port_of(uri) == transaction->client.port &&
			    address_same_host(&uri->address, &transaction->client);
	uint32_t user, host_port;

	if (contact->name_addr.is_star)
		return false;
	if (transaction->registration.has_more_contacts)
		return true;
	user = hash_user(follow, uri);
	host_port = is_at_source ? 0 : hash_host_port(follow, uri);
	for (unsigned i = 0; i < transaction->registration.contact_count; i++) {
		if (user == transaction->registration.contacts[i].user &&
			(is_at_source ||
				host_port == transaction->registration.contacts[i].host_port))
			return true;
	}
	return false;
}

/* The time the registrar granted, 0 when the binding is gone. A response lists every binding of the
 * AOR; one that lists none at all but names a time comes from a registrar that does not list. */
static uint32_t granted_seconds(const struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction)
{
	struct sip_cursor cursor = {0};
	const struct sip_contact *contact;
	uint32_t granted = 0, seconds;

	while ((contact = sip_next_contact(response, &cursor))) {
		if (!is_own_contact(follow, transaction, contact))
			continue;
		seconds = contact_seconds(
			response, &contact->name_addr, transaction->registration.seconds);
		if (seconds > granted)
			granted = seconds;
	}
	if (!granted && transaction->registration.seconds && response->expires.at &&
		sip_count_values(response, SIP_CONTACT) == 0 &&
		text_number(response->expires, &seconds))
		return seconds;
	return granted;
}

/* "Contact: *" removed every binding of the AOR: all of its reasons on this endpoint end. */
static void end_all_of(struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction)
{
	struct endpoints *endpoints = follow->endpoints;
	uint32_t endpoint = endpoint_find(endpoints, &transaction->client, transaction->proxy);
	uint32_t reason = endpoint ? endpoint_at(endpoints, endpoint)->reasons : 0;
	struct text aor;

	if (!parse_aor(response->to, &aor))
		return;
	if (aor.length > LABEL_MAX)
		aor.length = LABEL_MAX;
	while (reason) {
		uint32_t next = reason_at(endpoints, reason)->next;

		if (reason_at(endpoints, reason)->kind == REASON_REGISTRATION &&
			text_equal(
				label_text(&endpoints->labels, reason_at(endpoints, reason)->label),
				aor))
			reason_end(endpoints, reason, "ended");
		reason = next;
	}
}

static void end_one(struct follow *follow, const struct transaction *transaction, const char *why)
{
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);

	if (reason)
		reason_end(follow->endpoints, reason, why);
}

static void hold(struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction, uint32_t seconds)
{
	struct reason_claim claim = follow_claim(transaction, transaction->nat);
	uint32_t reason = follow_find_here(follow, transaction);

	if (reason) {
		endpoint_add_nat(follow->endpoints, reason_at(follow->endpoints, reason)->endpoint,
			transaction->nat);
		reason_refresh(follow->endpoints, reason, seconds);
		return;
	}
	claim.kind = REASON_REGISTRATION;
	claim.key = transaction->reason;
	claim.seconds = seconds;
	if (parse_aor(response->to, &claim.id))
		reason_hold(follow->endpoints, &claim);
}

static void accept(struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction)
{
	uint32_t seconds;

	if (transaction->registration.is_star) {
		end_all_of(follow, response, transaction);
		return;
	}
	seconds = granted_seconds(follow, response, transaction);
	if (!seconds && response->has_more_contacts)
		return; /* it may be one of those */
	if (!seconds)
		end_one(follow, transaction, "ended");
	else if (follow_wants(follow, transaction->nat))
		hold(follow, response, transaction, seconds);
	else
		/* The phone needs no help any more, here or where it is now. */
		end_one(follow, transaction,
			follow_find_here(follow, transaction) ? "ended" : "moved");
}

void registration_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	const struct transaction *transaction = transaction_at(follow->transactions, index);
	unsigned status = passage->message->status;

	if (status < 200)
		return;
	if (status < 300)
		accept(follow, passage->message, transaction);
	transaction_answer(follow->transactions, index);
}
