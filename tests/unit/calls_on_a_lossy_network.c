/* Calls between phones that keep to RFC 3261's timers, over a network that loses, repeats and
 * overtakes. Between them stands a stateless proxy (RFC 3261 16.11), and in front of that the
 * border, so each message passes it twice, on its way to the proxy and on its way from there. In
 * some worlds that is restarted now and then. However bad the network, a phone in a call is kept
 * reachable, and what was kept is let go when the call is over. */
#include "agenda.h"
#include "border.h"
#include "calls.h"
#include "generate.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum {
	SEEDS = 150,
	CALLS = 24,
	PHONES = 16,
	LOST_ONCE_IN = 8, /* on each of the four hops: four of ten messages do not arrive */
	REPEATED_ONCE_IN = 20,
	HOPS = 4,
	BYES_MAX = 20,
	RESTARTS = 4, /* where there are any */
	SESSION_SECONDS = 120,
};

#define SECOND  UINT64_C(1000000)
#define T1      (SECOND / 2)
#define T2      (4 * SECOND)
#define TIMEOUT (64 * T1) /* timers B, F, H */

enum side { CALLER, CALLEE };
enum method { INVITE, ACK, CANCEL, UPDATE, BYE, METHODS };

static const char *const method_names[METHODS] = {"INVITE", "ACK", "CANCEL", "UPDATE", "BYE"};

struct message {
	unsigned call;
	enum side from;
	enum method method;
	unsigned cseq;
	unsigned status; /* 0: a request */
};

struct event_due {
	enum {
		ARRIVE,
		REQUEST_AGAIN,
		RESPOND_AGAIN,
		ANSWER,
		GIVE_UP,
		UPDATE_NOW,
		HANG_UP,
		RESTART
	} what;
	struct message message;
	unsigned hop;
	uint64_t waited_us; /* between the last two transmissions */
	uint64_t started_us;
};

struct agent {
	unsigned phone;
	enum { IDLE, TRYING, RINGING, UP, OVER } state;
	unsigned cseq;
	unsigned awaiting
		[METHODS]; /* CSeq of the request sent that has no final response; 0: none */
	unsigned updated;  /* CSeq of the last UPDATE accepted */
	unsigned byes;
	bool counts; /* its call is one that the border has to know of */
};

struct call {
	struct agent agents[2];
	bool has_timer, was_up, cancelled, was_restarted;
	unsigned final; /* the callee's final response to INVITE, until its ACK */
	unsigned reasons;
	uint64_t seen_us, let_go_us; /* by the border */
};

struct phone {
	unsigned calls_up;
	uint64_t up_us, alive_us;
};

static struct world {

	struct generator chance;
	unsigned seed;
	struct border *border;
	uint64_t now_us;
	struct call calls[CALLS];
	struct phone phones[PHONES];
	struct agenda agenda;
	unsigned confirmed, keepalives;
} world;

static void plan(struct event_due event, uint64_t in_us)
{
	agenda_plan(&world.agenda, world.now_us + in_us, &event, sizeof(event));
}

static uint64_t chance_us(double from_seconds, double to_seconds)
{
	uint32_t span_ms = (uint32_t)((to_seconds - from_seconds) * 1000);

	return (uint64_t)(from_seconds * 1e6) + generator_below(&world.chance, span_ms) * 1000ull;
}

/* The network, and the border in its midst. */

static void travel(struct message message, unsigned hop)
{
	struct event_due event = {.what = ARRIVE, .message = message, .hop = hop};

	if (!generator_once_in(&world.chance, LOST_ONCE_IN))
		plan(event, chance_us(0.005, 0.15));
	while (generator_once_in(&world.chance, REPEATED_ONCE_IN))
		plan(event, chance_us(0.005, 3));
}

static void send(struct message message)
{
	travel(message, 0);
}

/* A phone shows, or is shown, that it can be reached: longer than this it must never take. */
static void keep_alive(struct phone *phone, uint64_t time_us)
{
	uint64_t since = phone->alive_us > phone->up_us ? phone->alive_us : phone->up_us;
	uint64_t limit = world.border->settings.keepalive.interval_us + SECOND;

	cr_assert(!phone->calls_up || time_us <= since + limit, "seed %u: silent for %f s",
		world.seed, (double)(time_us - since) / 1e6);
	phone->alive_us = time_us;
}

