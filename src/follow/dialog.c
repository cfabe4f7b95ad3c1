#include "dialog.h"

#include "leg.h"
#include "request.h"

static uint32_t seconds_of(uint64_t us)
{
	return (uint32_t)(us / 1000000 ? us / 1000000 : 1);
}

/* What waits for a transaction lasts no longer than that. */
static uint32_t brief_seconds(const struct follow *follow)
{
	return seconds_of(follow->settings->timers.transaction_us);
}

/* A BYE may overtake the 2xx that makes the leg known which it ends, or makes it known again: that
 * is noted like a request that was answered; of strangers, who may send any number and have been
 * sent no tag of the other side's, it is not. */
static void note_bye(struct follow *follow, const struct passage *passage, uint64_t leg)
{
	const uint64_t lately_us = follow->settings->timers.transaction_us;

	if (!passage->in || passage->endpoint || passage->bears ||
		transactions_noted_end(follow->transactions, leg, lately_us, END_ANY))
		transactions_note_answered(follow->transactions, leg, SIP_BYE);
}

static bool saw_bye(const struct follow *follow, uint64_t leg)
{
	return transaction_is_answered(follow->transactions, leg, SIP_BYE);
}

/* How long a leg lasts that this 2xx confirmed or refreshed (RFC 4028 9): one whose BYE was seen
 * before it was known, no longer than that may take. */
static uint32_t leg_seconds(
	const struct follow *follow, const struct sip_message *response, uint64_t leg)
{
	uint32_t seconds;

	if (saw_bye(follow, leg))
		return brief_seconds(follow);
	if (follow_seconds(response->session_expires, &seconds) && seconds > 0)
		return seconds;
	return seconds_of(follow->settings->timers.dialog_us);
}

/* A known endpoint that is called must be reached from the first moment on. */
static void ring(
	struct follow *follow, const struct passage *passage, const struct transaction *transaction)
{
	uint32_t endpoint = endpoint_find(follow->endpoints, &passage->client, passage->proxy);

	if (endpoint)
		leg_hold(follow, transaction, passage->message,
			endpoint_at(follow->endpoints, endpoint)->nat, brief_seconds(follow), true);
}

/* Whether its dialog is early no more (RFC 3261 14.1), or ends: of UPDATE and INFO nobody knows. */
static bool is_of_whole_dialog(enum sip_method method)
{
	return method == SIP_INVITE || method == SIP_BYE;
}

/* Whether a callee is behind NAT its answer tells; a BYE ends what is known and nothing else. */
static bool is_worth_following(
	const struct follow *follow, const struct passage *passage, uint64_t leg)
{
	if (passage->message->method == SIP_BYE)
		return reason_find(follow->endpoints, leg) != 0;
	return !passage->in || follow_wants(follow, passage->nat, passage->class) ||
	       reason_find(follow->endpoints, leg);
}

void dialog_request(struct follow *follow, struct passage *passage)
{
	struct transaction *transaction;
	bool inside, is_new;
	uint32_t index;
	uint64_t leg;

	follow_find_tags(passage);
	/* A peer of RFC 2543 has no tag (RFC 3261 12.1.2). */
	inside = passage->to_tag.at || passage->message->method == SIP_BYE;
	if (!follow->settings->keepalive.dialogs ||
		(!inside && passage->message->method != SIP_INVITE))
		return;
	leg = leg_key(follow, passage, passage->in);
	if (inside && is_of_whole_dialog(passage->message->method)) {
		leg_adopt_orphan(follow, passage, leg);
		leg_adopt_early(follow, passage, leg);
	}
	if (!is_worth_following(follow, passage, leg)) {
		if (passage->message->method == SIP_BYE)
			note_bye(follow, passage, leg);
		return;
	}
	index = follow_open(follow, passage, &is_new);
	if (!is_new)
		return;
	transaction = transaction_at(follow->transactions, index);
	transaction->dialog.inside = inside;
	transaction->dialog.echoes = passage->echoes;
	if (inside) {
		transaction->reason = leg;
		if (transaction->method == SIP_BYE)
			leg_note_bye(follow, transaction, true);
		return;
	}
	transaction->reason = passage->in ? leg_caller_key(follow, passage, true)
					  : leg_branch_key(follow, transaction);
	leg_adopt_orphan(follow, passage, transaction->reason);
	if (!passage->in)
		ring(follow, passage, transaction);
}

