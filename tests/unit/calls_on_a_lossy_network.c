/* Calls between phones that keep to RFC 3261's timers, over a network that loses, repeats and
 * overtakes. Between them stands a stateless proxy (RFC 3261 16.11), and in front of that the
 * border, so each message passes it twice, on its way to the proxy and on its way from there. In
 * some worlds NATs give phones new ports at any time, and in some the border is restarted now and
 * then. However bad the network, a phone in a call is kept reachable, and what was kept is let go
 * when the call is over. */
#include "call_world.h"
#include "sip_messages.h"
#include "tries.h"

#include <criterion/criterion.h>

enum {
	SEEDS = 160 / ONE_TRY_OF,
	LOST_ONCE_IN = 8, /* on each of the four hops: four of ten messages do not arrive */
	REPEATED_ONCE_IN = 20,
	HOPS = 4,
	BYES_MAX = 20,
	RESTARTS = 4, /* where there are any */
	MOVES = 60,   /* likewise */
};

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

/* The phones. */

static void ask(unsigned number, enum side side, enum method method)
{
	struct agent *agent = &world.calls[number].agents[side];
	unsigned cseq = method == CANCEL ? 1 : ++agent->cseq;
	struct message message = {.call = number,
		.from = side,
		.method = method,
		.cseq = cseq,
		.place = place_of(number, side),
		.to = method == INVITE || method == CANCEL ? agent->ringing_at : agent->target};

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
	const struct agent *agent = &world.calls[number].agents[CALLER];

	send((struct message){.call = number,
		.from = CALLER,
		.method = ACK,
		.cseq = 1,
		.place = place_of(number, CALLER),
		.to = agent->target});
}

static void respond(const struct message *request, unsigned status)
{
	send((struct message){.call = request->call,
		.from = !request->from,
		.method = request->method,
		.cseq = request->cseq,
		.place = place_of(request->call, !request->from),
		.to = request->place,
		.status = status});
}

static void go_up(unsigned number, enum side side)
{
	struct call *call = &world.calls[number];

	call->agents[side].state = UP;
	call->was_up = true;
	world.confirmed++;
	call->agents[side].counts = !call->was_restarted;
	plan((struct event_due){.what = HANG_UP, .message = {.call = number, .from = side}},
		chance_us(1, 300));
	if (call->has_timer)
		plan((struct event_due){.what = UPDATE_NOW,
			     .message = {.call = number, .from = side}},
			chance_us(1, 30));
}

static void count_no_more(struct agent *agent)
{
	agent->counts = false;
}

static void go_down(unsigned number, enum side side)
{
	struct agent *agent = &world.calls[number].agents[side];

	if (agent->state == UP) {
		note_all();
		count_no_more(agent);
	}
	agent->state = OVER;
}

static void hang_up(unsigned number, enum side side)
{
	go_down(number, side);
	if (world.calls[number].agents[side].byes++ < BYES_MAX)
		ask(number, side, BYE);
}

static void finish_invite(unsigned number, unsigned status)
{
	struct call *call = &world.calls[number];
	struct message invite = {.call = number,
		.from = CALLER,
		.method = INVITE,
		.cseq = 1,
		.place = call->invited_from};

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

	if (message->method == INVITE && (agent->state == IDLE || world.answers_where_it_came_last))
		call->invited_from = message->place;
	if (message->method == INVITE && agent->state == IDLE)
		agent->target = message->place;
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
		if (agent->state == UP) {
			if (message->cseq > agent->target_cseq)
				agent->target = message->place;
			if (message->cseq > agent->target_cseq)
				agent->target_cseq = message->cseq;
			agent->updated = message->cseq;
		}
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
	if (agent->awaiting[INVITE])
		agent->target = message->place;
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
	if (message->method == UPDATE && message->status == 200)
		agent->target = message->place;
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
	event.message.place = place_of(event.message.call, event.message.from);
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
	event.message.place = call->invited_from;
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
		ask(number, CALLER, CANCEL);
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
	world.restarts++;
	border_restart(world.border);
}

