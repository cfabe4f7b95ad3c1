#include "registration.h"

#include "former.h"
#include "moved.h"
#include "proof.h"
#include "request.h"
#include "unlisted.h"

/* What begins with the only bracket there is, whatever the display name before it, and if nothing
 * closes it. Registrars that take such a To read it so. */
static bool parse_careless(struct text to, struct sip_uri *uri)
{
	const char *open = to.length ? memchr(to.at, '<', to.length) : NULL, *end = text_end(to),
		   *close;

	if (!open || memchr(open + 1, '<', (size_t)(end - open - 1)))
		return false;
	close = memchr(open, '>', (size_t)(end - open));
	return sip_uri_parse(text_between(open + 1, close ? close : end), uri) == 0;
}

/* The URI in the To of a REGISTER without parameters: its address of record. */
static bool parse_aor(const struct passage *passage, struct aor *aor)
{
	const struct text to = passage->message->to;
	struct sip_contact contact;

	if (sip_contact_parse(to, &contact) == 0) {
		if (contact.name_addr.is_star)
			return false;
		aor->uri = contact.uri;
	} else if (!parse_careless(to, &aor->uri)) {
		return false;
	}
	aor->proxy = passage->proxy;
	if (aor->uri.host_port.at)
		aor->uri.whole.length = (size_t)(text_end(aor->uri.host_port) - aor->uri.whole.at);
	return true;
}

/* What tells a registration from others of its AOR: the phone's instance and flow where one of its
 * Contacts names them (RFC 5626 6), else its Call-ID. */
static uint64_t identity_of(const struct follow *follow, const struct sip_message *message,
	const struct sip_name_addr *named)
{
	struct text reg_id = {0};
	struct hash hash;

	hash_start(&hash, &follow->key);
	if (named) {
		sip_param(named->params, TEXT("reg-id"), &reg_id);
		hash_add_text(&hash, named->instance);
		hash_add_text(&hash, reg_id);
	} else {
		hash_add_text(&hash, message->call_id);
	}
	hash_add_number(&hash, named != NULL);
	return hash_end(&hash);
}

/* What a REGISTER asks for. Returns what its registration is told apart by. */
static uint64_t parse_request(
	const struct follow *follow, const struct passage *passage, struct transaction *transaction)
{
	const struct sip_name_addr *named = NULL;

	transaction->registration.is_query = !passage->message->contact_count;
	transaction->registration.has_more_contacts = passage->message->has_more_contacts;
	for (unsigned i = 0; i < passage->message->contact_count; i++) {
		const struct sip_contact *contact = &passage->message->contacts[i];
		uint32_t seconds;

		if (contact->name_addr.is_star) {
			transaction->registration.is_star = true;
			continue;
		}
		if (!named && contact->name_addr.instance.length)
			named = &contact->name_addr;
		seconds = contact_seconds(passage->message, &contact->name_addr, 0);
		if (seconds > transaction->registration.seconds)
			transaction->registration.seconds = seconds;
		if (seconds)
			listing_expect(follow, transaction, &contact->uri);
		else
			listing_note_removal(follow, transaction, &contact->uri);
	}
	transaction->registration.has_instance = named != NULL;
	return identity_of(follow, passage->message, named);
}

/* Registrations of one endpoint that are looked through for the one that is refreshed: a phone has
 * one a line. */
enum { LINES_MAX = 8 };

/* Whether To is an address of record, written like that, behind a display name or none. */
static bool is_written(struct text to, struct text aor)
{
	const char *begin;

	if (!aor.length || to.length < aor.length + 2)
		return false;
	begin = text_end(to) - 1 - aor.length;
	return begin[-1] == '<' && begin[aor.length] == '>' &&
	       text_equal((struct text){begin, aor.length}, aor);
}

/* Nearly always a registration is refreshed from where it stands, by a phone that writes its
 * address of record as before: then that need not be read. 0 where it is another. */
