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
		.transactions = calloc(1, sizeof(*follow->transactions)),
		.key = *key,
	};
	if (follow->transactions &&
		transactions_init(follow->transactions, settings, report, key) == 0 &&
		ledger_init(&follow->proofs, settings->limits.transactions / 2) == 0)
		return 0;
	return -ENOMEM;
}

void follow_free(struct follow *follow)
{
	if (follow->transactions)
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

/* What is done with a request of a method, where it is from or to a user agent, and with a response
 * to it: one that has a transaction. */
static const struct {
	enum { FROM_CLIENT = 1 << 0, TO_CLIENT = 1 << 1, EITHER = FROM_CLIENT | TO_CLIENT } ways;
	void (*request)(struct follow *follow, struct passage *passage);
	void (*response)(struct follow *follow, struct passage *passage, uint32_t transaction);
} handlers[SIP_METHODS] = {
	[SIP_REGISTER] = {FROM_CLIENT, registration_request, registration_response},
	[SIP_SUBSCRIBE] = {FROM_CLIENT, subscription_request, subscription_response},
	[SIP_REFER] = {FROM_CLIENT, subscription_refer, subscription_refer_response},
	[SIP_NOTIFY] = {TO_CLIENT, subscription_notify, subscription_notify_response},
	[SIP_INVITE] = {EITHER, dialog_request, dialog_response},
	[SIP_UPDATE] = {EITHER, dialog_request, dialog_response},
	[SIP_INFO] = {EITHER, dialog_request, dialog_response},
	[SIP_BYE] = {EITHER, dialog_request, dialog_response},
	[SIP_CANCEL] = {EITHER, dialog_cancel, NULL},
	[SIP_ACK] = {EITHER, dialog_acknowledge, NULL},
};

static void follow_request(struct follow *follow, struct passage *passage)
{
	const enum sip_method method = passage->message->method;

	if (goes_to_a_proxy(follow, passage))
		return;
	proof_request(follow, passage);
	if (passage->bears && passage->endpoint)
		endpoint_prove(follow->endpoints, passage->endpoint);
	if (transactions_are_full(follow->transactions))
		make_room(follow);
	if (handlers[method].ways & (passage->in ? FROM_CLIENT : TO_CLIENT))
		handlers[method].request(follow, passage);
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
	return transaction_find(
		follow->transactions, transaction_key(follow->transactions, &untagged), method);
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
	handlers[passage->message->method].response(follow, passage, index);
}

void follow_prepare(const struct follow *follow, struct passage *passage)
{
	const enum sip_method method = passage->message->method;

	passage->has_key = handlers[method].ways && method != SIP_ACK;
	if (!passage->has_key)
		return;
	if (!transaction_is_named(passage->message))
		follow_find_tags(passage);
	passage->key = transaction_key(follow->transactions, passage);
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
