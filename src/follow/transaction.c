#include "transaction.h"

#include <errno.h>

/* Transactions that are looked at for one to give up. Who holds nine tenths of a phase escapes that
 * once in a hundred million times. */
enum { SAMPLE = 8 };

int transactions_init(struct transactions *transactions, const struct settings *settings,
	struct report *report, const struct hash_key *key)
{
	const uint32_t heads = table_size(1024, settings->limits.transactions);

	*transactions = (struct transactions){
		.key = *key,
		.report = report,
		.settings = settings,
		.mask = heads - 1,
		.heads = table_new_backed(heads, sizeof(uint32_t)),
		.held = table_new_backed(TRANSACTION_COUNTERS, sizeof(uint32_t)),
	};
	if (transactions->heads && transactions->held &&
		ledger_init(&transactions->over, settings->limits.transactions / 2) == 0 &&
		pool_init(&transactions->pool, sizeof(struct transaction),
			settings->limits.transactions) == 0)
		return 0;
	return -ENOMEM;
}

void transactions_free(struct transactions *transactions)
{
	pool_free(&transactions->pool);
	table_free(transactions->heads, (size_t)transactions->mask + 1, sizeof(uint32_t));
	table_free(transactions->held, TRANSACTION_COUNTERS, sizeof(uint32_t));
	ledger_free(&transactions->over);
}

bool transaction_is_named(const struct sip_message *message)
{
	const struct text cookie = TEXT("z9hG4bK");

	return message->top_via.branch.length > cookie.length &&
	       text_starts_with(message->top_via.branch, cookie);
}

uint64_t transaction_key(const struct transactions *transactions, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	const struct address *client = &passage->client;
	const bool from_client = passage->in == message->is_request;
	struct hash hash;
	uint64_t key;

	hash_start(&hash, &transactions->key);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(
		&hash, (uint64_t)from_client << 32 | (uint64_t)client->port << 16 | passage->proxy);
	hash_add_text(&hash, message->top_via.branch);
	hash_add_text(&hash, message->call_id);
	hash_add_number(&hash, message->cseq_number);
	if (!transaction_is_named(message)) {
		hash_add_text(&hash, message->top_via.sent_by);
		hash_add_text(&hash, passage->from_tag);
		hash_add_text(&hash, passage->to_tag);
	}
	key = hash_end(&hash);
	prefetch(&transactions->heads[key & transactions->mask]);
	ledger_prefetch(&transactions->over, key);
	return key;
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

static uint32_t *held_by(
	const struct transactions *transactions, const struct transaction *transaction)
{
	return &transactions->held[transaction->phase * TRANSACTION_SOURCES + transaction->source];
}

static void enqueue(struct transactions *transactions, uint32_t index, enum transaction_phase phase)
{
	struct transaction_queue *queue = &transactions->queues[phase];
	struct transaction *transaction = transaction_at(transactions, index);

	transaction->phase = (uint8_t)phase;
	queue->count++;
	++*held_by(transactions, transaction);
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

	queue->count--;
	--*held_by(transactions, transaction);
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

/* Which counters are one's own nobody can know without the key: two odd factors. */
static uint16_t source_of(const struct transactions *transactions, const struct address *client)
{
	const uint64_t *factors = transactions->key.k;
	uint64_t words[2];

	memcpy(words, client->ip, sizeof(words));
	if (!address_is_ipv4(client))
		words[1] = 0;
	words[0] = words[0] * (factors[0] | 1) + words[1] * (factors[1] | 1);
	return (uint16_t)((words[0] ^ words[0] >> 32) * (factors[0] | 1) >> 50);
}

uint32_t transaction_open(struct transactions *transactions, uint64_t key, enum sip_method method,
	const struct address *client)
{
	uint32_t *head = &transactions->heads[key & transactions->mask];
	uint32_t index = pool_take(&transactions->pool);

	if (!index && make_room(transactions))
		index = pool_take(&transactions->pool);
	if (!index)
		return 0;
	*transaction_at(transactions, index) = (struct transaction){
		.key = key,
		.client = *client,
		.method = (uint8_t)method,
		.source = source_of(transactions, client),
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
	transaction_at(transactions, index)->method = SIP_OTHER;
	pool_give(&transactions->pool, index);
	transactions->report->counters.transactions = transactions->pool.count;
}

void transactions_note_answered(
	struct transactions *transactions, uint64_t key, enum sip_method method)
{
	ledger_note(&transactions->over, answered_key(key, method),
		report_tick(transactions->report), 0);
}

void transaction_answer(struct transactions *transactions, uint32_t index)
{
	const struct transaction *transaction = transaction_at(transactions, index);

	transactions_note_answered(transactions, transaction->key, transaction->method);
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

void transactions_note_end(struct transactions *transactions, uint64_t reason, enum reason_end end)
{
	ledger_note(&transactions->over, reason, report_tick(transactions->report), end);
}

bool transaction_saw_end(const struct transactions *transactions,
	const struct transaction *transaction, uint64_t reason, enum reason_end least)
{
	const uint32_t now = report_tick(transactions->report);
	uint32_t ended, end;

	return ledger_find(&transactions->over, reason, &ended, &end) && end >= least &&
	       !tick_older(now, ended, transaction->opened);
}

bool transactions_noted_end(const struct transactions *transactions, uint64_t reason,
	uint64_t within_us, enum reason_end least)
{
	uint32_t ended, end;

	return ledger_find(&transactions->over, reason, &ended, &end) && end >= least &&
	       report_tick(transactions->report) - ended < ticks_of(within_us);
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
	transaction_at(transactions, index)->has_failed = false;
}

void transaction_fail(struct transactions *transactions, uint32_t index)
{
	struct transaction *transaction = transaction_at(transactions, index);

	if (!transaction->copies) {
		transaction_close(transactions, index);
		return;
	}
	transaction->copies--;
	transaction_enter(transactions, index, TRANSACTION_DONE);
	transaction->has_failed = true;
}

bool follow_next(const struct follow *follow, uint32_t *tick)
{
	const struct transactions *transactions = follow->transactions;
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

/* Any one that is open, the numbered one of an endless row; or one that was closed. */
static uint32_t pick(const struct transactions *transactions, uint64_t number)
{
	uint64_t mixed = (number + transactions->key.k[1]) * UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 29) * (transactions->key.k[0] | 1);
	return (uint32_t)(1 + (mixed >> 32) % transactions->pool.used);
}

uint32_t transaction_to_give_up(const struct transactions *transactions)
{
	const struct transaction_queue *queues = transactions->queues;
	const enum transaction_phase phase =
		queues[TRANSACTION_PROCEEDING].count > queues[TRANSACTION_WAITING].count
			? TRANSACTION_PROCEEDING
			: TRANSACTION_WAITING;
	uint32_t chosen = queues[phase].first;
	uint32_t most = *held_by(transactions, transaction_at(transactions, chosen));

	for (uint64_t i = 0; i < SAMPLE && chosen; i++) {
		uint32_t index =
			pick(transactions, transactions->report->counters.refused * SAMPLE + i);
		const struct transaction *transaction = transaction_at(transactions, index);

		if (transaction->method == SIP_OTHER || transaction->phase != phase ||
			*held_by(transactions, transaction) <= most)
			continue;
		most = *held_by(transactions, transaction);
		chosen = index;
	}
	return chosen;
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