/* A cancelled INVITE has as long for its final response as any other request (RFC 3261 9.1); that
 * response is what ends the leg. One that was taken at another port has had it already. */
void dialog_cancel(struct follow *follow, struct passage *passage)
{
	struct transaction *transaction;
	uint32_t index, reason;

	if (!passage->has_key)
		return;
	index = transaction_find(follow->transactions, passage->key, SIP_INVITE);
	transaction = transaction_at(follow->transactions, index);
	if (!index || transaction->dialog.is_cancelled || transaction_is_over(transaction))
		return;
	transaction->dialog.is_cancelled = true;
	transaction_enter(follow->transactions, index, TRANSACTION_WAITING);
	reason = leg_find_here(follow, transaction);
	if (reason_at(follow->endpoints, reason)->early)
		reason_prolong(follow->endpoints, reason, brief_seconds(follow));
}

/* What the tests say of the user agent: its request, or its response to the proxy's. */
static unsigned nat_of(const struct transaction *transaction, const struct passage *passage)
{
	return transaction->from_client ? transaction->nat : passage->nat;
}

/* Gives the transaction's leg the name it has with the tags of this response. */
static void name_leg(
	struct follow *follow, const struct passage *passage, struct transaction *transaction)
{
	uint64_t leg = leg_key(follow, passage, transaction->from_client);
	uint32_t reason = leg_find_here(follow, transaction);

	if (reason_at(follow->endpoints, reason)->early && !reason_find(follow->endpoints, leg))
		reason_rekey(follow->endpoints, reason, leg);
	transaction->reason = leg;
}

/* 1xx to an initial INVITE; after its CANCEL it is late. A 100 is of the next hop alone, which says
 * it before it has looked at who asks (RFC 3261 8.2.6.1, 17.2.1): it makes no leg. */
static void early_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);
	uint32_t seconds = seconds_of(follow->settings->timers.invite_us), reason;
	unsigned nat = nat_of(transaction, passage);
	uint64_t leg;

	if (transaction_is_over(transaction) || transaction->dialog.is_cancelled)
		return;
	transaction_enter(follow->transactions, index, TRANSACTION_PROCEEDING);
	if (!transaction->from_client && passage->to_tag.at)
		name_leg(follow, passage, transaction);
	leg = transaction->from_client ? leg_key(follow, passage, true) : transaction->reason;
	reason = leg_find_here(follow, transaction);
	if (reason)
		reason_prolong(follow->endpoints, reason, seconds);
	else if (passage->message->status > 100 && follow_wants(follow, nat, transaction->class) &&
		 !follow_is_strange(follow, transaction) &&
		 !transaction_saw_end(follow->transactions, transaction, leg, END_ANY))
		leg_hold(follow, transaction, passage->message, nat, seconds, true);
}

static void end_early(struct follow *follow, uint32_t reason, const char *why)
{
	if (reason_at(follow->endpoints, reason)->early)
		reason_end(follow->endpoints, reason, why);
}

static void establish(
	struct follow *follow, const struct passage *passage, struct transaction *transaction)
{
	const unsigned nat = nat_of(transaction, passage);

	name_leg(follow, passage, transaction);
	if (follow_wants(follow, nat, transaction->class) &&
		!follow_is_strange(follow, transaction))
		leg_hold(follow, transaction, passage->message, nat,
			leg_seconds(follow, passage->message, transaction->reason), false);
}

/* 2xx to an initial INVITE: the dialog is confirmed, unless a BYE has overtaken it. The caller may
 * see several, each with another tag, when forks answered at the same time: each is a dialog of its
 * own, until its BYE. What rang has no other leg then. */
static void confirm(struct follow *follow, const struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);
	const uint64_t leg = leg_key(follow, passage, transaction->from_client);
	const uint64_t rang =
		reason_key(reason_at(follow->endpoints, leg_find_here(follow, transaction)));
	const bool has_ended =
		transaction_saw_end(follow->transactions, transaction, leg, END_FOR_GOOD);

	if (transaction_is_over(transaction) && (has_ended || reason_find(follow->endpoints, leg)))
		return;
	transaction_enter(follow->transactions, index, TRANSACTION_DONE);
	if (!has_ended)
		establish(follow, passage, transaction);
	if (rang != leg)
		end_early(follow, follow_find_at(follow, transaction, rang), "ended");
}

