#include "unlisted.h"

#include "request.h"

/* Whether a 2xx says of anything that it lists how long that lasts. */
static bool names_time(const struct sip_message *response)
{
	uint32_t seconds;

	if (text_number(response->expires, &seconds))
		return true;
	for (unsigned i = 0; i < response->contact_count; i++) {
		if (text_number(response->contacts[i].name_addr.expires, &seconds))
			return true;
	}
	return false;
}

/* Whether the request has taken it back, and the answer has that Contact only as an echo, as some
 * registrars do: of what is bound it had to say how long that lasts (RFC 3261 10.3). */
static bool is_echo(const struct follow *follow, const struct sip_message *response,
	const struct answer *answer, uint32_t registration)
{
	return answer_has_own_key(follow, answer, registration) &&
	       listing_is_removal(
		       answer->transaction, reason_at(follow->endpoints, registration)->written) &&
	       !names_time(response);
}

/* One that was accepted by a registrar that does not list. That it lists nothing says nothing of
 * it, unless the request was for all that there is. */
static bool was_never_listed(const struct reason *reason, const struct answer *answer)
{
	return !reason->written && !answer->transaction->registration.is_star;
}

/* A user agent that has several Contacts may have taken one of them back: the registration lasts as
 * long as what is left, and is not an echo. */
static bool has_left(const struct follow *follow, const struct sip_message *response,
	struct answer *answer, uint32_t registration)
{
	const uint32_t seconds = listing_take_others(follow, response, &answer->listing,
		reason_at(follow->endpoints, registration)->written,
		&reason_endpoint(follow->endpoints, registration)->client);

	if (!seconds || !names_time(response))
		return false;
	reason_refresh(follow->endpoints, registration, seconds);
	return true;
}

/* Whether the registrar still has it, as far as the answer tells. Where that says nothing of a
 * binding, it counts for the registration that the request was about. */
static bool is_still_bound(const struct follow *follow, const struct sip_message *response,
	struct answer *answer, uint32_t registration)
{
	const struct reason *reason = reason_at(follow->endpoints, registration);
	const bool is_meant = !answer->transaction->registration.is_query &&
			      answer_has_own_key(follow, answer, registration);

	if (!answer->listing.is_whole)
		return !is_meant;
	if (!reason->binding && !is_meant)
		return answer->listing.count || was_never_listed(reason, answer);
	if (!reason->binding && !answer->holds && has_left(follow, response, answer, registration))
		return true;
	return (reason->binding && listing_take(&answer->listing, reason->binding)) ||
	       listing_has_repaired(follow, response, reason,
		       &reason_endpoint(follow->endpoints, registration)->client);
}

/* In the ledger: how many REGISTERs had been opened when a registration was made where it is ("n"),
 * the transaction in which its user agent has asked for another Contact there ("w"), and the number
 * of the REGISTER with which its user agent has ended it there ("e"). */
static uint64_t place_key(const struct follow *follow, const char *purpose, uint64_t key,
	const struct address *client)
{
	return follow_key(follow, purpose,
		(struct text[KEY_TEXTS_MAX]){
			follow_bytes(&key, sizeof(key)), follow_bytes(client, sizeof(*client))});
}

static uint64_t note_key(const struct follow *follow, const char *purpose, uint32_t registration)
{
	return place_key(follow, purpose, reason_key(reason_at(follow->endpoints, registration)),
		&reason_endpoint(follow->endpoints, registration)->client);
}

void unlisted_note_new(struct follow *follow, uint32_t registration)
{
	ledger_note(&follow->proofs, note_key(follow, "n", registration),
		report_tick(follow->report), follow->registers);
}

void unlisted_note_change(struct follow *follow, uint32_t registration, uint32_t transaction)
{
	ledger_note(&follow->proofs, note_key(follow, "w", registration),
		report_tick(follow->report), transaction);
}

/* Whether that waits for its response: the registrar may have the other Contact already. */
static bool changes(const struct follow *follow, uint32_t registration)
{
	const struct transaction *transaction;
	uint32_t index;

	if (!ledger_find(&follow->proofs, note_key(follow, "w", registration), NULL, &index))
		return false;
	transaction = transaction_at(follow->transactions, index);
	return transaction->method == SIP_REGISTER && transaction->phase == TRANSACTION_WAITING &&
	       follow_find_here(follow, transaction) == registration;
}

/* Whether that was noted with this key while the request was under way, of a REGISTER that was
 * opened behind it, or not before it. */
static bool is_noted_since(
	const struct follow *follow, uint64_t key, const struct transaction *transaction)
{
	const uint32_t now = report_tick(follow->report);
	uint32_t noted, number;

	return ledger_find(&follow->proofs, key, &noted, &number) &&
	       !tick_older(now, noted, transaction->opened) &&
	       number - transaction->registration.number < UINT32_MAX / 2;
}

bool unlisted_is_newer(
	const struct follow *follow, const struct transaction *transaction, uint32_t registration)
{
	return is_noted_since(follow, note_key(follow, "n", registration), transaction);
}

bool unlisted_has_ended(const struct follow *follow, const struct transaction *transaction)
{
	return is_noted_since(follow,
		place_key(follow, "e", transaction->reason, &transaction->client), transaction);
}

static void note_end(struct follow *follow, const struct answer *answer, uint32_t registration)
{
	if (answer_has_own_key(follow, answer, registration))
		ledger_note(&follow->proofs, note_key(follow, "e", registration),
			report_tick(follow->report), answer->transaction->registration.number);
}

static void end(struct follow *follow, const struct answer *answer, uint32_t registration)
{
	const bool has_moved = answer->listing.granted && registration != answer->own &&
			       (answer_has_own_key(follow, answer, registration) ||
				       answer_has_own_binding(follow, answer, registration));

	note_end(follow, answer, registration);
	reason_end(follow->endpoints, registration, has_moved ? "moved" : "ended");
}

static void end_those(struct follow *follow, const struct sip_message *response,
	struct answer *answer, bool own_key)
{
	uint32_t next = answer_next(follow, answer, 0);

	while (next) {
		const uint32_t registration = next;

		next = answer_next(follow, answer, registration);
		if (answer_has_own_key(follow, answer, registration) != own_key ||
			(answer->holds && registration == answer->own) ||
			(is_still_bound(follow, response, answer, registration) &&
				!is_echo(follow, response, answer, registration)) ||
			unlisted_is_newer(follow, answer->transaction, registration) ||
			(!own_key && changes(follow, registration)))
			continue;
		end(follow, answer, registration);
	}
}

void unlisted_end(struct follow *follow, const struct sip_message *response, struct answer *answer)
{
	end_those(follow, response, answer, false);
	end_those(follow, response, answer, true);
}
