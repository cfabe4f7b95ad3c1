#include "transaction.h"

#include <natbox/base.h>

#include <errno.h>

int transactions_init(struct transactions *transactions, const struct settings *settings,
	struct report *report, const struct hash_key *key)
{
	uint32_t heads = 1024;

	while (heads < settings->limits.transactions && heads < 1u << 31)
		heads *= 2;
	*transactions = (struct transactions){
		.key = *key,
		.report = report,
		.settings = settings,
		.mask = heads - 1,
		.heads = table_new_backed(heads, sizeof(uint32_t)),
	};
	if (transactions->heads &&
		ledger_init(&transactions->over, settings->limits.transactions / 2) == 0 &&
		pool_init(&transactions->pool, sizeof(struct transaction),
			settings->limits.transactions) == 0)
		return 0;
	transactions_free(transactions);
	return -ENOMEM;
}

void transactions_free(struct transactions *transactions)
{
	pool_free(&transactions->pool);
	table_free(transactions->heads, (size_t)transactions->mask + 1, sizeof(uint32_t));
	ledger_free(&transactions->over);
}

bool transaction_key(const struct transactions *transactions, const struct sip_message *message,
	const struct address *client, uint16_t proxy, bool from_client, uint64_t *key)
{
	struct hash hash;

	if (message->top_via.branch.length == 0)
		return false;
	hash_start(&hash, &transactions->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, (uint64_t)from_client << 32 | (uint64_t)client->port << 16 | proxy);
	hash_add_text(&hash, message->top_via.branch);
	hash_add_text(&hash, message->call_id);
	hash_add_number(&hash, message->cseq_number);
	*key = hash_end(&hash);
	__builtin_prefetch(&transactions->heads[*key & transactions->mask]);
	ledger_prefetch(&transactions->over, *key);
	return true;
}

/* Of a request that was answered, in the ledger. */
static uint64_t answered_key(uint64_t key, enum sip_method method)
{
	return key ^ (uint64_t)method << 56; /* in the same bucket */
}

uint32_t transaction_find(
	const struct transactions *transactions, uint64_t key, enum sip_method method)
{
	uint32_t index = transactions->heads[key & transactions->mask];

	while (index) {
		const struct transaction *transaction = transaction_at(transactions, index);

		if (transaction->key == key && transaction->method == method)
			break;
		index = transaction->hash_next;
	}
	return index;
}

static uint64_t phase_us(const struct transactions *transactions, enum transaction_phase phase)
{
	return phase == TRANSACTION_PROCEEDING ? transactions->settings->timers.invite_us
					       : transactions->settings->timers.transaction_us;
}

/* Reckoned with the time that a phase lasts now: the order of a queue holds when that changes. */
static uint32_t deadline(const struct transactions *transactions, uint32_t index)
{
	const struct transaction *transaction = transaction_at(transactions, index);
	enum transaction_phase phase = (enum transaction_phase)transaction->phase;

	return transaction->entered + ticks_of(phase_us(transactions, phase));
}

static void enqueue(struct transactions *transactions, uint32_t index, enum transaction_phase phase)
{
	struct transaction_queue *queue = &transactions->queues[phase];
	struct transaction *transaction = transaction_at(transactions, index);

	transaction->phase = (uint8_t)phase;
	transaction->entered = ticks_of(transactions->report->now_us);
	transaction->queue_next = 0;
	transaction->queue_previous = queue->last;
	if (queue->last)
		transaction_at(transactions, queue->last)->queue_next = index;
	else
		queue->first = index;
	queue->last = index;
}

static void dequeue(struct transactions *transactions, uint32_t index)
{
	const struct transaction *transaction = transaction_at(transactions, index);
	struct transaction_queue *queue = &transactions->queues[transaction->phase];

	if (transaction->queue_previous)
		transaction_at(transactions, transaction->queue_previous)->queue_next =
			transaction->queue_next;
	else
		queue->first = transaction->queue_next;
	if (transaction->queue_next)
		transaction_at(transactions, transaction->queue_next)->queue_previous =
			transaction->queue_previous;
	else
		queue->last = transaction->queue_previous;
}

/* Closes the oldest one that is over. False when all are still pending. */
static bool make_room(struct transactions *transactions)
{
	uint32_t oldest = transactions->queues[TRANSACTION_DONE].first;

	if (oldest)
		transaction_close(transactions, oldest);
	return oldest != 0;
}

