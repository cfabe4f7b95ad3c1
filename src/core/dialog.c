#include <natbox/follow.h>

/* A leg is the user agent's side of a dialog: Call-ID, its own tag and the other side's. Until a tag
 * of the callee is known a leg is early and has another key: the caller's its Call-ID and tag alone,
 * whatever forks it has; the callee's its transaction, so each ringing branch has its own. */

static uint64_t leg_key(
	const struct follow *follow, const struct sip_message *message, bool sent_by_client)
{
	struct text from = follow_tag(message->from), to = follow_tag(message->to);
	struct text own = sent_by_client ? from : to, other = sent_by_client ? to : from;

	return follow_key(follow, "d", (struct text[KEY_TEXTS_MAX]){message->call_id, own, other});
}

static uint64_t caller_key(const struct follow *follow, const struct sip_message *message)
{
	return follow_key(follow, "c",
		(struct text[KEY_TEXTS_MAX]){message->call_id, follow_tag(message->from)});
}

static uint64_t branch_key(const struct follow *follow, const struct transaction *transaction)
{
	return follow_key(follow, "b",
		(struct text[KEY_TEXTS_MAX]){
			{(const char *)&transaction->key, sizeof(transaction->key)}});
}

static uint32_t seconds_of(uint64_t us)
{
	return (uint32_t)(us / 1000000 ? us / 1000000 : 1);
}

/* How long a dialog lasts that this 2xx confirmed or refreshed (RFC 4028 9). */
static uint32_t session_seconds(const struct follow *follow, const struct sip_message *response)
{
	uint32_t seconds;

	if (follow_seconds(response->session_expires, &seconds) && seconds > 0)
		return seconds;
	return seconds_of(follow->settings->timers.dialog_us);
}

static void end_leg(struct follow *follow, uint64_t key, const char *why)
{
	uint32_t reason = reason_find(follow->endpoints, key);

	if (reason)
		reason_end(follow->endpoints, reason, why);
}

static void hold_leg(struct follow *follow, const struct transaction *transaction,
	const struct sip_message *message, unsigned nat, uint32_t seconds, bool early)
{
	struct reason_claim claim = follow_claim(transaction, nat);

	claim.kind = REASON_DIALOG;
	claim.early = early;
	claim.key = transaction->reason;
	claim.id = message->call_id;
	claim.seconds = seconds;
	reason_hold(follow->endpoints, &claim);
}

/* A known endpoint that is called must be reached from the first moment on. */
static void ring(
	struct follow *follow, const struct passage *passage, const struct transaction *transaction)
{
	uint32_t endpoint = endpoint_find(follow->endpoints, &passage->client, passage->proxy);

	if (endpoint)
		hold_leg(follow, transaction, passage->message,
			endpoint_at(follow->endpoints, endpoint)->nat,
			seconds_of(follow->settings->timers.transaction_us), true);
}

static bool is_worth_following(
	const struct follow *follow, const struct passage *passage, uint64_t leg)
{
	/* Whether the callee is behind NAT its answer may tell. */
	if (passage->message->method == SIP_BYE)
		return reason_find(follow->endpoints, leg) != 0;
	return !passage->in || follow_wants(follow, passage->nat) ||
	       reason_find(follow->endpoints, leg);
}

void dialog_request(struct follow *follow, const struct passage *passage)
{
	const struct sip_message *message = passage->message;
	bool inside = follow_tag(message->to).at != NULL, is_new;
	uint64_t leg = leg_key(follow, message, passage->in);
	struct transaction *transaction;
	uint32_t index;

	if (!follow->settings->keepalive.dialogs || (!inside && message->method != SIP_INVITE) ||
		!is_worth_following(follow, passage, leg))
		return;
	index = follow_open(follow, passage, &is_new);
	if (!is_new)
		return;
	transaction = transaction_at(follow->transactions, index);
	transaction->dialog.inside = inside;
	if (inside) {
		transaction->reason = leg;
	} else if (passage->in) {
		transaction->reason = caller_key(follow, message);
	} else {
		transaction->reason = branch_key(follow, transaction);
		ring(follow, passage, transaction);
	}
}

/* What the tests say of the user agent: its request, or its response to the proxy's. */
static unsigned nat_of(const struct transaction *transaction, const struct passage *passage)
{
	return transaction->from_client ? transaction->nat : passage->nat;
}

