#include "dialog.h"
#include "leg.h"
#include "proof.h"
#include "registration.h"
#include "request.h"
#include "subscription.h"

#include <errno.h>
#include <stdlib.h>

int follow_init(struct follow *follow, const struct settings *settings, struct report *report,
	struct endpoints *endpoints, const struct hash_key *key)
{
	*follow = (struct follow){
		.settings = settings,
		.report = report,
		.endpoints = endpoints,
		.transactions = malloc(sizeof(*follow->transactions)),
		.key = *key,
	};
	if (!follow->transactions)
		return -ENOMEM;
	if (transactions_init(follow->transactions, settings, report, key) == 0) {
		if (ledger_init(&follow->proofs, settings->limits.transactions / 2) == 0)
			return 0;
		transactions_free(follow->transactions);
	}
	free(follow->transactions);
	return -ENOMEM;
}

void follow_free(struct follow *follow)
{
	transactions_free(follow->transactions);
	free(follow->transactions);
	ledger_free(&follow->proofs);
}

void follow_list_fillings(const struct follow *follow, struct fillings *fillings)
{
	fillings_add_pool(fillings, &follow->transactions->pool);
}

bool follow_set_limit(struct follow *follow, uint32_t limit)
{
	return pool_set_limit(&follow->transactions->pool, limit);
}

bool follow_next(const struct follow *follow, uint32_t *tick)
{
	return transactions_next(follow->transactions, tick);
}

/* At the limit one transaction is treated as if its time were over, before
 * a request comes that may open another: that is one more than it takes at most. */
static void make_room(struct follow *follow)
{
	const struct proxies *proxies = follow->endpoints->proxies;
	uint32_t index = transaction_to_give_up(follow->transactions);
	const struct transaction *transaction = transaction_at(follow->transactions, index);

	report_refused(follow->report, &transaction->client, &proxies->list[transaction->proxy],
		REFUSED_TRANSACTIONS,
		endpoint_find_aor(follow->endpoints, &transaction->client, transaction->proxy));
	dialog_overdue(follow, transaction);
	transaction_close(follow->transactions, index);
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
	proof_request(follow, passage);
	if (passage->bears && passage->endpoint)
		endpoint_prove(follow->endpoints, passage->endpoint);
	if (transactions_are_full(follow->transactions))
		make_room(follow);
	switch (passage->message->method) {
	case SIP_REGISTER:
		if (passage->in)
			registration_request(follow, passage);
		break;
	case SIP_SUBSCRIBE:
		if (passage->in)
			subscription_request(follow, passage);
		break;
	case SIP_REFER:
		if (passage->in)
			subscription_refer(follow, passage);
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
	case SIP_ACK:
		dialog_acknowledge(follow, passage);
		break;
	default:
		break;
	}
}

static uint64_t key_of(const struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;

	return transaction_key(follow->transactions, message, &passage->client, passage->proxy,
		passage->in == message->is_request,
		&(struct transaction_tags){passage->from_tag, passage->to_tag});
}

/* The transaction that a response answers. Where no branch names it, it may be one of a request
 * that had no To tag yet. */
static uint32_t find_answered(const struct follow *follow, const struct passage *passage)
{
	enum sip_method method = passage->message->method;
	uint32_t index = transaction_find(follow->transactions, passage->key, method);
	struct passage untagged = *passage;

	if (index || !passage->to_tag.at || transaction_is_named(passage->message))
		return index;
	untagged.to_tag = (struct text){0};
	return transaction_find(follow->transactions, key_of(follow, &untagged), method);
}

static void follow_response(struct follow *follow, struct passage *passage)
{
	const struct transaction *transaction;
	uint32_t index;

	proof_response(follow, passage);
	if (!passage->has_key)
		return;
	index = find_answered(follow, passage);
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
	case SIP_REFER:
		subscription_refer_response(follow, passage, index);
		break;
	case SIP_NOTIFY:
		subscription_notify_response(follow, passage, index);
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
	case SIP_REFER:
	case SIP_NOTIFY:
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

void follow_prepare(const struct follow *follow, struct passage *passage)
{
	passage->has_key = has_followed_transaction(passage->message->method);
	if (!passage->has_key)
		return;
	if (!transaction_is_named(passage->message))
		follow_find_tags(passage);
	passage->key = key_of(follow, passage);
	if (!passage->in)
		ledger_prefetch(&follow->proofs, passage->key);
}

void follow_message(struct follow *follow, struct passage *passage)
{
	if (passage->message->is_request)
		follow_request(follow, passage);
	else
		follow_response(follow, passage);
}

void follow_answered(struct follow *follow, uint32_t endpoint)
{
	leg_answered(follow, endpoint);
}

void follow_expire(struct follow *follow)
{
	uint32_t index;

	while (report_has_time(follow->report) &&
		(index = transaction_overdue(follow->transactions))) {
		follow->report->work += WORK_LOOK;
		dialog_overdue(follow, transaction_at(follow->transactions, index));
		transaction_close(follow->transactions, index);
	}
}
