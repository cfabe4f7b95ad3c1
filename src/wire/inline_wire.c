/* The modes relay and queue, in which natbox stands inline: all between user agents and proxies
 * passes through here, by the relay's sockets or as packets that the kernel hands over and takes
 * back, and only while natbox shows that it lives. */
#include "claim.h"
#include "named.h"
#include "queue/queue.h"
#include "relay/relay.h"
#include "rules/kernel.h"
#include "rules/pulse.h"
#include "send/sender.h"
#include "served.h"
#include "tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By which of the two it passes. The other one is NULL. */
struct way {
	struct relay *relay;
	struct queue *queue;
};

/* What the rules divert in a direction, and what of it arrives; and how many inspections have seen
 * more of the first since there was more of the second. */
struct arrival {
	uint64_t diverted, arrived;
	unsigned in_vain;
};

struct inlined {
	struct way way;
	struct served served;
	struct installed_rules *rules;
	struct sender *sender; /* the relay's or the queue's */
	struct growth send_errors, forged, misdirected, refused, overruns;
	struct arrival arrivals[RELAY_DIRECTIONS];
};

/* The ports are the relay's; 0: any that is free. */
static int open_way(const struct wire *wire, uint16_t in_port, uint16_t out_port, struct way *way,
	struct fault *fault)
{
	const uint32_t own_mark = wire->settings.relay.own_mark;
	const struct queue_settings queue = {wire->settings.queue_number, own_mark};
	const struct relay_settings relay = {in_port, out_port, own_mark, wire->proxies};

	return wire->settings.queues ? queue_open(&queue, &way->queue, fault)
				     : relay_open(&relay, &way->relay, fault);
}

static void close_way(struct way *way)
{
	relay_close(way->relay);
	queue_close(way->queue);
}

/* Without the privilege, which is looked at with the rules, there is no way. */
static void examine_way(const struct wire *wire, uint16_t in_port, uint16_t out_port)
{
	struct way way = {0};
	struct fault fault;
	const int result = open_way(wire, in_port, out_port, &way, &fault);

	if (result != 0 && result != -EPERM)
		tell(wire, WIRE_ERROR, "%s", fault.line);
	close_way(&way);
}

static void inline_examine(struct wire *wire)
{
	served_examine(wire);
	examine_way(wire, wire->settings.relay.in_port, 0);
	if (!wire->settings.queues)
		examine_way(wire, 0, wire->settings.relay.out_port);
}

static int inline_open(struct wire *wire, struct fault *fault)
{
	const struct wire_settings *settings = &wire->settings;
	struct inlined *inlined = calloc(1, sizeof(*inlined));
	int result;

	if (!inlined)
		return fault_set(fault, -ENOMEM, "no memory to relay");
	wire->own = inlined;
	result = served_choose(
		settings, wire->proxies->list, wire->proxies->count, &inlined->served, fault);
	if (result == 0)
		result = open_way(wire, settings->relay.in_port, settings->relay.out_port,
			&inlined->way, fault);
	if (result == 0)
		result = rules_install(&inlined->served.rules, &inlined->rules, fault);
	if (result != 0)
		return result;
	inlined->sender = settings->queues ? queue_sender(inlined->way.queue)
					   : relay_sender(inlined->way.relay);
	sender_set_path(inlined->sender, settings->path);
	return 0;
}

static void tell_rules(const struct wire *wire)
{
	const struct wire_settings *settings = &wire->settings;
	const char *whose = settings->relay.manual ? "by hand" : "installed";

	served_tell(wire, &((const struct inlined *)wire->own)->served);
	if (settings->queues)
		tell(wire, WIRE_DETAIL, "mark of what natbox sends %#x, rules %s",
			settings->relay.own_mark, whose);
	else
		tell(wire, WIRE_DETAIL, "marks %#x and %#x, routing table %u, rules %s",
			settings->relay.mark, settings->relay.own_mark, settings->relay.table,
			whose);
}