/* Some notice it, and tell the other sides of their calls. */
static void move(void)
{
	const unsigned number = generator_below(&world.chance, PHONES);
	const bool notices = !generator_once_in(&world.chance, 3);

	if (world.phones[number].place == PLACES - 1)
		return;
	note_all();
	world.phones[number].place++;
	note_all();
	for (unsigned i = 0; i < 2 * CALLS && notices; i++) {
		const struct agent *agent = &world.calls[i / 2].agents[i % 2];

		if (agent->phone == number && agent->state == UP)
			plan((struct event_due){.what = UPDATE_ONCE,
				     .message = {.call = i / 2, .from = i % 2}},
				chance_us(0, 5));
	}
}

static void start_call(unsigned number)
{
	struct call *call = &world.calls[number];
	unsigned caller = generator_below(&world.chance, PHONES);
	unsigned callee = (caller + 1 + generator_below(&world.chance, PHONES - 1)) % PHONES;

	*call = (struct call){
		.agents = {{.phone = caller, .state = TRYING}, {.phone = callee, .cseq = 100}},
		.has_timer =
			(world.has_restarts && world.moves) || generator_once_in(&world.chance, 2),
	};
	call->agents[CALLER].ringing_at = call->agents[CALLER].target = world.phones[callee].place;
	ask(number, CALLER, INVITE);
	if (generator_once_in(&world.chance, 3))
		plan((struct event_due){.what = GIVE_UP, .message = {.call = number}},
			chance_us(1, 25));
}

static void happen(const void *what)
{
	const struct event_due *event = what;
	const struct message *message = &event->message;
	struct agent *agent = &world.calls[message->call].agents[message->from];

	switch (event->what) {
	case ARRIVE:
		if (event->hop % 2 == 0)
			pass_border(message, event->hop == 0);
		if (event->hop + 1 < HOPS)
			travel(*message, event->hop + 1);
		else if (message->to != place_of(message->call, !message->from))
			break;
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
	case UPDATE_ONCE:
		if (agent->state == UP && !agent->awaiting[UPDATE])
			ask(message->call, message->from, UPDATE);
		break;
	case START:
		start_call(message->call);
		break;
	case MOVE:
		move();
		break;
	case ANSWER_KEEPALIVE:
		answer_keepalive(message);
		break;
	case UPDATE_NOW:
		if (agent->state != UP)
			break;
		ask(message->call, message->from, UPDATE);
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

static void start(unsigned seed)
{
	world = (struct call_world){.seed = seed, .border = border_new()};
	generator_seed(&world.chance, seed);
	watch();
	/* What is over stays known as long as messages of it may come. */
	world.border->settings.limits.transactions = 20000;
	world.moves = !generator_once_in(&world.chance, 4);
	world.has_restarts = generator_once_in(&world.chance, 4);
	world.answers_where_it_came_last = generator_once_in(&world.chance, 2);
	world.is_ipv6 = generator_once_in(&world.chance, 4);
	world.border->leaves_unproven = generator_once_in(&world.chance, 2);
	if (world.is_ipv6)
		world.border->proxy = at("[2001:db8:ff::1]:5060");
	world.now_us = world.border->now_us;
	for (unsigned i = 0; i < CALLS; i++)
		plan((struct event_due){.what = START, .message = {.call = i}}, chance_us(0, 250));
	for (unsigned i = 0; i < RESTARTS && world.has_restarts; i++)
		plan((struct event_due){.what = RESTART}, chance_us(0, 400));
	for (unsigned i = 0; i < MOVES && world.moves; i++)
		plan((struct event_due){.what = MOVE}, chance_us(0, 500));
}

static void live_through(unsigned seed)
{
	start(seed);
	agenda_live(&world.agenda, world.border, &world.now_us, happen);
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