static uint32_t find_refreshed(
	const struct follow *follow, const struct passage *passage, uint64_t identity)
{
	const struct endpoints *endpoints = follow->endpoints;
	uint32_t index = endpoint_at(endpoints, passage->endpoint)->reasons;

	for (unsigned i = 0; index && i < LINES_MAX; i++) {
		const struct reason *reason = reason_at(endpoints, index);

		if (reason->kind == REASON_REGISTRATION &&
			registration_is_identical(reason, identity) &&
			is_written(passage->message->to,
				label_text(&endpoints->labels, reason->label)))
			return index;
		index = reason->next;
	}
	return 0;
}

/* A user agent that needs no help, or asks for nothing, is of interest only for what the registrar
 * will list of others. */
static bool is_worth_following(const struct follow *follow, const struct passage *passage,
	const struct aor *aor, const struct transaction *wanted)
{
	return (follow_wants(follow, passage->nat, passage->class) &&
		       !wanted->registration.is_query) ||
	       registration_next(follow->endpoints, aor, wanted->reason, 0);
}

/* A nonce that was given to the place where a registration stands proves its next one, too. */
static bool bears_nonce_of_old(const struct follow *follow, const struct passage *passage,
	const struct aor *aor, uint64_t key)
{
	uint32_t registration = 0;

	if (!passage->message->auth_count)
		return false;
	while ((registration = registration_next(follow->endpoints, aor, key, registration))) {
		const struct endpoint *endpoint = reason_endpoint(follow->endpoints, registration);

		if (reason_key(reason_at(follow->endpoints, registration)) == key &&
			proof_bears_nonce(follow, passage->message, &endpoint->client))
			return true;
	}
	return false;
}

/* The registration of a REGISTER that is none that stands where it comes from. False when it is not
 * worth following. */
static bool find_among_others(struct follow *follow, struct passage *passage, uint64_t identity,
	struct transaction *wanted)
{
	struct aor aor;

	if (!parse_aor(passage, &aor))
		return false;
	wanted->reason = registration_key(follow->endpoints, &aor, identity);
	if (!is_worth_following(follow, passage, &aor, wanted))
		return false;
	moved_find(follow, passage, &aor, wanted);
	if (!passage->bears)
		passage->bears = bears_nonce_of_old(follow, passage, &aor, wanted->reason);
	return true;
}

/* The registration of a REGISTER that is one that stands where it comes from. */
static void take_refreshed(struct follow *follow, struct passage *passage, uint32_t registration,
	struct transaction *wanted)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);
	struct aor aor;

	wanted->reason = reason_key(reason);
	wanted->registration.is_next = passage->message->cseq_number > reason->cseq;
	if (moved_is_possible(passage, wanted, reason) && parse_aor(passage, &aor))
		moved_find(follow, passage, &aor, wanted);
	else if (passage->leaves_contacts)
		moved_keep(follow, passage, registration);
}

void registration_request(struct follow *follow, struct passage *passage)
{
	struct transaction wanted = {.client = passage->client};
	uint32_t index, refreshed;
	uint64_t identity;
	bool is_new;

	/* Of two addresses of record nobody knows which the registrar takes. */
	if (!follow->settings->keepalive.registrations ||
		sip_contradicts(passage->message, &passage->message->to))
		return;
	identity = parse_request(follow, passage, &wanted);
	refreshed = find_refreshed(follow, passage, identity);
	if (refreshed)
		take_refreshed(follow, passage, refreshed, &wanted);
	else if (!find_among_others(follow, passage, identity, &wanted))
		return;
	index = follow_open(follow, passage, &is_new);
	if (!is_new)
		return;
	if (refreshed &&
		!listing_is_expected(&wanted, reason_at(follow->endpoints, refreshed)->written))
		unlisted_note_change(follow, refreshed, index);
	wanted.registration.number = ++follow->registers;
	transaction_at(follow->transactions, index)->reason = wanted.reason;
	transaction_at(follow->transactions, index)->registration = wanted.registration;
}

/* Another phone of the AOR, whose NAT has given its place away, and that the registrar still lists
 * there beside the one that has come. */
