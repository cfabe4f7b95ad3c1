#include "subscription.h"

#include "request.h"

/* What a subscription lasts when neither side says (RFC 6665 leaves it to the event package;
 * this is presence, RFC 3856 6.4). */
enum { SUBSCRIPTION_SECONDS_DEFAULT = 3600 };

/* What an Event header names: a package and, where there are several in a dialog, an id (RFC 6665
 * 4.5.2). Of a REFER the id is its CSeq number, and is missing for the first (RFC 3515 2.4.6). */
struct event_name {
	struct text package, id;
	uint32_t refer; /* that number, or 0 */
};

static const struct event_name refer = {.package = {"refer", 5}};

static bool is_refer(const struct event_name *event)
{
	return text_equal(event->package, refer.package);
}

static struct event_name event_of(const struct sip_message *message)
{
	struct text params;
	struct event_name event = {.package = follow_value(message->event, &params)};

	if (sip_param(params, TEXT("id"), &event.id) && is_refer(&event))
		text_number(event.id, &event.refer);
	return event;
}

/* What the subscriber chooses: of all subscriptions that one request brings where it is forked. */
static uint64_t request_key(const struct follow *follow, const struct sip_message *message,
	struct text own_tag, const struct event_name *event)
{
	struct text id =
		event->refer ? follow_bytes(&event->refer, sizeof(event->refer)) : event->id;

	return follow_key(follow, "s",
		(struct text[KEY_TEXTS_MAX]){message->call_id, own_tag, event->package, id});
}

/* Each notifier that takes the request has a tag, and so a subscription of its own (RFC 6665
 * 4.4.1). */
static uint64_t subscription_key(
	const struct follow *follow, uint64_t request, struct text other_tag)
{
	struct hash hash;

	hash_start(&hash, &follow->key);
	hash_add_number(&hash, request);
	hash_add_text(&hash, other_tag);
	return hash_end(&hash);
}

/* Where the forks of a request are noted, until when each may make itself known. */
static uint64_t forks_key(
	const struct follow *follow, uint64_t request, const struct address *client)
{
	return follow_key(follow, "f",
		(struct text[KEY_TEXTS_MAX]){follow_bytes(&request, sizeof(request)),
			follow_bytes(client, sizeof(*client))});
}

void subscription_request(struct follow *follow, struct passage *passage)
{
	const struct sip_message *message = passage->message;
	const struct event_name event = event_of(message);
	struct transaction *transaction;
	uint32_t index;
	uint64_t key;
	bool is_new;

	if (!follow->settings->keepalive.subscriptions)
		return;
	follow_find_tags(passage);
	key = request_key(follow, message, passage->from_tag, &event);
	if (passage->to_tag.at)
		key = subscription_key(follow, key, passage->to_tag);
	/* A phone that needs no help is of interest only when it needed some until now. */
	if (!follow_wants(follow, passage->nat, passage->class) &&
		!reason_find(follow->endpoints, key))
		return;
	index = follow_open(follow, passage, &is_new);
	if (!is_new)
		return;
	transaction = transaction_at(follow->transactions, index);
	transaction->reason = key;
	transaction->subscription.is_initial = !passage->to_tag.at;
	if (!follow_seconds(message->expires, &transaction->subscription.seconds))
		transaction->subscription.seconds = SUBSCRIPTION_SECONDS_DEFAULT;
}

/* In the ledger: when the request was opened that a subscription was granted to last, and its CSeq
 * number. */
static uint64_t grant_key(const struct follow *follow, uint64_t reason)
{
	return follow_key(
		follow, "g", (struct text[KEY_TEXTS_MAX]){follow_bytes(&reason, sizeof(reason))});
}

/* A request that comes again from another place is answered there and at the old one, in either
 * order, and late, while its subscription ends. That stays where the phone has asked from last, and
 * is not taken up again. False where this answer is such a one. */
static bool note_grant(struct follow *follow, const struct transaction *transaction,
	uint32_t reason, uint32_t cseq)
{
	const uint64_t key = grant_key(follow, transaction->reason);
	const uint32_t late = ticks_of(2 * follow->settings->timers.transaction_us);
	uint32_t opened, granted;

	if (!follow_find_here(follow, transaction) &&
		ledger_find(&follow->proofs, key, &opened, &granted) &&
		transaction->opened - opened + late < 2 * late &&
		(reason ? tick_before(transaction->opened, opened) : cseq <= granted))
		return false;
	ledger_note(&follow->proofs, key, transaction->opened, cseq);
	return true;
}

