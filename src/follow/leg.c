#include "leg.h"

#include "request.h"

/* What parts the keys of a leg and its twin; both are hashes. */
static const uint64_t TWIN = 0x7477696e;

static uint64_t twin_key(uint64_t leg)
{
	return leg + TWIN;
}

uint64_t leg_key(const struct follow *follow, const struct passage *passage, bool from_client)
{
	struct text own = from_client ? passage->from_tag : passage->to_tag;
	struct text other = from_client ? passage->to_tag : passage->from_tag;

	return follow_key(
		follow, "d", (struct text[KEY_TEXTS_MAX]){passage->message->call_id, own, other});
}

uint64_t leg_caller_key(
	const struct follow *follow, const struct passage *passage, bool from_client)
{
	return follow_key(follow, "c",
		(struct text[KEY_TEXTS_MAX]){passage->message->call_id,
			from_client ? passage->from_tag : passage->to_tag});
}

uint64_t leg_branch_key(const struct follow *follow, const struct transaction *transaction)
{
	return follow_key(follow, "b",
		(struct text[KEY_TEXTS_MAX]){
			follow_bytes(&transaction->key, sizeof(transaction->key))});
}

uint32_t leg_find_here(const struct follow *follow, const struct transaction *transaction)
{
	uint32_t leg = follow_find_here(follow, transaction);

	return leg ? leg : follow_find_at(follow, transaction, twin_key(transaction->reason));
}

uint32_t leg_find_orphan(const struct follow *follow, const struct passage *passage)
{
	return reason_find(follow->endpoints, reason_orphan_key(follow->endpoints, &passage->client,
						      passage->proxy, passage->message->call_id));
}

void leg_adopt_orphan(struct follow *follow, const struct passage *passage, uint64_t key)
{
	uint32_t orphan;

	if (reason_find(follow->endpoints, key))
		return;
	orphan = leg_find_orphan(follow, passage);
	if (orphan)
		reason_rekey(follow->endpoints, orphan, key);
}

/* Not where the dialog has ended by then, and its BYE comes again: what rings still is another
 * fork. */
void leg_adopt_early(struct follow *follow, const struct passage *passage, uint64_t key)
{
	const uint32_t early = reason_find_at(follow->endpoints,
		leg_caller_key(follow, passage, passage->in), &passage->client, passage->proxy);

	if (reason_at(follow->endpoints, early)->early && !reason_find(follow->endpoints, key) &&
		!leg_has_ended(follow, key))
		reason_rekey(follow->endpoints, early, key);
}

bool leg_rings_here(
	const struct follow *follow, const struct transaction *transaction, struct text call_id)
{
	const struct endpoints *endpoints = follow->endpoints;
	uint32_t leg = endpoint_at(
		endpoints, endpoint_find(endpoints, &transaction->client, transaction->proxy))
			       ->reasons;

	if (call_id.length > LABEL_MAX)
		call_id.length = LABEL_MAX; /* as it was kept */
	while (leg &&
		!(reason_at(endpoints, leg)->early &&
			text_equal(label_text(&endpoints->labels, reason_at(endpoints, leg)->label),
				call_id)))
		leg = reason_at(endpoints, leg)->next;
	return leg != 0;
}

bool leg_moves(const struct transaction *transaction)
{
	return transaction_proves(transaction) || transaction->dialog.echoes;
}

void leg_end_by_key(struct follow *follow, uint64_t key, const char *why)
{
	uint32_t reason = reason_find(follow->endpoints, key);

	if (reason)
		reason_end(follow->endpoints, reason, why);
}

/* The user agent of this leg is proven to be at one of the places where it is kept: at its own, so
 * the twin ends; or at the twin's, so the leg does, and the twin is the leg from now on. */
static void settle(struct follow *follow, uint64_t leg, bool at_twin)
{
	uint32_t twin = reason_find(follow->endpoints, twin_key(leg));

	if (!twin)
		return;
	leg_end_by_key(follow, at_twin ? leg : twin_key(leg), "moved");
	if (at_twin)
		reason_rekey(follow->endpoints, twin, leg);
}

/* In the ledger: when the request was opened that was granted last, and where its user agent
 * was. */
static uint64_t grant_key(const struct follow *follow, uint64_t leg)
{
	return follow_key(
		follow, "l", (struct text[KEY_TEXTS_MAX]){follow_bytes(&leg, sizeof(leg))});
}

static uint32_t place_hash(const struct follow *follow, const struct transaction *transaction)
{
	return hash_address(&follow->key, &transaction->client, transaction->client.port);
}

