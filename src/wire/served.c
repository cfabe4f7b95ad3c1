#include "served.h"

#include "host.h"
#include "named.h"
#include "rules/rules.h"
#include "tell.h"

#include <errno.h>

/* Without this host's loopback addresses, where no user agent comes from, unless they are named. */
size_t served_list(const struct wire_settings *settings, const struct address *proxies,
	size_t count, struct address *served)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool named = false;

		for (unsigned j = 0; j < settings->named_count; j++)
			named |= address_equal(&settings->named[j], &proxies[i]);
		if (named || !named_is_loopback(&proxies[i]))
			served[kept++] = proxies[i];
	}
	return kept;
}

struct rules_settings served_rules(
	const struct wire_settings *settings, const struct address *served, size_t count)
{
	return (struct rules_settings){
		.queues = settings->queues,
		.queue = settings->queue_number,
		.in_port = settings->relay.in_port,
		.out_port = settings->relay.out_port,
		.mark = settings->relay.mark,
		.own_mark = settings->relay.own_mark,
		.table = settings->relay.table,
		.manual = settings->relay.manual,
		.proxies = served,
		.proxy_count = count,
	};
}

int served_refuse_none(struct fault *fault)
{
	return fault_set_kind(fault, FAULT_ABSENT, -ENOENT,
		"this host has no address but loopback that a proxy could have: set natbox.proxy");
}

void served_warn_of_loopback(const struct wire *wire, const struct address *served, size_t count)
{
	static struct host host;
	char text[ADDRESS_TEXT_MAX];

	if (host_read(&host) != 0 || host.loopback_is_up)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!host_has(&host, &served[i]))
			continue;
		address_format(&served[i], text);
		tell(wire, WIRE_WARNING,
			"the loopback interface is down, over which relay mode reaches the proxy "
			"on this host, %s: it gets nothing; ip link set lo up",
			text);
		return;
	}
}

static void on_rules_fault(void *context, const struct fault *fault)
{
	tell(context, WIRE_ERROR, "%s", fault->line);
}

void served_examine(struct wire *wire)
{
	static struct address proxies[PROXIES_MAX], served[PROXIES_MAX];
	const struct wire_settings *settings = &wire->settings;
	struct rules_settings rules;
	struct fault fault;
	int count = wire_find_proxies(settings, proxies, &fault);

	rules = served_rules(settings, served,
		count > 0 ? served_list(settings, proxies, (size_t)count, served) : 0);
	if (!rules.proxy_count && served_refuse_none(&fault))
		tell(wire, WIRE_ERROR, "%s", fault.line);
	if (!settings->queues)
		served_warn_of_loopback(wire, served, rules.proxy_count);
	rules_examine(&rules, on_rules_fault, wire);
}

int wire_print_rules(const struct wire_settings *settings, FILE *file, struct fault *fault)
{
	static struct address proxies[PROXIES_MAX], served[PROXIES_MAX];
	struct rules_settings rules;
	int count = wire_find_proxies(settings, proxies, fault);

	if (count < 0)
		return count;
	rules = served_rules(
		settings, served, served_list(settings, proxies, (size_t)count, served));
	rules_print(&rules, file);
	return 0;
}
