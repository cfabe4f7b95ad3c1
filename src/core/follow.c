#include <natbox/follow.h>

#include <string.h>

bool follow_wants(const struct follow *follow, unsigned nat)
{
	return nat || follow->settings->keepalive.scope == KEEPALIVE_ALL;
}

uint64_t follow_key(const struct follow *follow, const char *purpose,
	const struct text texts[static KEY_TEXTS_MAX])
{
	struct hash hash;

	hash_start(&hash, &follow->key);
	hash_add(&hash, purpose, 1);
	for (unsigned i = 0; i < KEY_TEXTS_MAX; i++)
		hash_add_text(&hash, texts[i]);
	return hash_end(&hash);
}

struct text follow_tag(struct text from_or_to)
{
	struct sip_name_addr name_addr;
	struct text tag = {0};

	if (sip_name_addr_parse(from_or_to, &name_addr) == 0)
		sip_param(name_addr.params, TEXT("tag"), &tag);
	return tag;
}

bool follow_seconds(struct text value, uint32_t *seconds)
{
	const char *semicolon = value.at ? memchr(value.at, ';', value.length) : NULL;

	if (semicolon)
		value.length = (size_t)(semicolon - value.at);
	return text_number(text_trim(value), seconds);
}

/* At the limit the transaction that has waited longest is treated as if its time were over. */
static void give_one_up(struct follow *follow)
{
	const struct proxies *proxies = follow->endpoints->proxies;
	uint32_t index = transaction_longest_waiting(follow->transactions);
	const struct transaction *transaction = transaction_at(follow->transactions, index);

	if (!index)
		return;
	report_refused(follow->report, &transaction->client, &proxies->list[transaction->proxy],
		REFUSED_TRANSACTIONS);
	dialog_overdue(follow, transaction);
	transaction_close(follow->transactions, index);
}

uint32_t follow_open(struct follow *follow, const struct passage *passage, bool *is_new)
{
	enum sip_method method = passage->message->method;
	struct transaction *transaction;
	const uint64_t key = passage->key;
	uint32_t index;

	*is_new = false;
	if (!passage->has_key)
		return 0;
	index = transaction_find(follow->transactions, key, method);
	if (index) {
		/* Its sender has not heard the final response yet, and will try again. */
		if (transaction_is_over(transaction_at(follow->transactions, index)))
			transaction_enter(follow->transactions, index,
				transaction_at(follow->transactions, index)->phase);
		return index;
	}
	if (transaction_is_answered(follow->transactions, key, method))
		return 0;
	index = transaction_open(follow->transactions, key, method);
	if (!index) {
		give_one_up(follow);
		index = transaction_open(follow->transactions, key, method);
	}
	if (!index)
		return 0;
	*is_new = true;
	transaction = transaction_at(follow->transactions, index);
	transaction->client = passage->client;
	transaction->proxy = passage->proxy;
	transaction->endpoint = passage->endpoint;
	transaction->nat = (uint8_t)passage->nat;
	transaction->from_client = passage->in;
	return index;
}

struct reason_claim follow_claim(const struct transaction *transaction, unsigned nat)
{
	return (struct reason_claim){
		.client = transaction->client, .proxy = transaction->proxy, .nat = nat};
}

/* What is remembered stands among the transactions that are done, as one of no method: there is the
 * bound and the time it needs. */
void follow_end(struct follow *follow, uint64_t key, const char *why)
{
	uint32_t reason = reason_find(follow->endpoints, key);
	uint32_t end = transaction_find(follow->transactions, key, SIP_OTHER);

	if (reason)
		reason_end(follow->endpoints, reason, why);
	if (end)
		transaction_close(follow->transactions, end);
	end = transaction_open(follow->transactions, key, SIP_OTHER);
	if (end)
		transaction_enter(follow->transactions, end, TRANSACTION_DONE);
}

uint32_t follow_find_here(const struct follow *follow, const struct transaction *transaction)
{
	uint32_t reason =
		reason_find_near(follow->endpoints, transaction->reason, transaction->endpoint);
	const struct endpoint *endpoint = reason_endpoint(follow->endpoints, reason);

	if (reason && endpoint->proxy == transaction->proxy &&
		address_equal(&endpoint->client, &transaction->client))
		return reason;
	return 0;
}