static void pass_border(const struct message *message, unsigned hop)
{
	struct call *call = &world.calls[message->call];
	bool is_request = message->status == 0, to_proxy = hop == 0;
	enum side asking = is_request ? message->from : !message->from;
	enum side near = to_proxy ? message->from : !message->from;
	bool has_to_tag = !((is_request && message->method == INVITE) ||
			    (message->method == CANCEL) || message->status == 100);
	char call_id[16], client[ADDRESS_TEXT_MAX];
	struct exchange exchange = {.call_id = call_id,
		.from_tag = asking == CALLER ? "a" : "b",
		.to_tag = !has_to_tag        ? NULL
			  : asking == CALLER ? "b"
					     : "a",
		.cseq = message->cseq,
		.lines = call->has_timer ? "Session-Expires: 120\r\n" : ""};
	const char *name = method_names[message->method];

	snprintf(call_id, sizeof(call_id), "%u", message->call);
	snprintf(client, sizeof(client), "203.0.113.%u:5061", call->agents[near].phone + 1);
	call->seen_us = world.now_us;
	if (is_request)
		(to_proxy ? phone_asks : proxy_asks)(world.border, client, name, exchange);
	else
		(to_proxy ? phone_answers : proxy_answers)(
			world.border, client, message->status, name, exchange);
	if (to_proxy)
		keep_alive(&world.phones[call->agents[near].phone], world.now_us);
}

static void listen(void *context, const struct event *event)
{
	(void)context;
	if (event->restored)
		return;
	if (event->type == EVENT_KEEPALIVE) {
		world.keepalives++;
		keep_alive(&world.phones[event->client.ip[15] - 1], event->time_us);
	} else if (event->type == EVENT_REASON_ADD || event->type == EVENT_REASON_END) {
		struct call *call;
		uint32_t number;

		cr_assert(text_number(event->reason.id, &number));
		call = &world.calls[number];
		call->reasons += event->type == EVENT_REASON_ADD ? 1 : -1;
		call->let_go_us = event->time_us;
	}
}

/* The phones. */

static void request(unsigned number, enum side side, enum method method)
{
	struct agent *agent = &world.calls[number].agents[side];
	unsigned cseq = method == CANCEL ? 1 : ++agent->cseq;
	struct message message = {.call = number, .from = side, .method = method, .cseq = cseq};

	agent->awaiting[method] = cseq;
	send(message);
	plan((struct event_due){.what = REQUEST_AGAIN,
		     .message = message,
		     .waited_us = T1,
		     .started_us = world.now_us},
		T1);
}

static void acknowledge(unsigned number)
{
	send((struct message){.call = number, .from = CALLER, .method = ACK, .cseq = 1});
}

static void respond(const struct message *request, unsigned status)
{
	send((struct message){.call = request->call,
		.from = !request->from,
		.method = request->method,
		.cseq = request->cseq,
		.status = status});
}

static void go_up(unsigned number, enum side side)
{
	struct call *call = &world.calls[number];
	struct phone *phone = &world.phones[call->agents[side].phone];

	call->agents[side].state = UP;
	call->was_up = true;
	world.confirmed++;
	call->agents[side].counts = !call->was_restarted;
	if (call->agents[side].counts && phone->calls_up++ == 0)
		phone->up_us = world.now_us;
	plan((struct event_due){.what = HANG_UP, .message = {.call = number, .from = side}},
		chance_us(1, 300));
	if (call->has_timer)
		plan((struct event_due){.what = UPDATE_NOW,
			     .message = {.call = number, .from = side}},
			chance_us(1, 30));
}

static void count_no_more(struct agent *agent)
{
	world.phones[agent->phone].calls_up -= agent->counts;
	agent->counts = false;
}

static void go_down(unsigned number, enum side side)
{
	struct agent *agent = &world.calls[number].agents[side];
	struct phone *phone = &world.phones[agent->phone];

	if (agent->state == UP) {
		keep_alive(phone, world.now_us);
		count_no_more(agent);
	}
	agent->state = OVER;
}

static void hang_up(unsigned number, enum side side)
{
	go_down(number, side);
	if (world.calls[number].agents[side].byes++ < BYES_MAX)
		request(number, side, BYE);
}

static void finish_invite(unsigned number, unsigned status)
{
	struct call *call = &world.calls[number];
	struct message invite = {.call = number, .from = CALLER, .method = INVITE, .cseq = 1};

	call->final = status;
	respond(&invite, status);
	plan((struct event_due){.what = RESPOND_AGAIN,
		     .message = invite,
		     .waited_us = T1,
		     .started_us = world.now_us},
		T1);
	if (status == 200)
		go_up(number, CALLEE);
	else
		call->agents[CALLEE].state = OVER;
}