/* NOTIFY may come before the 2xx (RFC 6665 4.1.2.4): what it ended stays ended. */
static void accept(struct follow *follow, const struct sip_message *response,
	const struct transaction *transaction)
{
	const uint32_t reason = reason_find(follow->endpoints, transaction->reason);
	struct reason_claim claim = follow_claim(transaction, transaction->nat);

	claim.kind = REASON_SUBSCRIPTION;
	claim.key = transaction->reason;
	claim.id = response->call_id;
	claim.cseq = reason_at(follow->endpoints, reason)->cseq;
	claim.binding = reason_at(follow->endpoints, reason)->binding;
	if (transaction->method == SIP_REFER)
		claim.binding = response->cseq_number;
	if (!follow_seconds(response->expires, &claim.seconds))
		claim.seconds = transaction->subscription.seconds;
	if (transaction_saw_end(follow->transactions, transaction, claim.key, END_ANY))
		return;
	if (claim.seconds == 0)
		follow_end_by(follow, transaction, "ended");
	else if (!note_grant(follow, transaction, reason, response->cseq_number))
		return;
	else if (follow_wants(follow, transaction->nat, transaction->class))
		reason_hold(follow->endpoints, &claim);
	else
		follow_end(follow, claim.key, "moved");
}

/* The 2xx of one notifier; others that have the request, too, are heard of by their NOTIFY. */
static void name_subscription(
	struct follow *follow, const struct sip_message *response, struct transaction *transaction)
{
	const uint64_t request = transaction->reason;
	uint32_t seconds = transaction->subscription.seconds;

	follow_seconds(response->expires, &seconds);
	if (seconds && follow_wants(follow, transaction->nat, transaction->class))
		transactions_note_forks(follow->transactions,
			forks_key(follow, request, &transaction->client), seconds);
	transaction->reason = subscription_key(follow, request, follow_tag(response->to));
}

/* Failures of a refresh that leave no subscription behind (RFC 6665 4.1.2.2). */
static bool is_fatal(unsigned status)
{
	return status == 404 || status == 405 || status == 410 || status == 416 ||
	       (status >= 480 && status <= 485) || status == 489 || status == 501 || status == 604;
}

void subscription_response(struct follow *follow, struct passage *passage, uint32_t index)
{
	struct transaction *transaction = transaction_at(follow->transactions, index);
	unsigned status = passage->message->status;

	if (status < 200)
		return;
	if (status < 300 && transaction->subscription.is_initial)
		name_subscription(follow, passage->message, transaction);
	if (status < 300)
		accept(follow, passage->message, transaction);
	else if (is_fatal(status))
		follow_end_by(follow, transaction, "failed");
	follow_close(follow, index, status);
}

/* A REFER subscribes to what becomes of it (RFC 3515 2.4.4). */
void subscription_refer(struct follow *follow, struct passage *passage)
{
	bool is_new;

	if (follow->settings->keepalive.subscriptions &&
		follow_wants(follow, passage->nat, passage->class))
		follow_open(follow, passage, &is_new);
}

/* An answer that there will be no subscription, as was asked for (RFC 4488 4). */
static bool denies_subscription(const struct sip_message *response)
{
	struct text params;

	return text_equal_nocase(follow_value(response->refer_sub, &params), TEXT("false"));
}

/* Whether a REFER of this number is the first of its dialog, whose reason has this key: its binding
 * is the number of that, which the ledger still has when the reason is gone. */
static bool is_first_refer(const struct follow *follow, uint64_t key, uint32_t cseq)
{
	const uint32_t reason = reason_find(follow->endpoints, key);
	uint32_t first;

	if (reason)
		return reason_at(follow->endpoints, reason)->binding == cseq;
	return !ledger_find(&follow->proofs, grant_key(follow, key), NULL, &first) || first == cseq;
}

/* The notifier says in its NOTIFY how long it lasts; until then, as long as a call may ring. The
 * first REFER of a dialog goes without its number: its NOTIFY may come with it or without. */
static void accept_refer(
	struct follow *follow, const struct sip_message *response, struct transaction *transaction)
{
	const struct text own_tag = follow_tag(response->from),
			  other_tag = follow_tag(response->to);
	const struct event_name numbered = {refer.package, {0}, response->cseq_number};
	const uint64_t request = request_key(follow, response, own_tag, &refer);
	const uint64_t again = subscription_key(
		follow, request_key(follow, response, own_tag, &numbered), other_tag);
	const uint32_t ringing = (uint32_t)(follow->settings->timers.invite_us / 1000000);

	transaction->subscription.seconds = ringing ? ringing : 1;
	transaction->reason = request;
	name_subscription(follow, response, transaction);
	if (!is_first_refer(follow, transaction->reason, response->cseq_number))
		transaction->reason = again;
	if (!transaction_saw_end(follow->transactions, transaction, again, END_ANY))
		accept(follow, response, transaction);
}

void subscription_refer_response(struct follow *follow, struct passage *passage, uint32_t index)
{
	unsigned status = passage->message->status;

	if (status < 200)
		return;
	if (status < 300 && !denies_subscription(passage->message))
		accept_refer(follow, passage->message, transaction_at(follow->transactions, index));
	follow_close(follow, index, status);
}

/* A NOTIFY, and the subscription that it is about. */
struct notice {
	uint64_t request, key;
	uint32_t reason; /* 0: it is not known */
	uint32_t cseq;
	bool is_terminated, says_time;
	uint32_t seconds; /* how long it lasts from now; 0: no longer, or it does not say */
};

