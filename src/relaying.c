/* Relay mode: everything between user agents and proxies passes through here, and only while natbox
 * shows that it lives. */
#include "live.h"

#include "wire/relay/relay.h"
#include "wire/relay/rules.h"
#include <natbox/ops.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct relaying {
	struct relay *relay;
	struct installed_rules *rules;
	size_t proxy_count;
	struct address proxies[PROXY_ADDRESSES_MAX]; /* that are diverted */
	struct relay_counters reported;
	uint64_t forged_reported;
};

/* Without this host's loopback addresses, where no user agent comes from, unless they are named. */
static size_t list_diverted(const struct config *config, const struct address *proxies,
	size_t count, struct address *diverted)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool named = false;

		for (unsigned j = 0; j < config->proxy_count; j++)
			named |= !config->proxies[j].any &&
				 address_equal(&config->proxies[j].address, &proxies[i]);
		if (named || !live_is_loopback(&proxies[i]))
			diverted[kept++] = proxies[i];
	}
	return kept;
}

static struct rules_settings rules_settings_from(
	const struct config *config, const struct address *diverted, size_t count)
{
	return (struct rules_settings){
		.in_port = (uint16_t)config->relay.in_port,
		.out_port = (uint16_t)config->relay.out_port,
		.mark = config->relay.mark,
		.own_mark = config->relay.own_mark,
		.table = config->relay.table,
		.manual = config->relay.rules == RULES_MANUAL,
		.proxies = diverted,
		.proxy_count = count,
	};
}

static int relaying_open(struct live *live, struct fault *fault)
{
	const struct config *config = live->config;
	const struct relay_settings settings = {
		.in_port = (uint16_t)config->relay.in_port,
		.out_port = (uint16_t)config->relay.out_port,
		.own_mark = config->relay.own_mark,
	};
	struct relaying *relaying = calloc(1, sizeof(*relaying));
	struct rules_settings rules;
	int result;

	if (!relaying)
		return fault_set(fault, -ENOMEM, "no memory to relay");
	live->wire_state = relaying;
	relaying->proxy_count =
		list_diverted(config, live->proxies, live->proxy_count, relaying->proxies);
	if (!relaying->proxy_count)
		return fault_set(fault, -ENOENT,
			"this host has no address but loopback that a proxy could have: set "
			"natbox.proxy");
	rules = rules_settings_from(config, relaying->proxies, relaying->proxy_count);
	result = relay_open(&settings, &relaying->relay, fault);
	if (result == 0)
		result = rules_install(&rules, &relaying->rules, fault);
	return result;
}

static void log_diverted(const struct live *live)
{
	const struct relaying *relaying = live->wire_state;
	char text[ADDRESS_TEXT_MAX];

	if (log_get_level() < LOG_LEVEL_DEBUG)
		return;
	for (size_t i = 0; i < relaying->proxy_count; i++) {
		address_format(&relaying->proxies[i], text);
		log_debug("diverted: what goes to %s, and comes from there", text);
	}
	log_debug("marks %#x and %#x, routing table %u, rules %s", live->config->relay.mark,
		live->config->relay.own_mark, live->config->relay.table,
		live->config->relay.rules == RULES_AUTO ? "installed" : "by hand");
}

static int relaying_start(struct live *live, struct fault *fault)
{
	struct relaying *relaying = live->wire_state;
	int result = rules_start(relaying->rules, fault);

	log_diverted(live);
	if (result == 0)
		log_info("ready: relaying for %s, through ports %u and %u",
			live_name_proxies(live->config, relaying->proxies, relaying->proxy_count),
			live->config->relay.in_port, live->config->relay.out_port);
	return result;
}

static unsigned relaying_descriptors(const struct live *live, int list[static WIRE_DESCRIPTORS_MAX])
{
	const struct relaying *relaying = live->wire_state;

	_Static_assert((int)RELAY_DESCRIPTORS_MAX <= (int)WIRE_DESCRIPTORS_MAX, "room for all");
	return relay_descriptors(relaying->relay, list);
}

static bool is_proxy(void *context, const struct address *address)
{
	const struct live *live = context;

	return engine_is_proxy(live->engine, address);
}