static void take_request(const struct message *message)
{
	struct call *call = &world.calls[message->call];
	struct agent *agent = &call->agents[!message->from];

	switch (message->method) {
	case INVITE:
		if (agent->state == IDLE) {
			agent->state = RINGING;
			respond(message, 100);
			plan((struct event_due){.what = ANSWER, .message = *message},
				chance_us(0, 20));
		}
		if (agent->state == RINGING)
			respond(message, 180);
		break;
	case ACK:
		call->final = 0;
		break;
	case CANCEL:
		respond(message, agent->state == IDLE ? 481 : 200);
		if (agent->state == RINGING)
			finish_invite(message->call, 487);
		break;
	case UPDATE:
		if (agent->state == UP)
			agent->updated = message->cseq;
		respond(message, agent->updated == message->cseq ? 200 : 481);
		break;
	default:
		go_down(message->call, !message->from);
		respond(message, 200);
	}
}

static void take_invite_response(const struct message *message)
{
	struct agent *agent = &world.calls[message->call].agents[CALLER];

	if (message->status < 200) {
		if (agent->state == TRYING)
			agent->state = RINGING;
		return;
	}
	acknowledge(message->call);
	agent->awaiting[INVITE] = 0;
	if (message->status >= 300) {
		agent->state = OVER;
		return;
	}
	if (agent->state == TRYING || agent->state == RINGING)
		go_up(message->call, CALLER);
	else if (agent->state == OVER && !agent->byes)
		hang_up(message->call, CALLER);
	if (world.calls[message->call].cancelled && agent->state == UP)
		hang_up(message->call, CALLER);
}

static void take_response(const struct message *message)
{
	enum side side = !message->from;
	struct agent *agent = &world.calls[message->call].agents[side];

	if (message->method == INVITE) {
		take_invite_response(message);
		return;
	}
	if (agent->awaiting[message->method] != message->cseq)
		return;
	agent->awaiting[message->method] = 0;
	if (message->method == UPDATE && message->status == 481 && agent->state == UP)
		hang_up(message->call, side);
}

/* Nobody answered a request in time. */
static void give_up_on(const struct message *message)
{
	struct agent *agent = &world.calls[message->call].agents[message->from];

	agent->awaiting[message->method] = 0;
	if (message->method == BYE || (message->method == UPDATE && agent->state == UP))
		hang_up(message->call, message->from);
	else if (message->method == INVITE)
		agent->state = OVER;
}

/* Twice as long after the last transmission as that was after the one before, but at most
 * longest; and once more when the time is over. */
static void plan_again(struct event_due event, uint64_t longest_us)
{
	uint64_t left_us = event.started_us + TIMEOUT - world.now_us;

	event.waited_us *= 2;
	if (event.waited_us > longest_us)
		event.waited_us = longest_us;
	plan(event, event.waited_us < left_us ? event.waited_us : left_us);
}

/* Timers A and E (RFC 3261 17.1). INVITE is not repeated once somebody said something. */
static void request_again(struct event_due event)
{
	struct agent *agent = &world.calls[event.message.call].agents[event.message.from];
	bool is_invite = event.message.method == INVITE;

	if (agent->awaiting[event.message.method] != event.message.cseq ||
		(is_invite && agent->state != TRYING))
		return;
	if (world.now_us >= event.started_us + TIMEOUT) {
		give_up_on(&event.message);
		return;
	}
	send(event.message);
	plan_again(event, is_invite ? TIMEOUT : T2);
}

/* Timer G (RFC 3261 17.2.1), and the same for a 2xx (13.3.1.4). */
static void respond_again(struct event_due event)
{
	struct call *call = &world.calls[event.message.call];

	if (!call->final)
		return;
	if (world.now_us >= event.started_us + TIMEOUT) {
		if (call->agents[CALLEE].state == UP)
			hang_up(event.message.call, CALLEE);
		return;
	}
	respond(&event.message, call->final);
	plan_again(event, T2);
}

/* The caller has had enough of waiting. */
static void give_up_waiting(unsigned number)
{
	struct call *call = &world.calls[number];

	if (call->agents[CALLER].state != RINGING)
		return;
	if (!call->cancelled) {
		request(number, CALLER, CANCEL);
		plan((struct event_due){.what = GIVE_UP, .message = {.call = number}}, TIMEOUT);
	} else {
		call->agents[CALLER].state = OVER;
	}
	call->cancelled = true;
}

/* A border that has forgotten the INVITE of a call may not learn of that before its next request;
 * and that it is over, it may forget. */