static void read_state(const struct sip_message *message, struct notice *notice)
{
	struct text params, expires;
	const struct text state = follow_value(message->subscription_state, &params);

	notice->is_terminated = text_equal_nocase(state, TEXT("terminated"));
	notice->says_time = sip_param(params, TEXT("expires"), &expires) &&
			    text_number(expires, &notice->seconds);
	if (!notice->says_time)
		notice->seconds = 0;
}

static void find_subscription(
	const struct follow *follow, const struct sip_message *message, struct notice *notice)
{
	const struct text own_tag = follow_tag(message->to), other_tag = follow_tag(message->from);
	const struct event_name event = event_of(message);
	uint64_t first;
	uint32_t reason;

	notice->request = request_key(follow, message, own_tag, &event);
	notice->key = subscription_key(follow, notice->request, other_tag);
	notice->reason = reason_find(follow->endpoints, notice->key);
	if (notice->reason || !event.refer)
		return;
	first = subscription_key(follow, request_key(follow, message, own_tag, &refer), other_tag);
	reason = reason_find(follow->endpoints, first);
	if (reason_at(follow->endpoints, reason)->binding == event.refer) {
		notice->key = first;
		notice->reason = reason;
	}
}

/* Whether the subscription, if it is known, is this user agent's, through whatever proxy. */
static bool is_for_subscriber(
	const struct follow *follow, const struct passage *passage, uint32_t reason)
{
	return !reason ||
	       address_equal(&reason_endpoint(follow->endpoints, reason)->client, &passage->client);
}

/* Another notifier to which a request was forked that was accepted a short while ago. It adds to
 * what keeps an endpoint, and makes none. */
static void hold_fork(
	struct follow *follow, const struct passage *passage, const struct notice *notice)
{
	struct reason_claim claim = {.client = passage->client,
		.proxy = passage->proxy,
		.kind = REASON_SUBSCRIPTION,
		.key = notice->key,
		.id = passage->message->call_id};

	if (!transactions_find_forks(follow->transactions,
		    forks_key(follow, notice->request, &passage->client), notice->key,
		    &claim.seconds) ||
		!endpoint_find(follow->endpoints, &passage->client, passage->proxy))
		return;
	claim.cseq = notice->cseq;
	if (notice->seconds)
		claim.seconds = notice->seconds;
	reason_hold(follow->endpoints, &claim);
}

/* One that comes again or late was sent before what is known by now, and says nothing of time. */
static bool is_late(const struct follow *follow, const struct notice *notice)
{
	const uint32_t known = reason_at(follow->endpoints, notice->reason)->cseq;

	return known && notice->cseq <= known;
}

/* RFC 6665 4.1.3: an active subscription that lasts for 0 seconds is one no more. */
static bool ends(const struct follow *follow, const struct notice *notice)
{
	return notice->is_terminated ||
	       (notice->says_time && notice->seconds == 0 && !is_late(follow, notice));
}

static void take_time(const struct follow *follow, const struct notice *notice)
{
	struct reason *reason = reason_at(follow->endpoints, notice->reason);

	if (is_late(follow, notice))
		return;
	reason->cseq = notice->cseq;
	if (notice->seconds)
		reason_refresh(follow->endpoints, notice->reason, notice->seconds);
}

/* What the subscriber answers to a NOTIFY of a subscription that it has. */
static void expect_refusal(struct follow *follow, const struct passage *passage, uint64_t key)
{
	uint32_t index;
	bool is_new;

	if (!reason_find(follow->endpoints, key))
		return;
	index = follow_open(follow, passage, &is_new);
	if (is_new)
		transaction_at(follow->transactions, index)->reason = key;
}

/* What the notifier says of a subscription counts for one that was asked for. */
void subscription_notify(struct follow *follow, struct passage *passage)
{
	const struct sip_message *message = passage->message;
	struct notice notice;

	if (!message->subscription_state.at)
		return;
	find_subscription(follow, message, &notice);
	if (!is_for_subscriber(follow, passage, notice.reason))
		return;
	read_state(message, &notice);
	notice.cseq = message->cseq_number < CSEQ_MAX ? message->cseq_number : CSEQ_MAX;
	if (ends(follow, &notice)) {
		follow_end(follow, notice.key, "ended");
		return;
	}
	if (!notice.reason)
		hold_fork(follow, passage, &notice);
	else
		take_time(follow, &notice);
	expect_refusal(follow, passage, notice.key);
}

/* 481: the subscriber knows nothing of it, as it was switched off and on, or wants no other
 * notifier than its first. The one that asked then has to forget it (RFC 6665 4.2.2, 4.4.1). */
void subscription_notify_response(struct follow *follow, struct passage *passage, uint32_t index)
{
	const unsigned status = passage->message->status;

	if (status < 200)
		return;
	if (status == 481)
		follow_end(follow, transaction_at(follow->transactions, index)->reason, "failed");
	transaction_close(follow->transactions, index);
}
