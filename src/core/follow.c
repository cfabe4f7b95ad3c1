#include <natbox/follow.h>

bool follow_wants(const struct follow *follow, unsigned nat)
{
	return nat || follow->settings->keepalive.scope == KEEPALIVE_ALL;
}

uint32_t follow_open(struct follow *follow, const struct passage *passage)
{
	const struct proxies *proxies = follow->endpoints->proxies;
	struct transaction *transaction;
	uint64_t key;
	uint32_t index;

	if (!transaction_key(
		    follow->transactions, passage->message, &passage->client, passage->proxy, &key))
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
	transaction = transaction_at(follow->transactions, index);
	transaction->client = passage->client;
	transaction->proxy = passage->proxy;
	transaction->method = (uint8_t)passage->message->method;
	transaction->nat = (uint8_t)passage->nat;
	return index;
}

void follow_request_in(struct follow *follow, const struct passage *passage)
{
	if (passage->message->method == SIP_REGISTER)
		registration_request(follow, passage);
}

void follow_response_out(struct follow *follow, const struct passage *passage)
{
	uint64_t key;
	uint32_t index;

	if (passage->message->status < 200)
		return;
	if (!transaction_key(
		    follow->transactions, passage->message, &passage->client, passage->proxy, &key))
		return;
	index = transaction_find(follow->transactions, key);
	if (!index)
		return;
	registration_response(follow, passage, transaction_at(follow->transactions, index));
	transaction_close(follow->transactions, index);
}
