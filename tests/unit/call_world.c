#include "call_world.h"
#include "calls.h"
#include "sip_messages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *const method_names[METHODS] = {"INVITE", "ACK", "CANCEL", "UPDATE", "BYE"};

struct call_world world;

void plan(struct event_due event, uint64_t in_us)
{
	agenda_plan(&world.agenda, world.now_us + in_us, &event, sizeof(event));
}

uint64_t chance_us(double from_seconds, double to_seconds)
{
	uint32_t span_ms = (uint32_t)((to_seconds - from_seconds) * 1000);

	return (uint64_t)(from_seconds * 1e6) + generator_below(&world.chance, span_ms) * 1000ull;
}

unsigned place_of(unsigned call, enum side side)
{
	return world.phones[world.calls[call].agents[side].phone].place;
}

static const char *client_at(unsigned phone, unsigned place)
{
	static char client[ADDRESS_TEXT_MAX];

	snprintf(client, sizeof(client), world.is_ipv6 ? "[2001:db8:%u::1]:%u" : "203.0.113.%u:%u",
		phone + 1, 10000 + place);
	return client;
}

/* Where nobody moves, it is from the first moment on. */
static bool is_expected(const struct call *call, const struct agent *agent)
{
	if (agent->state != UP || !agent->counts)
		return false;
	return !world.moves || (!call->end_is_seen && world.now_us < agent->until_us &&
				       agent->places >> world.phones[agent->phone].place & 1);
}

/* Longer than this a phone must never wait for a keepalive where it is. Of one that is not proven
 * to be there, the first may come a second later. */
static void check_phone(unsigned number)
{
	const struct phone *phone = &world.phones[number];
	const uint64_t since =
		phone->alive_us > phone->expected_us ? phone->alive_us : phone->expected_us;
	const uint64_t limit = world.border->settings.keepalive.rules.interval_us +
			       (world.border->leaves_unproven || world.moves ? 3 : 1) * SECOND;

	cr_assert(!phone->expected_us || world.now_us <= since + limit,
		"seed %u: %s is silent for %f s", world.seed, client_at(number, phone->place),
		(double)(world.now_us - since) / 1e6);
}

void note_all(void)
{
	bool expected[PHONES] = {false};

	for (unsigned i = 0; i < 2 * CALLS; i++) {
		const struct call *call = &world.calls[i / 2];
		const struct agent *agent = &call->agents[i % 2];

		expected[agent->phone] |= is_expected(call, agent);
	}
	for (unsigned i = 0; i < PHONES; i++) {
		struct phone *phone = &world.phones[i];

		check_phone(i);
		if (!expected[i])
			phone->expected_us = 0;
		else if (!phone->expected_us)
			phone->expected_us = world.now_us;
	}
}

/* A request of an agent, or one to it. */
static void see_request(struct asked *asked, const struct message *message, unsigned place)
{
	if (asked->cseq != message->cseq || asked->restarts != world.restarts)
		asked->places = 0;
	asked->cseq = message->cseq;
	asked->restarts = world.restarts;
	asked->places |= UINT64_C(1) << place;
}

static void see_grant(const struct call *call, struct agent *agent, const struct asked *asked,
	unsigned cseq, unsigned place)
{
	const uint64_t lasts_us = call->has_timer ? SESSION_SECONDS * SECOND
						  : world.border->settings.timers.dialog_us;

	if (asked->cseq != cseq || asked->restarts != world.restarts ||
		!(asked->places >> place & 1))
		return;
	agent->places |= UINT64_C(1) << place;
	agent->until_us = world.now_us + lasts_us;
}

/* What the border learns of where an agent is. */
static void see(const struct message *message, bool to_proxy)
{
	struct call *call = &world.calls[message->call];
	struct agent *agent = &call->agents[to_proxy ? message->from : !message->from];
	const unsigned place = to_proxy ? message->place : message->to;
	struct asked *asked =
		&(to_proxy == !message->status ? agent->asks : agent->is_asked)[message->method];

	if (message->method == BYE || message->status == 481)
		call->end_is_seen = true;
	if (message->method != INVITE && message->method != UPDATE)
		return;
	if (!message->status)
		see_request(asked, message, place);
	else if (message->status == 200)
		see_grant(call, agent, asked, message->cseq, place);
}