/* Any other final response to an initial INVITE. After a challenge another attempt may follow. */
static void reject(struct follow *follow, const struct passage *passage, uint32_t index)
{
	const struct transaction *transaction = transaction_at(follow->transactions, index);
	const uint32_t reason = leg_find_here(follow, transaction);

	if (transaction_is_over(transaction))
		return;
	transaction_enter(follow->transactions, index, TRANSACTION_DONE);
	if (!transaction->from_client || !follow_is_challenge(passage->message->status))
		end_early(follow, reason, "failed");
	else if (reason_at(follow->endpoints, reason)->early)
		reason_prolong(follow->endpoints, reason, brief_seconds(follow));
}

void dialog_fail(struct follow *follow, const struct passage *passage)
{
	uint32_t index = transaction_find(follow->transactions, passage->key, SIP_INVITE);

	if (index)
		reject(follow, passage, index);
}

static void initial_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	unsigned status = passage->message->status;

	if (status < 200)
		early_response(follow, passage, index);
	else if (status < 300)
		confirm(follow, passage, index);
	else
		reject(follow, passage, index);
}

/* The early leg goes by its Call-ID; with this 2xx it has its name. */
static void confirm_orphan(struct follow *follow, struct passage *passage)
{
	struct transaction transaction = {
		.client = passage->client, .proxy = passage->proxy, .from_client = !passage->in};

	follow_find_tags(passage);
	transaction.reason = leg_key(follow, passage, !passage->in);
	leg_adopt_orphan(follow, passage, transaction.reason);
	leg_hold(follow, &transaction, passage->message, 0,
		leg_seconds(follow, passage->message, transaction.reason), false);
}

/* Who rang has another port of its NAT now, and takes the call from there: its 2xx answers nothing
 * that was seen going there, so the leg is kept at both. */
static void confirm_moved(struct follow *follow, struct passage *passage)
{
	struct transaction transaction = {.client = passage->client,
		.proxy = passage->proxy,
		.class = passage->class,
		.from_client = true};
	uint32_t leg, seconds;

	follow_find_tags(passage);
	transaction.reason = leg_key(follow, passage, false);
	leg = reason_find(follow->endpoints, transaction.reason);
	if (!reason_at(follow->endpoints, leg)->early || follow_is_strange(follow, &transaction) ||
		!follow_wants(follow, passage->nat, passage->class))
		return;
	seconds = leg_seconds(follow, passage->message, transaction.reason);
	reason_at(follow->endpoints, leg)->early = false;
	reason_refresh(follow->endpoints, leg, seconds);
	leg_hold(follow, &transaction, passage->message, passage->nat, seconds, false);
}

/* What the response to an INVITE means that was sent before a restart, or went elsewhere. */
void dialog_stray_response(struct follow *follow, struct passage *passage)
{
	const struct settings *settings = follow->settings;
	uint32_t orphan = leg_find_orphan(follow, passage);
	unsigned status = passage->message->status;

	if (!orphan && passage->in && status >= 200 && status < 300)
		confirm_moved(follow, passage);
	if (!orphan)
		return;
	if (status < 200)
		reason_prolong(follow->endpoints, orphan, seconds_of(settings->timers.invite_us));
	else if (status < 300)
		confirm_orphan(follow, passage);
	else if (!passage->in && follow_is_challenge(status))
		reason_prolong(follow->endpoints, orphan, brief_seconds(follow));
	else
		reason_end(follow->endpoints, orphan, "failed");
}

static bool is_early(const struct follow *follow, const struct passage *passage,
	const struct transaction *transaction)
{
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);

	if (is_of_whole_dialog(transaction->method))
		return false;
	if (!reason && leg_rings_here(follow, transaction, passage->message->call_id))
		return true;
	if (!reason)
		reason = reason_find(follow->endpoints,
			leg_caller_key(follow, passage, transaction->from_client));
	return reason_at(follow->endpoints, reason)->early;
}

/* Whether the other side's leg of this dialog stands where a transaction was seen: no user agent of
 * two sides is there, so the one side speaks for the other. */