static int inline_start(struct wire *wire, struct fault *fault)
{
	const struct wire_settings *settings = &wire->settings;
	const struct inlined *inlined = wire->own;
	const struct rules_settings *rules = &inlined->served.rules;
	const int result = rules_start(inlined->rules, fault);
	const char *served = named_line(settings, rules->proxies, rules->proxy_count);

	tell_rules(wire);
	served_warn(wire, &inlined->served);
	named_examine(wire, WIRE_WARNING);
	if (result == 0 && settings->queues)
		tell(wire, WIRE_INFORMATION, "ready: relaying for %s, through queue %u", served,
			settings->queue_number);
	else if (result == 0)
		tell(wire, WIRE_INFORMATION, "ready: relaying for %s, through ports %u and %u",
			served, settings->relay.in_port, settings->relay.out_port);
	return result;
}

static unsigned inline_descriptors(const struct wire *wire, int list[static WIRE_DESCRIPTORS_MAX])
{
	const struct way *way = &((const struct inlined *)wire->own)->way;

	_Static_assert((int)RELAY_DESCRIPTORS_MAX <= (int)WIRE_DESCRIPTORS_MAX, "room for all");
	if (way->relay)
		return relay_descriptors(way->relay, list);
	list[0] = queue_descriptor(way->queue);
	return 1;
}

static bool inline_has_rest(const struct wire *wire)
{
	const struct way *way = &((const struct inlined *)wire->own)->way;

	return way->relay ? relay_has_rest(way->relay) : queue_has_rest(way->queue);
}

static int inline_receive(struct wire *wire, uint64_t now_us, struct fault *fault)
{
	const struct way *way = &((const struct inlined *)wire->own)->way;
	unsigned taken = 0, batch;

	(void)fault;
	do {
		batch = way->relay ? relay_receive(way->relay, now_us, &wire->handler)
				   : queue_receive(way->queue, now_us, &wire->handler);
		taken += batch;
	} while (batch && taken < WIRE_TURN_DATAGRAMS_MAX && !inline_has_rest(wire) &&
		 wire_has_time(&wire->handler));
	return 0;
}

static int inline_send(struct wire *wire, uint64_t now_us, const struct flow *flow,
	struct text bytes, struct fault *fault)
{
	const struct inlined *inlined = wire->own;
	int result;

	(void)now_us;
	if (proxies_find(wire->proxies, &flow->source) == PROXY_NONE)
		result = sender_add(inlined->sender, flow, hop_of_this_host, bytes);
	else
		result = sender_add_keepalive(inlined->sender, flow, bytes);
	if (result != 0)
		return fault_set(fault, result, "cannot send a keepalive or an answer: %s",
			strerror(-result));
	return 0;
}

static void inline_flush(struct wire *wire)
{
	const struct inlined *inlined = wire->own;

	sender_flush(inlined->sender);
	rules_tick(inlined->rules);
}

static void inline_set_path(struct wire *wire, enum keepalive_path path)
{
	const struct inlined *inlined = wire->own;

	sender_set_path(inlined->sender, path);
}

static void tell_send_errors(
	const struct wire *wire, struct inlined *inlined, uint64_t errors, int last)
{
	char what[128];

	snprintf(what, sizeof(what), "were not sent, the last because of: %s; %s", strerror(-last),
		sender_advice(last));
	tell_growth(wire, errors, &inlined->send_errors, what);
}

/* Three times in a row nothing arrives by no delay of a thread's. */
static void inspect_arrival(const struct wire *wire, struct inlined *inlined,
	const struct relay_counters *counters, enum relay_direction direction)
{
	static const enum rules_counter diverted[] = {
		[RELAY_IN] = RULES_TO_PROXIES, [RELAY_OUT] = RULES_FROM_PROXIES};
	struct arrival *before = &inlined->arrivals[direction];
	struct fault bridge = {0};
	struct arrival now = {.diverted = rules_counter(inlined->rules, diverted[direction]),
		.arrived = counters->received[direction] + counters->overruns,
		.in_vain = before->in_vain};

	if (now.arrived != before->arrived)
		now.in_vain = 0;
	else if (now.diverted > before->diverted && ++now.in_vain == 3)
		tell(wire, WIRE_ERROR,
			"what the rules divert on its way %s a proxy is lost on this host before "
			"it arrives here; have the firewall let in what bears the mark %#x "
			"(natbox(8), Relay mode: firewall and kernel)%s%s",
			direction == RELAY_IN ? "to" : "from", wire->settings.relay.mark,
			kernel_check_bridges(&bridge) ? "; if it comes over a bridge: " : "",
			bridge.line);
	*before = now;
}