bool leg_was_granted_here(const struct follow *follow, const struct transaction *transaction)
{
	uint32_t last;

	return !ledger_find(&follow->proofs, grant_key(follow, transaction->reason), NULL, &last) ||
	       last == place_hash(follow, transaction);
}

bool leg_note_grant(struct follow *follow, const struct transaction *transaction)
{
	const uint64_t key = grant_key(follow, transaction->reason);
	const uint32_t place = place_hash(follow, transaction), now = report_tick(follow->report);
	uint32_t opened, last;

	if (ledger_find(&follow->proofs, key, &opened, &last) && last != place &&
		tick_older(now, transaction->opened, opened))
		return false;
	ledger_note(&follow->proofs, key, transaction->opened, place);
	return true;
}

void leg_settle(struct follow *follow, const struct transaction *transaction)
{
	uint64_t leg = transaction->reason;
	bool at_twin = follow_find_at(follow, transaction, twin_key(leg)) != 0;

	if (at_twin || follow_find_here(follow, transaction))
		settle(follow, leg, at_twin);
}

void leg_hold(struct follow *follow, const struct transaction *transaction,
	const struct sip_message *message, unsigned nat, uint32_t seconds, bool early)
{
	struct reason_claim claim = follow_claim(transaction, nat);
	bool proven = leg_moves(transaction), is_elsewhere;
	uint32_t known;

	if (proven)
		leg_settle(follow, transaction);
	is_elsewhere = reason_find(follow->endpoints, transaction->reason) &&
		       !follow_find_here(follow, transaction);
	claim.kind = REASON_DIALOG;
	claim.early = early;
	claim.key = is_elsewhere && !proven ? twin_key(transaction->reason) : transaction->reason;
	known = reason_find(follow->endpoints, transaction->reason);
	claim.cseq = reason_at(follow->endpoints, known)->cseq; /* a BYE that is under way */
	claim.id = message->call_id;
	claim.seconds = seconds ? seconds : 1;
	reason_hold(follow->endpoints, &claim);
}

static void end_as(struct follow *follow, const struct transaction *transaction, const char *why,
	enum reason_end end)
{
	bool at_twin = follow_find_at(follow, transaction, twin_key(transaction->reason)) != 0;
	bool is_own = !follow_is_strange(follow, transaction);

	if (at_twin || is_own)
		leg_end_by_key(follow, twin_key(transaction->reason), why);
	if (!reason_find(follow->endpoints, transaction->reason) ||
		!(is_own || (at_twin && leg_moves(transaction))))
		return;
	leg_end_by_key(follow, transaction->reason, why);
	transactions_note_end(follow->transactions, transaction->reason, end);
}

/* One that has failed already has now ended for good. */
void leg_end(struct follow *follow, const struct transaction *transaction)
{
	const bool has_failed = transactions_noted_end(follow->transactions, transaction->reason,
		follow->settings->timers.transaction_us, END_UNHEARD);

	if (has_failed && !reason_find(follow->endpoints, transaction->reason))
		transactions_note_end(follow->transactions, transaction->reason, END_FOR_GOOD);
	end_as(follow, transaction, "ended", END_FOR_GOOD);
}

void leg_fail(struct follow *follow, const struct transaction *transaction)
{
	end_as(follow, transaction, "failed", END_UNHEARD);
}

bool leg_has_ended(const struct follow *follow, uint64_t leg)
{
	return transactions_noted_end(follow->transactions, leg,
		2 * follow->settings->timers.transaction_us, END_FOR_GOOD);
}

static void note_bye(struct follow *follow, uint64_t key, bool under_way)
{
	const uint32_t reason = reason_find(follow->endpoints, key);

	if (reason)
		reason_note_bye(follow->endpoints, reason, under_way);
}

void leg_note_bye(struct follow *follow, const struct transaction *transaction, bool under_way)
{
	if (follow_is_strange(follow, transaction))
		return;
	note_bye(follow, transaction->reason, under_way);
	note_bye(follow, twin_key(transaction->reason), under_way);
}

/* Legs that were asked for from there may move there. Where the old place answers, too, it may be
 * somebody else who has asked from the new one. */
void follow_answered(struct follow *follow, uint32_t endpoint)
{
	struct endpoints *endpoints = follow->endpoints;
	uint32_t next, leg;

	for (uint32_t twin = endpoint_at(endpoints, endpoint)->reasons; twin; twin = next) {
		const struct reason *reason = reason_at(endpoints, twin);

		next = reason->next;
		if (reason->kind != REASON_DIALOG)
			continue;
		leg = reason_find(endpoints, reason_key(reason) - TWIN);
		if (reason_endpoint(endpoints, leg)->awaiting ||
			reason_endpoint(endpoints, leg)->missed)
			settle(follow, reason_key(reason) - TWIN, true);
	}
}