uint32_t transaction_open(struct transactions *transactions, uint64_t key, enum sip_method method)
{
	uint32_t *head = &transactions->heads[key & transactions->mask];
	uint32_t index = pool_take(&transactions->pool);

	if (!index && make_room(transactions))
		index = pool_take(&transactions->pool);
	if (!index)
		return 0;
	*transaction_at(transactions, index) = (struct transaction){
		.key = key,
		.method = (uint8_t)method,
		.opened = report_tick(transactions->report),
		.hash_next = *head,
	};
	*head = index;
	enqueue(transactions, index, TRANSACTION_WAITING);
	transactions->report->counters.transactions = transactions->pool.count;
	return index;
}

void transaction_close(struct transactions *transactions, uint32_t index)
{
	const struct transaction *transaction = transaction_at(transactions, index);
	uint32_t *link = &transactions->heads[transaction->key & transactions->mask];

	while (*link != index)
		link = &transaction_at(transactions, *link)->hash_next;
	*link = transaction->hash_next;
	dequeue(transactions, index);
	pool_give(&transactions->pool, index);
	transactions->report->counters.transactions = transactions->pool.count;
}

void transaction_answer(struct transactions *transactions, uint32_t index)
{
	const struct transaction *transaction = transaction_at(transactions, index);

	ledger_note(&transactions->over, answered_key(transaction->key, transaction->method),
		report_tick(transactions->report), 0);
	transaction_close(transactions, index);
}

bool transaction_is_answered(
	const struct transactions *transactions, uint64_t key, enum sip_method method)
{
	uint32_t answered;

	return ledger_find(&transactions->over, answered_key(key, method), &answered, NULL) &&
	       report_tick(transactions->report) - answered <
		       ticks_of(transactions->settings->timers.transaction_us);
}

void transactions_note_end(struct transactions *transactions, uint64_t reason)
{
	ledger_note(&transactions->over, reason, report_tick(transactions->report), 0);
}

bool transaction_saw_end(const struct transactions *transactions,
	const struct transaction *transaction, uint64_t reason)
{
	uint32_t ended;

	return ledger_find(&transactions->over, reason, &ended, NULL) &&
	       !tick_before(ended, transaction->opened);
}

void transactions_note_forks(struct transactions *transactions, uint64_t forks, uint32_t seconds)
{
	ledger_note(&transactions->over, forks, report_tick(transactions->report), seconds);
}

bool transactions_find_forks(
	const struct transactions *transactions, uint64_t forks, uint64_t reason, uint32_t *seconds)
{
	const uint32_t now = report_tick(transactions->report);
	const uint32_t span = ticks_of(transactions->settings->timers.transaction_us);
	uint32_t tick;

	if (!ledger_find(&transactions->over, forks, &tick, seconds) || now - tick >= span)
		return false;
	return !ledger_find(&transactions->over, reason, &tick, NULL) || now - tick >= span;
}

bool transactions_are_full(const struct transactions *transactions)
{
	return transactions->pool.count >= transactions->pool.limit &&
	       !transactions->queues[TRANSACTION_DONE].first;
}

void transaction_enter(
	struct transactions *transactions, uint32_t index, enum transaction_phase phase)
{
	dequeue(transactions, index);
	enqueue(transactions, index, phase);
}

bool transactions_next(const struct transactions *transactions, uint32_t *tick)
{
	bool any = false;

	for (unsigned phase = 0; phase < TRANSACTION_PHASES; phase++) {
		uint32_t first = transactions->queues[phase].first;

		if (!first)
			continue;
		if (!any || tick_before(deadline(transactions, first), *tick))
			*tick = deadline(transactions, first);
		any = true;
	}
	return any;
}

uint32_t transaction_longest_waiting(const struct transactions *transactions)
{
	uint32_t index = transactions->queues[TRANSACTION_WAITING].first;

	return index ? index : transactions->queues[TRANSACTION_PROCEEDING].first;
}

uint32_t transaction_overdue(const struct transactions *transactions)
{
	uint32_t now = report_tick(transactions->report);

	for (unsigned phase = 0; phase < TRANSACTION_PHASES; phase++) {
		uint32_t first = transactions->queues[phase].first;

		if (first && !tick_before(now, deadline(transactions, first)))
			return first;
	}
	return 0;
}