void pass_border(const struct message *message, bool to_proxy)
{
	struct call *call = &world.calls[message->call];
	bool is_request = message->status == 0;
	enum side asking = is_request ? message->from : !message->from;
	enum side near = to_proxy ? message->from : !message->from;
	bool has_to_tag = !((is_request && message->method == INVITE) ||
			    (message->method == CANCEL) || message->status == 100);
	char call_id[16];
	const char *client =
		client_at(call->agents[near].phone, to_proxy ? message->place : message->to);
	struct exchange exchange = {.call_id = call_id,
		.from_tag = asking == CALLER ? "a" : "b",
		.to_tag = !has_to_tag        ? NULL
			  : asking == CALLER ? "b"
					     : "a",
		.cseq = message->cseq,
		.phone = world.is_ipv6 ? "[fd00::10]:5060" : NULL,
		.lines = call->has_timer ? "Session-Expires: 120\r\n" : ""};
	const char *name = method_names[message->method];

	snprintf(call_id, sizeof(call_id), "%u", message->call);
	call->seen_us = world.now_us;
	if (is_request)
		(to_proxy ? phone_asks : proxy_asks)(world.border, client, name, exchange);
	else
		(to_proxy ? phone_answers : proxy_answers)(
			world.border, client, message->status, name, exchange);
	see(message, to_proxy);
	note_all();
	if (to_proxy && message->place == world.phones[call->agents[near].phone].place)
		world.phones[call->agents[near].phone].alive_us = world.now_us;
}

static void listen(void *context, const struct event *event)
{
	(void)context;
	if (event->restored)
		return;
	if (event->type == EVENT_REASON_ADD || event->type == EVENT_REASON_END) {
		struct call *call;
		uint32_t number;

		cr_assert(text_number(event->reason.id, &number));
		call = &world.calls[number];
		call->reasons += event->type == EVENT_REASON_ADD ? 1 : -1;
		call->let_go_us = event->time_us;
	}
}

static void take_keepalive(void *context, const struct border_sent *keepalive)
{
	char place[ADDRESS_TEXT_MAX];

	(void)context;
	address_format(&keepalive->flow.destination, place);
	world.now_us = world.border->now_us;
	world.keepalives++;
	for (unsigned i = 0; i < PHONES; i++) {
		if (strcmp(client_at(i, world.phones[i].place), place) != 0)
			continue;
		note_all();
		world.phones[i].alive_us = world.now_us;
		plan((struct event_due){.what = ANSWER_KEEPALIVE,
			     .message = {.call = i,
				     .place = world.phones[i].place,
				     .cseq = (world.border->sent_count - 1) % BORDER_SENT_MAX}},
			chance_us(0.01, 0.3));
	}
}

void answer_keepalive(const struct message *message)
{
	const unsigned phone = message->call, number = message->cseq;

	if (message->place == world.phones[phone].place)
		phone_answers_keepalive(world.border, client_at(phone, message->place),
			&world.border->sent[number], "SIP/2.0 200 OK");
}

void watch(void)
{
	world.border->listener = listen;
	world.border->taker = take_keepalive;
}

/* After the last that passed the border: 32 s for a BYE, three minutes for a call nobody took, or
 * where a phone rang that has moved. */
void check_call(unsigned number)
{
	const struct call *call = &world.calls[number];
	const struct settings *settings = &world.border->settings;
	uint64_t limit = call->was_up && !world.moves ? settings->timers.transaction_us
						      : settings->timers.invite_us;

	if (call->was_restarted && call->has_timer)
		limit += SESSION_SECONDS * SECOND;
	cr_assert(!call->reasons || (call->was_restarted && world.moves),
		"seed %u: call %u is kept for ever", world.seed, number);
	cr_assert(call->reasons || call->let_go_us <= call->seen_us + limit + SECOND,
		"seed %u: call %u is kept for %f s", world.seed, number,
		(double)(call->let_go_us - call->seen_us) / 1e6);
}