bool follow_is_strange(const struct follow *follow, const struct transaction *transaction)
{
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);
	const struct endpoint *endpoint = reason_endpoint(follow->endpoints, reason);

	return reason && !address_same_host(&endpoint->client, &transaction->client);
}

void follow_end_by(struct follow *follow, const struct transaction *transaction, const char *why)
{
	if (reason_find(follow->endpoints, transaction->reason) &&
		!follow_is_strange(follow, transaction))
		follow_end(follow, transaction->reason, why);
}

bool follow_ended_since(
	const struct follow *follow, uint64_t key, const struct transaction *transaction)
{
	uint32_t end = transaction_find(follow->transactions, key, SIP_OTHER);

	return end &&
	       !tick_before(transaction_at(follow->transactions, end)->opened, transaction->opened);
}

/* With a Route left a request goes to another proxy (RFC 3261 16.12), unless that is how this proxy
 * reaches a user agent that is known here. */
static bool goes_to_a_proxy(const struct follow *follow, const struct passage *passage)
{
	return !passage->in && sip_count_values(passage->message, SIP_ROUTE) > 0 &&
	       !endpoint_find(follow->endpoints, &passage->client, passage->proxy);
}

static void follow_request(struct follow *follow, struct passage *passage)
{
	if (goes_to_a_proxy(follow, passage))
		return;
	switch (passage->message->method) {
	case SIP_REGISTER:
		if (passage->in)
			registration_request(follow, passage);
		break;
	case SIP_SUBSCRIBE:
		if (passage->in)
			subscription_request(follow, passage);
		break;
	case SIP_NOTIFY:
		if (!passage->in)
			subscription_notify(follow, passage);
		break;
	case SIP_INVITE:
	case SIP_UPDATE:
	case SIP_INFO:
	case SIP_BYE:
		dialog_request(follow, passage);
		break;
	case SIP_CANCEL:
		dialog_cancel(follow, passage);
		break;
	default:
		break;
	}
}

static void follow_response(struct follow *follow, struct passage *passage)
{
	const struct transaction *transaction;
	uint32_t index;

	if (!passage->has_key)
		return;
	index = transaction_find(follow->transactions, passage->key, passage->message->method);
	if (!index) {
		if (passage->message->method == SIP_INVITE)
			dialog_stray_response(follow, passage);
		return;
	}
	transaction = transaction_at(follow->transactions, index);
	reason_expect(follow->endpoints, transaction->reason, transaction->endpoint);
	switch (passage->message->method) {
	case SIP_REGISTER:
		registration_response(follow, passage, index);
		break;
	case SIP_SUBSCRIBE:
		subscription_response(follow, passage, index);
		break;
	case SIP_INVITE:
	case SIP_UPDATE:
	case SIP_INFO:
	case SIP_BYE:
		dialog_response(follow, passage, index);
		break;
	default:
		break;
	}
}

static bool has_followed_transaction(enum sip_method method)
{
	switch (method) {
	case SIP_REGISTER:
	case SIP_SUBSCRIBE:
	case SIP_INVITE:
	case SIP_UPDATE:
	case SIP_INFO:
	case SIP_BYE:
	case SIP_CANCEL:
		return true;
	default:
		return false;
	}
}

void follow_expect(const struct follow *follow, struct passage *passage)
{
	const struct sip_message *message = passage->message;

	passage->has_key =
		has_followed_transaction(message->method) &&
		transaction_key(follow->transactions, message, &passage->client, passage->proxy,
			passage->in == message->is_request, &passage->key);
	if (passage->has_key)
		transaction_expect(follow->transactions, passage->key);
}

void follow_message(struct follow *follow, struct passage *passage)
{
	if (passage->message->is_request)
		follow_request(follow, passage);
	else
		follow_response(follow, passage);
}

void follow_expire(struct follow *follow)
{
	uint32_t index;

	while ((index = transaction_overdue(follow->transactions))) {
		dialog_overdue(follow, transaction_at(follow->transactions, index));
		transaction_close(follow->transactions, index);
	}
}