/* 1xx to an initial INVITE. The callee's first tag gives its leg the name it keeps. */
static void early_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);
	uint32_t seconds = seconds_of(follow->settings->timers.invite_us);
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);
	unsigned nat = nat_of(transaction, passage);

	if (transaction->phase == TRANSACTION_DONE)
		return;
	transaction_enter(follow->transactions, index, TRANSACTION_PROCEEDING);
	if (!transaction->from_client && follow_tag(passage->message->to).at) {
		uint64_t leg = leg_key(follow, passage->message, false);

		if (reason && leg != transaction->reason && !reason_find(follow->endpoints, leg))
			reason_rekey(follow->endpoints, reason, leg);
		transaction->reason = leg;
	}
	if (reason)
		reason_prolong(follow->endpoints, reason, seconds);
	else if (follow_wants(follow, nat))
		hold_leg(follow, transaction, passage->message, nat, seconds, true);
}

/* 2xx to an initial INVITE: the dialog is confirmed. The caller may see several, each with another
 * tag, when forks answered at the same time: each is a dialog of its own, until its BYE. */
static void confirm(struct follow *follow, const struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);
	uint64_t leg = leg_key(follow, passage->message, transaction->from_client);
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);
	unsigned nat = nat_of(transaction, passage);
	bool known = reason_find(follow->endpoints, leg) != 0;

	if (transaction->phase == TRANSACTION_DONE && (known || transaction->reason == leg))
		return;
	if (reason && !known && reason_at(follow->endpoints, reason)->early)
		reason_rekey(follow->endpoints, reason, leg);
	transaction->reason = leg;
	transaction_enter(follow->transactions, index, TRANSACTION_DONE);
	if (reason || follow_wants(follow, nat))
		hold_leg(follow, transaction, passage->message, nat,
			session_seconds(follow, passage->message), false);
}

static bool is_challenge(unsigned status)
{
	return status == 401 || status == 407;
}

/* Any other final response to an initial INVITE. After a challenge another attempt may follow. */
static void reject(struct follow *follow, const struct passage *passage, uint32_t index)
{
	const struct transaction *transaction = transaction_at(follow->transactions, index);
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);

	if (transaction->phase == TRANSACTION_DONE)
		return;
	if (reason && transaction->from_client && is_challenge(passage->message->status))
		reason_prolong(follow->endpoints, reason,
			seconds_of(follow->settings->timers.transaction_us));
	else if (reason && reason_at(follow->endpoints, reason)->early)
		reason_end(follow->endpoints, reason, "failed");
	transaction_enter(follow->transactions, index, TRANSACTION_DONE);
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

/* A leg that is refreshed, or that this border first hears of: the call came another way until now.
 * A request within an early dialog tells nothing new. */
static void refresh(
	struct follow *follow, const struct passage *passage, const struct transaction *transaction)
{
	const struct sip_message *response = passage->message;
	uint32_t reason = reason_find(follow->endpoints, transaction->reason);
	unsigned nat = nat_of(transaction, passage);

	if (reason &&
		(transaction->method == SIP_INFO || reason_at(follow->endpoints, reason)->early))
		return;
	if (!reason && transaction->from_client &&
		reason_find(follow->endpoints, caller_key(follow, response)))
		return;
	if (reason || follow_wants(follow, nat))
		hold_leg(follow, transaction, response, nat, session_seconds(follow, response),
			false);
}

static void inside_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	const struct transaction *transaction = transaction_at(follow->transactions, index);
	unsigned status = passage->message->status;

	if (transaction->phase == TRANSACTION_DONE)
		return;
	if (status < 200) {
		if (transaction->method == SIP_INVITE)
			transaction_enter(follow->transactions, index, TRANSACTION_PROCEEDING);
		return;
	}
	if (status == 481)
		end_leg(follow, transaction->reason,
			transaction->method == SIP_BYE ? "ended" : "failed");
	else if (status < 300 && transaction->method == SIP_BYE)
		end_leg(follow, transaction->reason, "ended");
	else if (status < 300)
		refresh(follow, passage, transaction);
	else if (transaction->method == SIP_BYE && !is_challenge(status))
		return; /* nobody knows what the other side made of it: dialog_overdue */
	transaction_enter(follow->transactions, index, TRANSACTION_DONE);
}

void dialog_response(struct follow *follow, const struct passage *passage, uint32_t index)
{
	if (transaction_at(follow->transactions, index)->dialog.inside)
		inside_response(follow, passage, index);
	else
		initial_response(follow, passage, index);
}

void dialog_overdue(struct follow *follow, const struct transaction *transaction)
{
	if (transaction->method == SIP_BYE && transaction->phase != TRANSACTION_DONE)
		end_leg(follow, transaction->reason, "ended");
}