static bool is_other_sides_place(const struct follow *follow, const struct passage *passage,
	const struct transaction *transaction)
{
	const bool other = !transaction->from_client;

	return follow_find_at(follow, transaction, leg_key(follow, passage, other)) ||
	       follow_find_at(follow, transaction, leg_caller_key(follow, passage, other));
}

/* A dialog that has ended is not taken up again. */
static bool is_over(const struct follow *follow, const struct transaction *transaction)
{
	return transaction_saw_end(
		       follow->transactions, transaction, transaction->reason, END_ANY) ||
	       (!reason_find(follow->endpoints, transaction->reason) &&
		       leg_has_ended(follow, transaction->reason));
}

/* 2xx within a dialog: its leg is refreshed; or it now goes another way, from where it is moved
 * to here or where it was never seen. INFO changes no time. Within an early dialog it tells
 * nothing. */
static void refresh(
	struct follow *follow, const struct passage *passage, const struct transaction *transaction)
{
	const struct sip_message *response = passage->message;
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);
	bool here = follow_find_here(follow, transaction) != 0;
	unsigned nat = nat_of(transaction, passage);
	uint32_t seconds = leg_seconds(follow, response, transaction->reason);

	if (is_early(follow, passage, transaction) || is_over(follow, transaction))
		return;
	if (reason && transaction->method == SIP_INFO) {
		if (here)
			return;
		seconds = reason_seconds_left(follow->endpoints, reason);
	}
	if (!here && is_other_sides_place(follow, passage, transaction))
		return;
	if (!leg_note_grant(follow, transaction))
		return;
	if (follow_wants(follow, nat, transaction->class))
		leg_hold(follow, transaction, response, nat, seconds, false);
	else if (reason && (here || leg_moves(transaction)))
		leg_end_by_key(follow, transaction->reason, "moved");
}

/* What a final response to BYE means. The one who sent it is through with the dialog whatever the
 * answer (RFC 3261 15.1.1), but may have to try again; of what the other side makes of it only 2xx
 * and 481 tell. So any other leaves the transaction to its time: dialog_overdue. */
static void bye_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	const struct transaction *transaction = transaction_at(follow->transactions, index);
	unsigned status = passage->message->status;

	if (status < 300 || status == 481)
		leg_end(follow, transaction);
	else if (transaction->from_client || !follow_is_challenge(status))
		return;
	else
		leg_note_bye(follow, transaction, false);
	transaction_enter(follow->transactions, index, TRANSACTION_DONE);
}

static void inside_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	const struct transaction *transaction = transaction_at(follow->transactions, index);
	unsigned status = passage->message->status;

	if (status < 200) {
		if (transaction->method == SIP_INVITE)
			transaction_enter(follow->transactions, index, TRANSACTION_PROCEEDING);
		return;
	}
	if (transaction->method == SIP_BYE) {
		bye_response(follow, passage, index);
		return;
	}
	if (status < 300)
		refresh(follow, passage, transaction);
	else if (status == 481)
		leg_fail(follow, transaction);
	transaction_enter(follow->transactions, index, TRANSACTION_DONE);
}

void dialog_response(struct follow *follow, struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);

	follow_find_tags(passage);
	if (passage->in)
		transaction->class = passage->class;
	if (!transaction->dialog.inside)
		initial_response(follow, passage, index);
	else if (!transaction_is_over(transaction))
		inside_response(follow, passage, index);
}

void dialog_overdue(struct follow *follow, const struct transaction *transaction)
{
	if (transaction->method == SIP_BYE && !transaction_is_over(transaction))
		leg_end(follow, transaction);
}

/* The ACK to a 2xx: it has no response, and carries a tag that only its user agent was sent. It
 * comes late where a request from another place was granted since. */
void dialog_acknowledge(struct follow *follow, struct passage *passage)
{
	struct transaction transaction = {.client = passage->client, .proxy = passage->proxy};

	if (!passage->bears && !passage->echoes)
		return;
	follow_find_tags(passage);
	transaction.reason = leg_key(follow, passage, true);
	if (!leg_was_granted_here(follow, &transaction))
		return;
	if (leg_find_here(follow, &transaction))
		leg_settle(follow, &transaction);
	else if (!follow_wants(follow, passage->nat, passage->class))
		leg_end_by_key(follow, transaction.reason, "moved");
}
