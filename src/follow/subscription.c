#include "subscription.h"

#include "reason_key.h"
#include "request.h"

/* What a subscription lasts when neither side says (RFC 6665 leaves it to the event package;
 * this is presence, RFC 3856 6.4). */
enum { SUBSCRIPTION_SECONDS_DEFAULT = 3600 };

/* A subscription is told from others of its dialog by event package and id (RFC 6665 4.5.2). */
static uint64_t subscription_key(
	const struct follow *follow, const struct sip_message *message, struct text own_tag)
{
	struct text package = message->event, params = {0}, id = {0};

	for (size_t i = 0; i < package.length; i++) {
		if (package.at[i] == ';') {
			params = (struct text){package.at + i, package.length - i};
			package.length = i;
			break;
		}
	}
	sip_param(params, TEXT("id"), &id);
	return follow_key(follow, "s",
		(struct text[KEY_TEXTS_MAX]){message->call_id, own_tag, text_trim(package), id});
}

void subscription_request(struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	uint64_t key = subscription_key(follow, message, follow_tag(message->from));
	struct transaction *transaction;
	uint32_t index;
	bool is_new;

	if (!follow->settings->keepalive.subscriptions)
		return;
	/* A phone that needs no help is of interest only when it needed some until now. */
	if (!follow_wants(follow, passage->nat) && !reason_find(follow->endpoints, key))
		return;
	index = follow_open(follow, passage, &is_new);
	if (!is_new)
		return;
	transaction = transaction_at(follow->transactions, index);
	transaction->reason = key;
	if (!follow_seconds(message->expires, &transaction->subscription.seconds))
		transaction->subscription.seconds = SUBSCRIPTION_SECONDS_DEFAULT;
}

/* NOTIFY may come before the 2xx (RFC 6665 4.1.2.4): what it ended stays ended. */
static void accept(struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction)
{
	struct reason_claim claim = follow_claim(transaction, transaction->nat);

	claim.kind = REASON_SUBSCRIPTION;
	claim.key = transaction->reason;
	claim.id = response->call_id;
	if (!follow_seconds(response->expires, &claim.seconds))
		claim.seconds = transaction->subscription.seconds;
	if (transaction_saw_end(follow->transactions, transaction, claim.key))
		return;
	if (claim.seconds == 0)
		follow_end_by(follow, transaction, "ended");
	else if (follow_wants(follow, transaction->nat))
		reason_hold(follow->endpoints, &claim);
	else
		follow_end(follow, claim.key, "moved");
}

/* Failures of a refresh that leave no subscription behind (RFC 6665 4.1.2.2). */
static bool is_fatal(unsigned status)
{
	return status == 404 || status == 405 || status == 410 || status == 416 ||
	       (status >= 480 && status <= 485) || status == 489 || status == 501 || status == 604;
}

void subscription_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	const struct transaction *transaction = transaction_at(follow->transactions, index);
	unsigned status = passage->message->status;

	if (status < 200)
		return;
	if (status < 300)
		accept(follow, passage->message, transaction);
	else if (is_fatal(status))
		follow_end_by(follow, transaction, "failed");
	transaction_answer(follow->transactions, index);
}

/* Whether the subscription, if it is known, is this user agent's, through whatever proxy. */
static bool is_for_subscriber(
	const struct follow *follow, const struct passage *passage, uint32_t reason)
{
	return !reason ||
	       address_equal(&reason_endpoint(follow->endpoints, reason)->client, &passage->client);
}

/* What the notifier says of a subscription counts for one that is known; it creates none. */
void subscription_notify(struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	uint64_t key = subscription_key(follow, message, follow_tag(message->to));
	uint32_t reason = reason_find(follow->endpoints, key), seconds;
	struct text state = message->subscription_state, params, expires;
	size_t end = 0;

	if (!state.at || !is_for_subscriber(follow, passage, reason))
		return;
	while (end < state.length && state.at[end] != ';')
		end++;
	params = (struct text){state.at + end, state.length - end};
	state.length = end;
	if (text_equal_nocase(text_trim(state), TEXT("terminated")))
		follow_end(follow, key, "ended");
	else if (reason && sip_param(params, TEXT("expires"), &expires) &&
		 text_number(expires, &seconds) && seconds > 0)
		reason_refresh(follow->endpoints, reason, seconds);
}
