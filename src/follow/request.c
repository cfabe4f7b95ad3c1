#include "request.h"

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

/* What follows the brackets, where nothing in quotes can be mistaken for them. */
static bool find_params(struct text value, struct text *params)
{
	const char *close = value.at ? memrchr(value.at, '>', value.length) : NULL;

	if (!close)
		return false;
	*params = text_trim(text_between(close + 1, text_end(value)));
	return !memchr(value.at, '"', value.length);
}

struct text follow_tag(struct text from_or_to)
{
	struct sip_name_addr name_addr;
	struct text params, tag = {0};

	if (find_params(from_or_to, &params))
		sip_param(params, TEXT("tag"), &tag);
	else if (sip_name_addr_parse(from_or_to, &name_addr) == 0)
		sip_param(name_addr.params, TEXT("tag"), &tag);
	return tag;
}

struct text follow_value(struct text field, struct text *params)
{
	const char *end = text_end(field);
	const char *semicolon = field.length ? memchr(field.at, ';', field.length) : NULL;

	*params = text_between(semicolon ? semicolon : end, end);
	return text_trim(text_between(field.at, params->at));
}

bool follow_seconds(struct text value, uint32_t *seconds)
{
	struct text params;

	return text_number(follow_value(value, &params), seconds);
}

bool follow_wants(const struct follow *follow, unsigned nat, unsigned class)
{
	return nat || follow->endpoints->classes.rules[class].scope == KEEPALIVE_ALL;
}

void follow_find_tags(struct passage *passage)
{
	if (passage->has_tags)
		return;
	passage->from_tag = follow_tag(passage->message->from);
	passage->to_tag = follow_tag(passage->message->to);
	passage->has_tags = true;
}

/* Of a request whose transaction is open. Its sender, which has not heard a final response that has
 * passed, will try again. */
static void note_copy(struct follow *follow, const struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);

	if (transaction_is_over(transaction)) {
		transaction_enter(follow->transactions, index, TRANSACTION_DONE);
		return;
	}
	if (transaction->copies < UINT8_MAX)
		transaction->copies++;
	transaction->bears |= passage->bears;
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
		note_copy(follow, passage, index);
		return index;
	}
	if (transaction_is_answered(follow->transactions, key, method))
		return 0;
	index = transaction_open(follow->transactions, key, method, &passage->client);
	if (!index)
		return 0;
	*is_new = true;
	transaction = transaction_at(follow->transactions, index);
	transaction->proxy = passage->proxy;
	transaction->endpoint = passage->endpoint;
	transaction->nat = (uint8_t)passage->nat;
	transaction->from_client = passage->in;
	transaction->bears = passage->bears;
	transaction->class = passage->class;
	return index;
}

void follow_close(struct follow *follow, uint32_t index, unsigned status)
{
	if (status < 300)
		transaction_answer(follow->transactions, index);
	else
		transaction_fail(follow->transactions, index);
}

struct reason_claim follow_claim(const struct transaction *transaction, unsigned nat)
{
	return (struct reason_claim){.client = transaction->client,
		.proxy = transaction->proxy,
		.nat = nat,
		.class = transaction->class,
		.proven = transaction_proves(transaction)};
}

void follow_end(struct follow *follow, uint64_t key, const char *why)
{
	uint32_t reason = reason_find(follow->endpoints, key);

	if (reason)
		reason_end(follow->endpoints, reason, why);
	transactions_note_end(follow->transactions, key, END_FOR_GOOD);
}

uint32_t follow_find_at(
	const struct follow *follow, const struct transaction *transaction, uint64_t key)
{
	return reason_find_at(follow->endpoints, key, &transaction->client, transaction->proxy);
}

uint32_t follow_find_here(const struct follow *follow, const struct transaction *transaction)
{
	return follow_find_at(follow, transaction, transaction->reason);
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
