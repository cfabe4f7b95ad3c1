#include "proof.h"

#include "request.h"

/* What a request is good for, and what its responses have been counted for; the number that the
 * ledger has with it. */
enum {
	BEARS = 1 << 0,       /* a user agent's: it carries what was sent to it */
	PROVISIONAL = 1 << 1, /* a provisional response has been counted, */
	FINAL = 1 << 2,       /* a final one */
	NO_TAG = 1 << 3,      /* a user agent's: it has no To tag, so that of its response is new */
};

/* Whether it makes a dialog (RFC 3261 12, RFC 6665 4.4.1, RFC 3515) or may be the first within one
 * that takes another way: with that goes the tag that requests the other way bear from then on. */
static bool tells_tags(enum sip_method method)
{
	return method == SIP_INVITE || method == SIP_SUBSCRIBE || method == SIP_NOTIFY ||
	       method == SIP_REFER || method == SIP_UPDATE || method == SIP_INFO;
}

/* In the ledger: what was sent to a client, by whatever proxy. A tag means something together with
 * its Call-ID. */
static uint64_t nonce_key(
	const struct follow *follow, const struct address *client, struct text nonce)
{
	struct hash hash;

	hash_start(&hash, &follow->key);
	hash_add(&hash, "n", 1);
	hash_add(&hash, client->ip, sizeof(client->ip));
	hash_add_number(&hash, client->port);
	hash_add_text(&hash, nonce);
	return hash_end(&hash);
}

static uint64_t tag_key(const struct follow *follow, const struct passage *passage, struct text tag)
{
	return follow_key(follow, "t",
		(struct text[KEY_TEXTS_MAX]){
			follow_bytes(&passage->client, sizeof(passage->client)), tag,
			passage->message->call_id});
}

/* What was given; the number that the ledger has with it. */
enum {
	ECHOED, /* it came from there in the first place */
	GIVEN,
};

static void give_tag(
	struct follow *follow, const struct passage *passage, struct text tag, uint32_t how)
{
	uint64_t key;
	uint32_t before;

	if (!tag.length)
		return;
	key = tag_key(follow, passage, tag);
	if (ledger_find(&follow->proofs, key, NULL, &before) && before > how)
		how = before;
	ledger_note(&follow->proofs, key, report_tick(follow->report), how);
}

static bool was_tag_given(
	const struct follow *follow, const struct passage *passage, struct text tag, uint32_t *how)
{
	return tag.length && ledger_find(&follow->proofs, tag_key(follow, passage, tag), NULL, how);
}

static void give_nonces(struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	struct text nonce;

	for (unsigned i = 0; i < message->auth_count; i++) {
		if (sip_nonce(message->auths[i], &nonce))
			ledger_note(&follow->proofs, nonce_key(follow, &passage->client, nonce),
				report_tick(follow->report), GIVEN);
	}
}

bool proof_bears_nonce(const struct follow *follow, const struct sip_message *message,
	const struct address *client)
{
	struct text nonce;

	for (unsigned i = 0; i < message->auth_count; i++) {
		if (sip_nonce(message->auths[i], &nonce) &&
			ledger_find(&follow->proofs, nonce_key(follow, client, nonce), NULL, NULL))
			return true;
	}
	return false;
}

/* In the ledger: a request. Where no branch names it, tags do not either: a request of no dialog
 * has one only in its responses. */
static uint64_t request_key(const struct follow *follow, const struct passage *passage)
{
	uint64_t key = passage->key;

	if (!passage->has_key || !transaction_is_named(passage->message)) {
		struct passage untagged = *passage;

		untagged.from_tag = untagged.to_tag = (struct text){0};
		key = transaction_key(follow->transactions, &untagged);
	}
	return key ^ (uint64_t)passage->message->method << 56;
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
	const uint64_t key = request_key(follow, passage);
	uint32_t noted;

	if (ledger_find(&follow->proofs, key, &noted, NULL) &&
		is_fresh(follow, passage->message->method, noted))
		return;
	ledger_note(&follow->proofs, key, report_tick(follow->report), number);
}

static void request_to_client(struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;

	if (tells_tags(message->method))
		give_tag(follow, passage, follow_tag(message->from), GIVEN);
	if (message->method != SIP_ACK)
		expect_response(follow, passage, 0);
}

void proof_request(struct follow *follow, struct passage *passage)
{
	const struct sip_message *message = passage->message;
	uint32_t number = 0, how;
	struct text tag;

	if (!passage->in) {
		request_to_client(follow, passage);
		return;
	}
	passage->bears = proof_bears_nonce(follow, message, &passage->client);
	if (message->method != SIP_REGISTER) {
		tag = follow_tag(message->to);
		if (was_tag_given(follow, passage, tag, &how))
			*(how == GIVEN ? &passage->bears : &passage->echoes) = true;
		if (!tag.length && tells_tags(message->method))
			number |= NO_TAG;
	}
	if (passage->bears)
		number |= BEARS;
	if (number && message->method != SIP_ACK)
		expect_response(follow, passage, number);
}

/* Whether this response is the first of its kind to a request of this kind, and when that was. */
static bool counts_first(
	struct follow *follow, const struct passage *passage, uint32_t bears, uint32_t *asked)
{
	const struct sip_message *message = passage->message;
	const uint32_t kind = message->status < 200 ? PROVISIONAL : FINAL;
	const uint64_t key = request_key(follow, passage);
	uint32_t number;

	if (!ledger_find(&follow->proofs, key, asked, &number) ||
		!is_fresh(follow, message->method, *asked) || (number & BEARS) != bears ||
		number & kind)
		return false;
	ledger_note(&follow->proofs, key, kind == FINAL ? *asked : report_tick(follow->report),
		number | kind);
	return true;
}

/* The tag in a response is the other side's own, or the one that the request came with. */
static void give_response_tag(struct follow *follow, const struct passage *passage)
{
	const bool is_new = ledger_find(&follow->proofs, request_key(follow, passage), NULL, NULL);

	give_tag(follow, passage, follow_tag(passage->message->to), is_new ? GIVEN : ECHOED);
}

static void response_to_client(struct follow *follow, struct passage *passage)
{
	const unsigned status = passage->message->status;
	uint32_t asked = 0;

	if (follow_is_challenge(status))
		give_nonces(follow, passage);
	if (status <= 100 || status >= 300)
		return;
	if (tells_tags(passage->message->method))
		give_response_tag(follow, passage);
	passage->proves = status >= 200 && counts_first(follow, passage, BEARS, &asked);
	passage->proven_at = asked + 1; /* within the tick */
}

void proof_response(struct follow *follow, struct passage *passage)
{
	uint32_t asked;

	if (!passage->in) {
		response_to_client(follow, passage);
		return;
	}
	passage->proves = passage->endpoint && counts_first(follow, passage, 0, &asked);
	passage->proven_at = ticks_of(follow->report->now_us);
}
