/* Mode queue: everything between user agents and proxies passes through here, as packets that the
 * kernel hands over and takes back, and only while natbox shows that it lives. */
#include "claim.h"
#include "queue/queue.h"
#include "rules/pulse.h"
#include "served.h"
#include "tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct queueing {
	struct served served;
	struct queue *queue;
	struct growth refused, overruns;
};

static struct queue_settings queue_settings_from(const struct wire *wire)
{
	return (struct queue_settings){
		.number = wire->settings.queue_number,
		.own_mark = wire->settings.relay.own_mark,
	};
}

/* Without the privilege, which is looked at with the rules, the queue cannot be. */
static void queueing_examine(struct wire *wire)
{
	const struct queue_settings settings = queue_settings_from(wire);
	struct queue *queue = NULL;
	struct fault fault;
	int result;

	served_examine(wire);
	result = queue_open(&settings, &queue, &fault);
	if (result != 0 && result != -EPERM)
		tell(wire, WIRE_ERROR, "%s", fault.line);
	queue_close(queue);
}

static int queueing_open(struct wire *wire, struct fault *fault)
{
	const struct queue_settings queue = queue_settings_from(wire);
	struct queueing *queueing = calloc(1, sizeof(*queueing));
	int result;

	if (!queueing)
		return fault_set(fault, -ENOMEM, "no memory to queue");
	wire->own = queueing;
	result = served_find(wire, fault);
	if (result == 0)
		result = queue_open(&queue, &queueing->queue, fault);
	if (result == 0)
		result = served_install(wire, queue_sender(queueing->queue), fault);
	return result;
}

static int queueing_start(struct wire *wire, struct fault *fault)
{
	struct queueing *queueing = wire->own;
	int result = rules_start(queueing->served.rules, fault);

	served_tell(wire, "queued");
	tell(wire, WIRE_DETAIL, "mark of what natbox sends %#x, rules %s",
		wire->settings.relay.own_mark,
		wire->settings.relay.manual ? "by hand" : "installed");
	served_warn_of_forwarding(wire, queueing->served.proxies, queueing->served.proxy_count);
	if (result == 0)
		tell(wire, WIRE_INFORMATION, "ready: relaying for %s, through queue %u",
			served_line(wire), wire->settings.queue_number);
	return result;
}

static unsigned queueing_descriptors(const struct wire *wire, int list[static WIRE_DESCRIPTORS_MAX])
{
	const struct queueing *queueing = wire->own;

	list[0] = queue_descriptor(queueing->queue);
	return 1;
}

static int queueing_receive(struct wire *wire, uint64_t now_us, struct fault *fault)
{
	struct queueing *queueing = wire->own;
	unsigned taken = 0, batch;

	(void)fault;
	do {
		batch = queue_receive(queueing->queue, now_us, &wire->handler);
		taken += batch;
	} while (batch && taken < WIRE_TURN_DATAGRAMS_MAX && !queue_has_rest(queueing->queue) &&
		 wire_has_time(&wire->handler));
	return 0;
}

static bool queueing_has_rest(const struct wire *wire)
{
	const struct queueing *queueing = wire->own;

	return queue_has_rest(queueing->queue);
}

static void queueing_inspect(struct wire *wire)
{
	struct queueing *queueing = wire->own;
	const struct queue_counters counters = queue_counters(queueing->queue);
	char what[128];

	served_inspect(wire, counters.send_errors, counters.last_send_error);
	snprintf(what, sizeof(what),
		"went on late, and as they came: the kernel refused their verdicts: %s",
		strerror(-counters.last_refusal));
	tell_growth(wire, counters.refused, &queueing->refused, what);
	tell_growth(wire, counters.overruns, &queueing->overruns,
		"went past natbox because it did not take them in time");
}

static uint64_t queueing_dropped(const struct wire *wire)
{
	const struct queueing *queueing = wire->own;

	return queue_counters(queueing->queue).overruns;
}

/* What came before the rules let SIP flow past is still in the queue. */
static void queueing_stop(struct wire *wire)
{
	const struct queueing *queueing = wire->own;

	if (!queueing)
		return;
	rules_withdraw(queueing->served.rules);
	if (queueing->queue)
		queue_release(queueing->queue);
}

static int queueing_close(struct wire *wire, struct fault *fault)
{
	struct queueing *queueing = wire->own;
	int error;

	if (!queueing)
		return 0;
	error = rules_remove(queueing->served.rules, fault);
	queue_close(queueing->queue);
	free(queueing);
	return error;
}

const struct wire_kind queue_wire = {
	.claim = CLAIM_RELAY,
	.examine = queueing_examine,
	.open = queueing_open,
	.start = queueing_start,
	.descriptors = queueing_descriptors,
	.receive = queueing_receive,
	.has_rest = queueing_has_rest,
	.send = served_send,
	.flush = served_flush,
	.inspect = queueing_inspect,
	.dropped = queueing_dropped,
	.set_path = served_set_path,
	.linked = served_linked,
	.stop = queueing_stop,
	.close = queueing_close,
	.needs_net_admin = true,
	.proxies_stay = true,
	.longest_turn_us = PULSE_TICK_MS * 1000 / 3,
	/* The sets that the rules match on have run out; a thread that looks now and then renews
	 * them. */
	.deaf_after_pause_us = 2000ull * PULSE_WORK_MS,
};