static void restart(void)
{
	for (unsigned i = 0; i < CALLS; i++) {
		struct call *call = &world.calls[i];
		const struct agent *caller = &call->agents[CALLER];

		if (!caller->cseq)
			continue;
		call->was_restarted = true;
		if (caller->state == UP && call->agents[CALLEE].state == UP && !call->final)
			continue;
		for (unsigned side = 0; side < 2; side++)
			count_no_more(&call->agents[side]);
	}
	border_restart(world.border);
}

static void happen(const struct event_due *event)
{
	const struct message *message = &event->message;
	struct agent *agent = &world.calls[message->call].agents[message->from];

	switch (event->what) {
	case ARRIVE:
		if (event->hop % 2 == 0)
			pass_border(message, event->hop);
		if (event->hop + 1 < HOPS)
			travel(*message, event->hop + 1);
		else if (message->status)
			take_response(message);
		else
			take_request(message);
		break;
	case REQUEST_AGAIN:
		request_again(*event);
		break;
	case RESPOND_AGAIN:
		respond_again(*event);
		break;
	case ANSWER:
		if (world.calls[message->call].agents[CALLEE].state == RINGING)
			finish_invite(
				message->call, generator_once_in(&world.chance, 5) ? 486 : 200);
		break;
	case GIVE_UP:
		give_up_waiting(message->call);
		break;
	case UPDATE_NOW:
		if (agent->state != UP)
			break;
		request(message->call, message->from, UPDATE);
		plan(*event, chance_us(10, 40));
		break;
	case HANG_UP:
		if (agent->state == UP)
			hang_up(message->call, message->from);
		break;
	case RESTART:
		restart();
		break;
	}
}

static void start_call(unsigned number)
{
	struct call *call = &world.calls[number];
	unsigned caller = generator_below(&world.chance, PHONES);
	unsigned callee = (caller + 1 + generator_below(&world.chance, PHONES - 1)) % PHONES;

	*call = (struct call){
		.agents = {{.phone = caller, .state = TRYING}, {.phone = callee, .cseq = 100}},
		.has_timer = generator_once_in(&world.chance, 2),
	};
	request(number, CALLER, INVITE);
	if (generator_once_in(&world.chance, 3))
		plan((struct event_due){.what = GIVE_UP, .message = {.call = number}},
			chance_us(1, 25));
}

static void start(unsigned seed)
{
	world = (struct world){.seed = seed, .border = border_new()};
	generator_seed(&world.chance, seed);
	world.border->listener = listen;
	world.now_us = world.border->now_us;
	for (unsigned i = 0; i < CALLS; i++) {
		world.now_us += chance_us(0, 20);
		start_call(i);
	}
	world.now_us = world.border->now_us;
	for (unsigned i = 0; i < RESTARTS && seed % 3 == 0; i++)
		plan((struct event_due){.what = RESTART}, chance_us(0, 400));
}

static void run(void)
{
	struct event_due event;

	while (agenda_take(&world.agenda, &world.now_us, &event, sizeof(event))) {
		border_wait(world.border, (double)(world.now_us - world.border->now_us) / 1e6);
		world.border->now_us = world.now_us;
		happen(&event);
	}
	border_wait(world.border, 400);
}

/* After the last that passed the border: 32 s for a BYE, three minutes for a call nobody took. */
static void check_call(unsigned number)
{
	const struct call *call = &world.calls[number];
	const struct settings *settings = &world.border->settings;
	uint64_t limit =
		call->was_up ? settings->timers.transaction_us : settings->timers.invite_us;

	if (call->was_restarted && call->has_timer)
		limit += SESSION_SECONDS * SECOND;
	cr_assert_eq(call->reasons, 0, "seed %u: call %u is kept for ever", world.seed, number);
	cr_assert(call->let_go_us <= call->seen_us + limit + SECOND,
		"seed %u: call %u is kept for %f s", world.seed, number,
		(double)(call->let_go_us - call->seen_us) / 1e6);
}

static void live_through(unsigned seed)
{
	start(seed);
	run();
	for (unsigned i = 0; i < CALLS; i++)
		check_call(i);
	cr_assert_eq(engine_counters(world.border->engine).endpoints, 0);
	cr_assert_eq(engine_counters(world.border->engine).transactions, 0);
	border_free(world.border);
}

Test(calls_on_a_lossy_network, a_phone_in_a_call_stays_reachable_and_is_let_go_after_it)
{
	unsigned confirmed = 0, keepalives = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		live_through(seed);
		confirmed += world.confirmed;
		keepalives += world.keepalives;
	}
	/* The world is what it is meant to be: most calls come about, and last. */
	cr_assert_gt(confirmed, SEEDS * CALLS);
	cr_assert_gt(keepalives, SEEDS * CALLS);
}
