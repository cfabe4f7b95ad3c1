#include "served.h"

#include "host.h"
#include "named.h"
#include "rules/kernel.h"
#include "tell.h"

#include <errno.h>
#include <stdio.h>

/* Loopback addresses, where no user agent comes from, are served only where they are named. */
static bool is_served(const struct wire_settings *settings, const struct address *proxy)
{
	for (unsigned i = 0; i < settings->named_count; i++) {
		if (address_equal(&settings->named[i], proxy))
			return true;
	}
	return !address_is_loopback(proxy);
}

int served_choose(const struct wire_settings *settings, const struct address *proxies, size_t count,
	struct served *served, struct fault *fault)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_served(settings, &proxies[i]))
			served->proxies[kept++] = proxies[i];
	}
	served->rules = (struct rules_settings){
		.queues = settings->queues,
		.queue = settings->queue_number,
		.in_port = settings->relay.in_port,
		.out_port = settings->relay.out_port,
		.mark = settings->relay.mark,
		.own_mark = settings->relay.own_mark,
		.table = settings->relay.table,
		.manual = settings->relay.manual,
		.proxies = served->proxies,
		.proxy_count = kept,
	};
	return kept ? 0
		    : fault_set_kind(fault, FAULT_ABSENT, -ENOENT,
			      "this host has no address but loopback that a proxy could have: set "
			      "natbox.proxy");
}

void served_tell(const struct wire *wire, const struct served *served)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < served->rules.proxy_count; i++) {
		address_format(&served->proxies[i], text);
		tell(wire, WIRE_DETAIL, "%s: what goes to %s, and comes from there",
			served->rules.queues ? "queued" : "diverted", text);
	}
}

/* Relay mode sends what is for a proxy on this host over the loopback interface, which is down in a
 * network namespace that is new; and by the host's own routes, which do not have what is in a VRF.
 * Mode queue does not mind. */
static void warn_of_proxies_here(const struct wire *wire, const struct served *served)
{
	static struct host host;
	char text[ADDRESS_TEXT_MAX];

	if (served->rules.queues || host_read(&host) != 0)
		return;
	for (size_t i = 0; i < served->rules.proxy_count; i++) {
		if (!host_has(&host, &served->proxies[i]))
			continue;
		if (host.loopback_is_up && kernel_is_way_of_loopback(&served->proxies[i]))
			continue;
		address_format(&served->proxies[i], text);
		tell(wire, WIRE_WARNING,
			host.loopback_is_up
				? "no route of this host leads to its own address %s, as in a "
				  "routing domain (VRF): in relay mode the proxy there gets "
				  "nothing; set natbox.mode to queue"
				: "the loopback interface is down, over which relay mode reaches "
				  "the proxy on this host, %s: it gets nothing; ip link set lo up",
			text);
		return;
	}
}

static void warn_of_forwarding(const struct wire *wire, const struct served *served)
{
	char text[ADDRESS_TEXT_MAX];
	const char *sysctl;

	for (size_t i = 0; i < served->rules.proxy_count; i++) {
		if (!kernel_keeps_from(&served->proxies[i], &sysctl))
			continue;
		address_format(&served->proxies[i], text);
		tell(wire, WIRE_WARNING,
			"this host does not forward: the proxy behind it, %s, gets nothing%s; "
			"sysctl -w %s=1",
			text, served->rules.queues ? "" : " when natbox is gone", sysctl);
		return;
	}
}

void served_warn(const struct wire *wire, const struct served *served)
{
	warn_of_proxies_here(wire, served);
	warn_of_forwarding(wire, served);
}

static void on_rules_fault(void *context, int error, const struct fault *fault)
{
	(void)error;
	tell(context, WIRE_ERROR, "%s", fault->line);
}

void served_examine(struct wire *wire)
{
	static struct address proxies[PROXIES_MAX];
	static struct served served;
	struct fault fault;
	const int count = wire_find_proxies(&wire->settings, proxies, &fault);

	if (served_choose(
		    &wire->settings, proxies, count > 0 ? (size_t)count : 0, &served, &fault) != 0)
		tell(wire, WIRE_ERROR, "%s", fault.line);
	served_warn(wire, &served);
	rules_examine(&served.rules, on_rules_fault, wire);
}

/* They are the same for all proxies, and so for none. */
int wire_print_rules(const struct wire_settings *settings, FILE *file, struct fault *fault)
{
	static struct address proxies[PROXIES_MAX];
	static struct served served;
	const int count = wire_find_proxies(settings, proxies, fault);

	if (count < 0)
		return count;
	served_choose(settings, proxies, (size_t)count, &served, fault);
	rules_print(&served.rules, file);
	return 0;
}
