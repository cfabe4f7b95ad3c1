#include <natbox/follow.h>

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
	struct text number = {value.at, 0};

	while (number.length < value.length && value.at[number.length] >= '0' &&
		value.at[number.length] <= '9')
		number.length++;
	return text_number(number, seconds);
}

uint32_t follow_open(struct follow *follow, const struct passage *passage, bool *is_new)
{
	const struct proxies *proxies = follow->endpoints->proxies;
	struct transaction *transaction;
	uint64_t key;
	uint32_t index;

	*is_new = false;
	if (!transaction_key(follow->transactions, passage->message, &passage->client,
		    passage->proxy, passage->in, &key))
		return 0;
	index = transaction_find(follow->transactions, key);
	if (index)
		return index;
	index = transaction_open(follow->transactions, key);
	if (!index) {
		report_refused(follow->report, &passage->client, &proxies->list[passage->proxy],
			"transactions");
		return 0;
	}
	*is_new = true;
	transaction = transaction_at(follow->transactions, index);
	transaction->client = passage->client;
	transaction->proxy = passage->proxy;
	transaction->method = (uint8_t)passage->message->method;
	transaction->nat = (uint8_t)passage->nat;
	transaction->from_client = passage->in;
	return index;
}

struct reason_claim follow_claim(const struct transaction *transaction, unsigned nat)
{
	return (struct reason_claim){
		.client = transaction->client, .proxy = transaction->proxy, .nat = nat};
}

static void follow_request(struct follow *follow, const struct passage *passage)
{
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
	default:
		break;
	}
}

static void follow_response(struct follow *follow, const struct passage *passage)
{
	uint64_t key;
	uint32_t index;

	if (!transaction_key(follow->transactions, passage->message, &passage->client,
		    passage->proxy, !passage->in, &key))
		return;
	index = transaction_find(follow->transactions, key);
	if (!index)
		return;
	switch (transaction_at(follow->transactions, index)->method) {
	case SIP_REGISTER:
		registration_response(follow, passage, index);
		break;
	case SIP_SUBSCRIBE:
		subscription_response(follow, passage, index);
		break;
	default:
		dialog_response(follow, passage, index);
		break;
	}
}

void follow_message(struct follow *follow, const struct passage *passage)
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
