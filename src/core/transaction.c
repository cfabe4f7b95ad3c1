#include <natbox/transaction.h>

#include <errno.h>
#include <stdlib.h>

int transactions_init(struct transactions *transactions, const struct settings *settings,
	struct report *report, const struct hash_key *key)
{
	uint32_t heads = 1024;

	while (heads < settings->limits.transactions && heads < 1u << 31)
		heads *= 2;
	*transactions = (struct transactions){
		.key = *key,
		.report = report,
		.wait_us = settings->timers.transaction_us,
		.mask = heads - 1,
		.heads = calloc(heads, sizeof(uint32_t)),
	};
	if (transactions->heads && pool_init(&transactions->pool, sizeof(struct transaction),
					   settings->limits.transactions) == 0)
		return 0;
	transactions_free(transactions);
	return -ENOMEM;
}

void transactions_free(struct transactions *transactions)
{
	pool_free(&transactions->pool);
	free(transactions->heads);
}

bool transaction_key(const struct transactions *transactions, const struct sip_message *message,
	const struct address *client, uint16_t proxy, uint64_t *key)
{
	struct sip_cursor cursor = {0};
	struct sip_via via;
	struct text value;
	struct hash hash;

	if (!sip_next_value(message, SIP_VIA, &cursor, &value) || sip_via_parse(value, &via) != 0 ||
		via.branch.length == 0)
		return false;
	hash_start(&hash, &transactions->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, (uint64_t)client->port << 16 | proxy);
	hash_add_text(&hash, via.branch);
	hash_add_text(&hash, message->call_id);
	hash_add_number(&hash, message->cseq_number);
	hash_add_text(&hash, message->method_name);
	*key = hash_end(&hash);
	return true;
}

uint32_t transaction_find(const struct transactions *transactions, uint64_t key)
{
	uint32_t index = transactions->heads[key & transactions->mask];

	while (index && transaction_at(transactions, index)->key != key)
		index = transaction_at(transactions, index)->hash_next;
	return index;
}

uint32_t transaction_open(struct transactions *transactions, uint64_t key)
{
	uint32_t *head = &transactions->heads[key & transactions->mask];
	uint32_t index = pool_take(&transactions->pool);
	struct transaction *transaction = transaction_at(transactions, index);

	if (!index)
		return 0;
	*transaction = (struct transaction){
		.key = key,
		.hash_next = *head,
		.queue_previous = transactions->last,
		.deadline = ticks_of(transactions->report->now_us + transactions->wait_us),
	};
	*head = index;
	if (transactions->last)
		transaction_at(transactions, transactions->last)->queue_next = index;
	else
		transactions->first = index;
	transactions->last = index;
	transactions->report->counters.transactions = transactions->pool.count;
	return index;
}

void transaction_close(struct transactions *transactions, uint32_t index)
{
	struct transaction *transaction = transaction_at(transactions, index);
	uint32_t *link = &transactions->heads[transaction->key & transactions->mask];

	while (*link != index)
		link = &transaction_at(transactions, *link)->hash_next;
	*link = transaction->hash_next;

	if (transaction->queue_previous)
		transaction_at(transactions, transaction->queue_previous)->queue_next =
			transaction->queue_next;
	else
		transactions->first = transaction->queue_next;
	if (transaction->queue_next)
		transaction_at(transactions, transaction->queue_next)->queue_previous =
			transaction->queue_previous;
	else
		transactions->last = transaction->queue_previous;
	pool_give(&transactions->pool, index);
	transactions->report->counters.transactions = transactions->pool.count;
}

bool transactions_next(const struct transactions *transactions, uint32_t *tick)
{
	if (!transactions->first)
		return false;
	*tick = transaction_at(transactions, transactions->first)->deadline;
	return true;
}

void transactions_expire(struct transactions *transactions)
{
	uint32_t now = report_tick(transactions->report), tick;

	while (transactions_next(transactions, &tick) && !tick_before(now, tick))
		transaction_close(transactions, transactions->first);
}