static bool is_anothers(
	const struct follow *follow, const struct answer *answer, uint32_t registration)
{
	return written_tells_apart(reason_at(follow->endpoints, registration)->written,
		       answer->listing.written, listing_bare(follow, answer->transaction)) &&
	       listing_has_another(&answer->listing);
}

/* Whether what is registered may be as the one that has come wrote it, or is bound where it is. */
static bool may_be_own(
	const struct follow *follow, const struct answer *answer, uint32_t registration)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);

	if (!reason->binding)
		return !reason->written || reason->written == answer->listing.written;
	return answer_has_own_binding(follow, answer, registration) &&
	       !is_anothers(follow, answer, registration);
}

/* A phone that was switched off and on comes from the same place with another Call-ID: what stood
 * there is its own. */
static uint32_t find_heritage(const struct follow *follow, const struct answer *answer)
{
	const struct transaction *transaction = answer->transaction;
	uint32_t registration = 0;

	while ((registration = answer_next(follow, answer, registration))) {
		const struct endpoint *endpoint = reason_endpoint(follow->endpoints, registration);

		if (address_equal(&endpoint->client, &transaction->client) &&
			may_be_own(follow, answer, registration))
			break;
	}
	return registration;
}

/* One AOR has no more of them than a registrar can list: the one that was refreshed longest ago
 * makes room. */
static void make_room(struct follow *follow, const struct answer *answer)
{
	uint32_t registration = 0, oldest = 0;
	unsigned count = 0;

	while ((registration = answer_next(follow, answer, registration))) {
		oldest = registration;
		count++;
	}
	if (count >= REGISTRATIONS_OF_AOR_MAX)
		reason_end(follow->endpoints, oldest, "replaced");
}

/* The answer to another of its requests, which was sent behind this one, has come before. */
static bool is_overtaken(const struct follow *follow, const struct answer *answer)
{
	const struct transaction *transaction = answer->transaction;

	if (!answer->own)
		return answer->holds && unlisted_has_ended(follow, transaction);
	return !answer->holds && transaction->registration.is_next &&
	       reason_at(follow->endpoints, answer->own)->cseq > answer->cseq;
}

static struct reason_claim claim_of(const struct answer *answer)
{
	const struct transaction *transaction = answer->transaction;
	struct reason_claim claim = follow_claim(transaction, transaction->nat);

	claim.kind = REASON_REGISTRATION;
	claim.key = transaction->reason;
	claim.id = answer->aor.uri.whole;
	claim.user = answer->listing.user;
	claim.binding = answer->listing.own;
	claim.written = answer->listing.written;
	claim.cseq = answer->cseq;
	claim.seconds = answer->listing.granted;
	return claim;
}

static void refresh(struct follow *follow, const struct answer *answer)
{
	const struct transaction *transaction = answer->transaction;
	struct reason *reason = reason_at(follow->endpoints, answer->own);
	struct reason_claim claim = claim_of(answer);

	/* A binding has one user, whenever it is refreshed. */
	if (reason->binding && reason->binding == answer->listing.own) {
		claim.user = (struct text){0};
	} else {
		if (reason->cseq > answer->cseq &&
			unlisted_is_newer(follow, transaction, answer->own))
			return;
		unlisted_note_new(follow, answer->own);
	}
	reason->doubled = transaction->registration.has_more_moved;
	reason_renew(follow->endpoints, answer->own, &claim);
}

/* Nothing ends for a move that a limit refuses. */
static bool may_move(struct follow *follow, const struct answer *answer)
{
	const struct reason_claim claim = claim_of(answer);
	uint32_t registration = 0;

	while ((registration = answer_next(follow, answer, registration)) &&
		!answer_has_own_key(follow, answer, registration))
		;
	return !registration || reason_may_move(follow->endpoints, &claim, registration);
}