static void inspect_relay(const struct wire *wire, struct inlined *inlined)
{
	const struct relay_counters counters = relay_counters(inlined->way.relay);

	inspect_arrival(wire, inlined, &counters, RELAY_IN);
	inspect_arrival(wire, inlined, &counters, RELAY_OUT);
	tell_send_errors(wire, inlined, counters.send_errors, counters.last_send_error);
	tell_growth(wire, counters.misdirected, &inlined->misdirected,
		"were dropped: sent straight to a relay port, or to or from no proxy");
	tell_growth(wire, counters.overruns, &inlined->overruns,
		"were lost because natbox did not take them in time");
}

static void inspect_queue(const struct wire *wire, struct inlined *inlined)
{
	const struct queue_counters counters = queue_counters(inlined->way.queue);
	char what[128];

	tell_send_errors(wire, inlined, counters.send_errors, counters.last_send_error);
	snprintf(what, sizeof(what),
		"went on late, and as they came: the kernel refused their verdicts: %s",
		strerror(-counters.last_refusal));
	tell_growth(wire, counters.refused, &inlined->refused, what);
	tell_growth(wire, counters.overruns, &inlined->overruns,
		"went past natbox because it did not take them in time");
}

static void inline_inspect(struct wire *wire)
{
	struct inlined *inlined = wire->own;
	struct fault fault;

	if (sender_path_news(inlined->sender, &fault))
		tell(wire, WIRE_INFORMATION, "%s", fault.line);
	if (rules_trouble(inlined->rules, &fault))
		tell(wire, WIRE_ERROR, "%s", fault.line);
	if (inlined->way.relay)
		inspect_relay(wire, inlined);
	else
		inspect_queue(wire, inlined);
	tell_growth(wire, rules_counter(inlined->rules, RULES_FORGED), &inlined->forged,
		"were dropped: they bore a proxy's source, but came in where no route to it "
		"points; ip route get tells where it does");
}

static struct wire_counters inline_counters(const struct wire *wire)
{
	const struct inlined *inlined = wire->own;
	const struct way *way = &inlined->way;

	return (struct wire_counters){
		.dropped = way->relay ? relay_counters(way->relay).overruns
				      : queue_counters(way->queue).overruns,
		.linked = sender_counters(inlined->sender).linked,
	};
}

/* What came before the rules let SIP flow past is still in the queue. */
static void inline_stop(struct wire *wire)
{
	const struct inlined *inlined = wire->own;

	if (!inlined)
		return;
	rules_withdraw(inlined->rules);
	if (inlined->way.queue)
		queue_release(inlined->way.queue);
}

static int inline_close(struct wire *wire, struct fault *fault)
{
	struct inlined *inlined = wire->own;
	int error;

	if (!inlined)
		return 0;
	error = rules_remove(inlined->rules, fault);
	close_way(&inlined->way);
	free(inlined);
	return error;
}

const struct wire_kind inline_wire = {
	.claim = CLAIM_RELAY,
	.examine = inline_examine,
	.open = inline_open,
	.start = inline_start,
	.descriptors = inline_descriptors,
	.receive = inline_receive,
	.has_rest = inline_has_rest,
	.send = inline_send,
	.flush = inline_flush,
	.inspect = inline_inspect,
	.counters = inline_counters,
	.set_path = inline_set_path,
	.stop = inline_stop,
	.close = inline_close,
	.needs_net_admin = true,
	.proxies_stay = true,
	.longest_turn_us = PULSE_TICK_MS * 1000 / 3,
	/* The sets that the rules match on have run out; a thread that looks now and then renews
	 * them. */
	.deaf_after_pause_us = 2000ull * PULSE_WORK_MS,
};
