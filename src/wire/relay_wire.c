/* Relay mode: everything between user agents and proxies passes through here, and only while natbox
 * shows that it lives. */
#include "claim.h"
#include "relay/relay.h"
#include "rules/pulse.h"
#include "served.h"
#include "tell.h"

#include <errno.h>
#include <stdlib.h>

struct relaying {
	struct served served;
	struct relay *relay;
	struct growth misdirected, overruns;
};

static struct relay_settings relay_settings_from(const struct wire *wire)
{
	return (struct relay_settings){
		.in_port = wire->settings.relay.in_port,
		.out_port = wire->settings.relay.out_port,
		.own_mark = wire->settings.relay.own_mark,
		.proxies = wire->proxies,
	};
}

/* Without the privilege, which is looked at with the rules, the ports cannot be. */
static void examine_ports(const struct wire *wire, const struct relay_settings *settings)
{
	struct relay *relay = NULL;
	struct fault fault;
	int result = relay_open(settings, &relay, &fault);

	if (result != 0 && result != -EPERM)
		tell(wire, WIRE_ERROR, "%s", fault.line);
	relay_close(relay);
}

static void relaying_examine(struct wire *wire)
{
	struct relay_settings in = relay_settings_from(wire), out = in;

	served_examine(wire);
	in.out_port = out.in_port = 0; /* any that is free */
	examine_ports(wire, &in);
	examine_ports(wire, &out);
}

static int relaying_open(struct wire *wire, struct fault *fault)
{
	const struct relay_settings relay = relay_settings_from(wire);
	struct relaying *relaying = calloc(1, sizeof(*relaying));
	int result;

	if (!relaying)
		return fault_set(fault, -ENOMEM, "no memory to relay");
	wire->own = relaying;
	result = served_find(wire, fault);
	if (result == 0)
		result = relay_open(&relay, &relaying->relay, fault);
	if (result == 0)
		result = served_install(wire, relay_sender(relaying->relay), fault);
	return result;
}

static int relaying_start(struct wire *wire, struct fault *fault)
{
	struct relaying *relaying = wire->own;
	int result = rules_start(relaying->served.rules, fault);

	served_tell(wire, "diverted");
	tell(wire, WIRE_DETAIL, "marks %#x and %#x, routing table %u, rules %s",
		wire->settings.relay.mark, wire->settings.relay.own_mark,
		wire->settings.relay.table, wire->settings.relay.manual ? "by hand" : "installed");
	served_warn_of_loopback(wire, relaying->served.proxies, relaying->served.proxy_count);
	served_warn_of_forwarding(wire, relaying->served.proxies, relaying->served.proxy_count);
	if (result == 0)
		tell(wire, WIRE_INFORMATION, "ready: relaying for %s, through ports %u and %u",
			served_line(wire), wire->settings.relay.in_port,
			wire->settings.relay.out_port);
	return result;
}

static unsigned relaying_descriptors(const struct wire *wire, int list[static WIRE_DESCRIPTORS_MAX])
{
	const struct relaying *relaying = wire->own;

	_Static_assert((int)RELAY_DESCRIPTORS_MAX <= (int)WIRE_DESCRIPTORS_MAX, "room for all");
	return relay_descriptors(relaying->relay, list);
}

static int relaying_receive(struct wire *wire, uint64_t now_us, struct fault *fault)
{
	struct relaying *relaying = wire->own;
	unsigned taken = 0, batch;

	(void)fault;
	do {
		batch = relay_receive(relaying->relay, now_us, &wire->handler);
		taken += batch;
	} while (batch && taken < WIRE_TURN_DATAGRAMS_MAX && !relay_has_rest(relaying->relay) &&
		 wire_has_time(&wire->handler));
	return 0;
}

static bool relaying_has_rest(const struct wire *wire)
{
	const struct relaying *relaying = wire->own;

	return relay_has_rest(relaying->relay);
}

static void relaying_inspect(struct wire *wire)
{
	struct relaying *relaying = wire->own;
	const struct relay_counters counters = relay_counters(relaying->relay);

	served_inspect(wire, counters.send_errors, counters.last_send_error);
	tell_growth(wire, counters.misdirected, &relaying->misdirected,
		"were dropped: sent straight to a relay port, or to or from no proxy");
	tell_growth(wire, counters.overruns, &relaying->overruns,
		"were lost because natbox did not take them in time");
}

static uint64_t relaying_dropped(const struct wire *wire)
{
	const struct relaying *relaying = wire->own;

	return relay_counters(relaying->relay).overruns;
}

static void relaying_stop(struct wire *wire)
{
	const struct relaying *relaying = wire->own;

	if (relaying)
		rules_withdraw(relaying->served.rules);
}

static int relaying_close(struct wire *wire, struct fault *fault)
{
	struct relaying *relaying = wire->own;
	int error;

	if (!relaying)
		return 0;
	error = rules_remove(relaying->served.rules, fault);
	relay_close(relaying->relay);
	free(relaying);
	return error;
}

const struct wire_kind relay_wire = {
	.claim = CLAIM_RELAY,
	.examine = relaying_examine,
	.open = relaying_open,
	.start = relaying_start,
	.descriptors = relaying_descriptors,
	.receive = relaying_receive,
	.has_rest = relaying_has_rest,
	.send = served_send,
	.flush = served_flush,
	.inspect = relaying_inspect,
	.dropped = relaying_dropped,
	.set_path = served_set_path,
	.linked = served_linked,
	.stop = relaying_stop,
	.close = relaying_close,
	.needs_net_admin = true,
	.proxies_stay = true,
	.longest_turn_us = PULSE_TICK_MS * 1000 / 3,
	/* The sets that divert have run out; a thread that looks now and then renews them. */
	.deaf_after_pause_us = 2000ull * PULSE_WORK_MS,
};