static void hold(struct follow *follow, struct passage *passage, const struct answer *answer)
{
	const struct reason_claim claim = claim_of(answer);
	uint32_t registration;

	former_note(follow, passage->message, answer->transaction, &answer->listing);
	if (answer->own) {
		reason_rekey(follow->endpoints, answer->own, claim.key);
		refresh(follow, answer);
		return;
	}
	make_room(follow, answer);
	registration = reason_hold(follow->endpoints, &claim);
	if (!registration)
		return;
	reason_at(follow->endpoints, registration)->doubled =
		answer->transaction->registration.has_more_moved;
	unlisted_note_new(follow, registration);
	moved_note_doubled(follow, passage, answer, registration);
}

/* Whether there is nobody but the one that asked: nearly always, and then its AOR need not be
 * read. */
static bool is_alone(const struct follow *follow, const struct answer *answer)
{
	const uint64_t key = answer->transaction->reason;
	const uint32_t first = registration_next(follow->endpoints, NULL, key, 0);

	return answer->own && !registration_next(follow->endpoints, NULL, key, first);
}

/* What a 2xx lists is all that there is of the AOR at that proxy, whoever asked. A query that is
 * answered with nothing is no proof: some registrars never list. */
static void accept(
	struct follow *follow, struct passage *passage, const struct transaction *transaction)
{
	struct answer answer;

	if (transaction->registration.is_query && listing_is_empty(passage->message))
		return;
	answer.transaction = transaction;
	answer.cseq =
		passage->message->cseq_number < CSEQ_MAX ? passage->message->cseq_number : CSEQ_MAX;
	answer.own = follow_find_here(follow, transaction);
	listing_read(follow, passage->message, transaction, &answer.listing);
	if (!answer.listing.granted && passage->message->has_more_contacts)
		return; /* it may be one of those that are left out */
	answer.holds = answer.listing.granted &&
		       follow_wants(follow, transaction->nat, transaction->class);
	if (answer.holds && is_alone(follow, &answer)) {
		listing_add_others(follow, passage->message, transaction, &answer.listing);
		refresh(follow, &answer);
		return;
	}
	if (is_overtaken(follow, &answer) || !parse_aor(passage, &answer.aor))
		return;
	if (!answer.own && answer.holds)
		answer.own = find_heritage(follow, &answer);
	if (!answer.own && answer.holds && !may_move(follow, &answer))
		return;
	unlisted_end(follow, passage->message, &answer);
	if (!answer.holds)
		return;
	listing_add_others(follow, passage->message, transaction, &answer.listing);
	hold(follow, passage, &answer);
}

/* What the answer grants a user agent that is followed; but nobody is told anything of a Contact
 * that is taken out of it. */
static void note_grants(const struct follow *follow, const struct passage *passage,
	const struct transaction *transaction)
{
	struct grants *grants = passage->grants;

	if (!follow_wants(follow, transaction->nat, transaction->class))
		return;
	listing_grants(follow, passage->message, transaction, grants);
	for (unsigned i = 0; i < grants->count; i++) {
		if (grants->list[i].contact && grants->list[i].contact == passage->taken_back)
			grants->list[i--] = grants->list[--grants->count];
	}
}

/* Whether the answer to a retransmission is to be changed like this one. */
static bool is_to_be_changed_again(
	const struct follow *follow, const struct passage *passage, struct transaction *transaction)
{
	if (passage->message->status < 300 && passage->taken_back) {
		transaction->registration.taken_back =
			contact_binding(follow, &passage->taken_back->uri);
		return true;
	}
	return passage->grants && passage->grants->count;
}

void registration_response(struct follow *follow, struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);
	const unsigned status = passage->message->status;

	if (transaction->registration.taken_back)
		passage->taken_back = listing_find(
			follow, passage->message, transaction->registration.taken_back);
	if (status < 200)
		return;
	if (status < 300 && passage->grants)
		note_grants(follow, passage, transaction);
	if (transaction_is_over(transaction))
		return;
	if (status < 300)
		accept(follow, passage, transaction);
	if (is_to_be_changed_again(follow, passage, transaction))
		transaction_enter(follow->transactions, index, TRANSACTION_DONE);
	else
		follow_close(follow, index, status);
}