static struct outcome on_datagram(
	void *context, const struct flow *flow, enum relay_direction direction, struct text bytes)
{
	(void)direction; /* the engine sees it by the addresses */
	return live_datagram(context, 0, flow, bytes);
}

static int relaying_receive(struct live *live, struct fault *fault)
{
	const struct relay_handler handler = {
		.context = live, .is_proxy = is_proxy, .datagram = on_datagram};
	struct relaying *relaying = live->wire_state;
	unsigned taken = 0, batch;

	(void)fault;
	do {
		batch = relay_receive(relaying->relay, &handler);
		taken += batch;
	} while (batch && taken < TURN_DATAGRAMS_MAX && !relay_has_rest(relaying->relay));
	return 0;
}

static bool relaying_has_rest(const struct live *live)
{
	const struct relaying *relaying = live->wire_state;

	return relay_has_rest(relaying->relay);
}

static int relaying_send(
	struct live *live, const struct flow *flow, struct text bytes, struct fault *fault)
{
	struct relaying *relaying = live->wire_state;
	int result = relay_send(relaying->relay, flow, bytes);

	if (result != 0)
		return fault_set(fault, result, "cannot send a keepalive: %s", strerror(-result));
	return 0;
}

static void relaying_flush(struct live *live)
{
	struct relaying *relaying = live->wire_state;

	relay_flush(relaying->relay);
	rules_tick(relaying->rules);
}

static void report_growth(uint64_t now, uint64_t *reported, const char *what)
{
	if (now > *reported)
		log_warning("%llu datagrams %s", (unsigned long long)(now - *reported), what);
	*reported = now;
}

static void relaying_inspect(struct live *live)
{
	struct relaying *relaying = live->wire_state;
	const struct relay_counters counters = relay_counters(relaying->relay);
	char what[128];
	struct fault fault;

	if (rules_trouble(relaying->rules, &fault))
		log_error("%s", fault.line);
	snprintf(what, sizeof(what), "were not sent, the last because of: %s",
		strerror(-counters.last_send_error));
	report_growth(counters.send_errors, &relaying->reported.send_errors, what);
	report_growth(counters.misdirected, &relaying->reported.misdirected,
		"were dropped: sent straight to a relay port, or to or from no proxy");
	report_growth(counters.overruns, &relaying->reported.overruns,
		"were lost because natbox did not take them in time");
	report_growth(rules_forged(relaying->rules), &relaying->forged_reported,
		"were dropped: they bore a proxy's source but did not come from there");
}

static uint64_t relaying_dropped(const struct live *live)
{
	const struct relaying *relaying = live->wire_state;

	return relay_counters(relaying->relay).overruns;
}

static void relaying_stop(struct live *live)
{
	const struct relaying *relaying = live->wire_state;

	if (relaying)
		rules_withdraw(relaying->rules);
}

static void relaying_close(struct live *live)
{
	struct relaying *relaying = live->wire_state;

	if (!relaying)
		return;
	rules_remove(relaying->rules);
	relay_close(relaying->relay);
	free(relaying);
}

const struct wire relay_wire = {
	.claim = "relay",
	.open = relaying_open,
	.start = relaying_start,
	.descriptors = relaying_descriptors,
	.receive = relaying_receive,
	.has_rest = relaying_has_rest,
	.send = relaying_send,
	.flush = relaying_flush,
	.inspect = relaying_inspect,
	.dropped = relaying_dropped,
	.stop = relaying_stop,
	.close = relaying_close,
	.needs_net_admin = true,
	.longest_turn_us = RULES_TICK_MS * 1000 / 3,
};

int rules_run(const struct config *config)
{
	static struct address proxies[PROXY_ADDRESSES_MAX], diverted[PROXY_ADDRESSES_MAX];
	struct rules_settings settings;
	struct fault fault;
	int count = live_list_proxies(config, proxies, &fault);

	if (count < 0) {
		log_error("%s", fault.line);
		return EXIT_FAILURE;
	}
	settings = rules_settings_from(
		config, diverted, list_diverted(config, proxies, (size_t)count, diverted));
	rules_print(&settings, stdout);
	return EXIT_SUCCESS;
}
