#include "proof.h"

#include "reason_key.h"
#include "transaction.h"

/* What a request is good for, and what its responses have been counted for; the number that the
 * ledger has with it. */
enum {
	BEARS = 1 << 0,       /* a user agent's: it carries what was sent to it */
	PROVISIONAL = 1 << 1, /* a provisional response has been counted, */
	FINAL = 1 << 2,       /* a final one */
};

/* Whether it makes a dialog or says a new way to one (RFC 3261 12, RFC 6665 4.4.1, RFC 3515,
 * RFC 3311): with that goes the tag that the other side's requests bear from then on. */
static bool makes_dialogs(enum sip_method method)
{
	return method == SIP_INVITE || method == SIP_SUBSCRIBE || method == SIP_NOTIFY ||
	       method == SIP_REFER || method == SIP_UPDATE;
}

/* In the ledger: what was sent to the client of this passage. */
static uint64_t given_key(const struct follow *follow, const struct passage *passage,
	const char *purpose, struct text what)
{
	struct hash hash;

	hash_start(&hash, &follow->key);
	hash_add(&hash, purpose, 1);
	hash_add(&hash, passage->client.ip, sizeof(passage->client.ip));
	hash_add_number(&hash, (uint64_t)passage->client.port << 16 | passage->proxy);
	hash_add_text(&hash, what);
	if (*purpose == 't')
		hash_add_text(&hash, passage->message->call_id);
	return hash_end(&hash);
}

static void give(
	struct follow *follow, const struct passage *passage, const char *purpose, struct text what)
{
	if (what.length)
		ledger_note(&follow->proofs, given_key(follow, passage, purpose, what),
			report_tick(follow->report), 0);
}

static bool was_given(const struct follow *follow, const struct passage *passage,
	const char *purpose, struct text what)
{
	return what.length &&
	       ledger_find(&follow->proofs, given_key(follow, passage, purpose, what), NULL, NULL);
}

static void give_nonces(struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	struct text nonce;

	for (unsigned i = 0; i < message->auth_count; i++) {
		if (sip_nonce(message->auths[i], &nonce))
			give(follow, passage, "n", nonce);
	}
}

static bool bears_nonce(const struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	struct text nonce;

	for (unsigned i = 0; i < message->auth_count; i++) {
		if (sip_nonce(message->auths[i], &nonce) && was_given(follow, passage, "n", nonce))
			return true;
	}
	return false;
}

static bool bears_tag(const struct follow *follow, const struct passage *passage)
{
	return passage->message->method != SIP_REGISTER &&
	       was_given(follow, passage, "t", follow_tag(passage->message->to));
}

/* In the ledger: a request. False when its responses cannot be told from others. */
static bool request_key(const struct follow *follow, const struct passage *passage, uint64_t *key)
{
	bool from_client = passage->in == passage->message->is_request;

	*key = passage->key;
	if (!passage->has_key && !transaction_key(follow->transactions, passage->message,
					 &passage->client, passage->proxy, from_client, key))
		return false;
	*key ^= (uint64_t)passage->message->method << 56;
	return true;
}

/* How long a response to a request may take that was noted then. */
static bool is_fresh(const struct follow *follow, enum sip_method method, uint32_t noted)
{
	uint64_t us = method == SIP_INVITE ? follow->settings->timers.invite_us
					   : follow->settings->timers.transaction_us;

	return report_tick(follow->report) - noted < ticks_of(us);
}

/* A retransmission counts no more than what it repeats. */
static void expect_response(struct follow *follow, const struct passage *passage, uint32_t number)
{
	uint64_t key;
	uint32_t noted;

	if (!request_key(follow, passage, &key) ||
		(ledger_find(&follow->proofs, key, &noted, NULL) &&
			is_fresh(follow, passage->message->method, noted)))
		return;
	ledger_note(&follow->proofs, key, report_tick(follow->report), number);
}

void proof_request(struct follow *follow, struct passage *passage)
{
	const struct sip_message *message = passage->message;

	if (!passage->in) {
		if (makes_dialogs(message->method))
			give(follow, passage, "t", follow_tag(message->from));
		if (message->method != SIP_ACK)
			expect_response(follow, passage, 0);
		return;
	}
	passage->bears = bears_nonce(follow, passage) || bears_tag(follow, passage);
	if (passage->bears && message->method != SIP_ACK)
		expect_response(follow, passage, BEARS);
}

/* Whether this response is the first of its kind to a request of this kind, and when that was. */
static bool counts_first(
	struct follow *follow, const struct passage *passage, uint32_t bears, uint32_t *asked)
{
	const struct sip_message *message = passage->message;
	const uint32_t kind = message->status < 200 ? PROVISIONAL : FINAL;
	uint32_t number;
	uint64_t key;

	if (!request_key(follow, passage, &key) ||
		!ledger_find(&follow->proofs, key, asked, &number) ||
		!is_fresh(follow, message->method, *asked) || (number & BEARS) != bears ||
		number & kind)
		return false;
	ledger_note(&follow->proofs, key, kind == FINAL ? *asked : report_tick(follow->report),
		number | kind);
	return true;
}

void proof_response(struct follow *follow, struct passage *passage)
{
	const struct sip_message *message = passage->message;
	const unsigned status = message->status;
	uint32_t asked = 0;

	if (passage->in) {
		passage->proves = passage->endpoint && counts_first(follow, passage, 0, &asked);
		passage->proven_at = ticks_of(follow->report->now_us);
		return;
	}
	if (status == 401 || status == 407)
		give_nonces(follow, passage);
	else if (status > 100 && status < 300 && makes_dialogs(message->method))
		give(follow, passage, "t", follow_tag(message->to));
	passage->proves =
		status >= 200 && status < 300 && counts_first(follow, passage, BEARS, &asked);
	passage->proven_at = asked + 1; /* within the tick */
}
