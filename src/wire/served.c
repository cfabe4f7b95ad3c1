#include "served.h"

#include "host.h"
#include "named.h"
#include "rules/kernel.h"
#include "tell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Without this host's loopback addresses, where no user agent comes from, unless they are named. */
static size_t list_served(const struct wire_settings *settings, const struct address *proxies,
	size_t count, struct address *served)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool named = false;

		for (unsigned j = 0; j < settings->named_count; j++)
			named |= address_equal(&settings->named[j], &proxies[i]);
		if (named || !address_is_loopback(&proxies[i]))
			served[kept++] = proxies[i];
	}
	return kept;
}

static struct rules_settings rules_for(
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

/* Those for what natbox.proxy means on this host now. 0 or a negative errno, when they are for no
 * proxy. */
static int rules_here(
	const struct wire_settings *settings, struct rules_settings *rules, struct fault *fault)
{
	static struct address proxies[PROXIES_MAX], served[PROXIES_MAX];
	const int count = wire_find_proxies(settings, proxies, fault);

	*rules = rules_for(settings, served,
		count > 0 ? list_served(settings, proxies, (size_t)count, served) : 0);
	return count < 0 ? count : 0;
}

static int refuse_none(struct fault *fault)
{
	return fault_set_kind(fault, FAULT_ABSENT, -ENOENT,
		"this host has no address but loopback that a proxy could have: set natbox.proxy");
}

int served_find(struct wire *wire, struct fault *fault)
{
	struct served *served = wire->own;

	served->proxy_count = list_served(
		&wire->settings, wire->proxies->list, wire->proxies->count, served->proxies);
	return served->proxy_count ? 0 : refuse_none(fault);
}

int served_install(struct wire *wire, struct sender *sender, struct fault *fault)
{
	struct served *served = wire->own;
	const struct rules_settings rules =
		rules_for(&wire->settings, served->proxies, served->proxy_count);
	int error = rules_install(&rules, &served->rules, fault);

	served->sender = sender;
	if (!error)
		sender_set_path(sender, wire->settings.path);
	return error;
}

void served_tell(const struct wire *wire, const char *what)
{
	const struct served *served = wire->own;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < served->proxy_count; i++) {
		address_format(&served->proxies[i], text);
		tell(wire, WIRE_DETAIL, "%s: what goes to %s, and comes from there", what, text);
	}
}

const char *served_line(const struct wire *wire)
{
	const struct served *served = wire->own;

	return named_line(&wire->settings, served->proxies, served->proxy_count);
}

int served_send(struct wire *wire, uint64_t now_us, const struct flow *flow, struct text bytes,
	struct fault *fault)
{
	const struct served *served = wire->own;
	int result;

	(void)now_us;
	if (proxies_find(wire->proxies, &flow->source) == PROXY_NONE)
		result = sender_add(served->sender, flow, hop_of_this_host, bytes);
	else
		result = sender_add_keepalive(served->sender, flow, bytes);
	if (result != 0)
		return fault_set(fault, result, "cannot send a keepalive or an answer: %s",
			strerror(-result));
	return 0;
}

void served_flush(struct wire *wire)
{
	const struct served *served = wire->own;

	sender_flush(served->sender);
	rules_tick(served->rules);
}

void served_set_path(struct wire *wire, enum keepalive_path path)
{
	const struct served *served = wire->own;

	sender_set_path(served->sender, path);
}

uint64_t served_linked(const struct wire *wire)
{
	const struct served *served = wire->own;

	return sender_counters(served->sender).linked;
}

void served_inspect(struct wire *wire, uint64_t send_errors, int last)
{
	struct served *served = wire->own;
	char what[128];
	struct fault fault;

	if (sender_path_news(served->sender, &fault))
		tell(wire, WIRE_INFORMATION, "%s", fault.line);
	if (rules_trouble(served->rules, &fault))
		tell(wire, WIRE_ERROR, "%s", fault.line);
	snprintf(what, sizeof(what), "were not sent, the last because of: %s; %s", strerror(-last),
		sender_advice(last));
	tell_growth(wire, send_errors, &served->send_errors, what);
	tell_growth(wire, rules_forged(served->rules), &served->forged,
		"were dropped: they bore a proxy's source, but came in where no route to it "
		"points; ip route get tells where it does");
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

void served_warn_of_forwarding(const struct wire *wire, const struct address *served, size_t count)
{
	char text[ADDRESS_TEXT_MAX];
	const char *sysctl;

	for (size_t i = 0; i < count; i++) {
		if (!kernel_keeps_from(&served[i], &sysctl))
			continue;
		address_format(&served[i], text);
		tell(wire, WIRE_WARNING,
			"this host does not forward: the proxy behind it, %s, gets nothing%s; "
			"sysctl -w %s=1",
			text, wire->settings.queues ? "" : " when natbox is gone", sysctl);
		return;
	}
}

static void on_rules_fault(void *context, const struct fault *fault)
{
	tell(context, WIRE_ERROR, "%s", fault->line);
}

void served_examine(struct wire *wire)
{
	struct rules_settings rules;
	struct fault fault;

	rules_here(&wire->settings, &rules, &fault);
	if (!rules.proxy_count && refuse_none(&fault))
		tell(wire, WIRE_ERROR, "%s", fault.line);
	if (!rules.queues)
		served_warn_of_loopback(wire, rules.proxies, rules.proxy_count);
	served_warn_of_forwarding(wire, rules.proxies, rules.proxy_count);
	rules_examine(&rules, on_rules_fault, wire);
}

int wire_print_rules(const struct wire_settings *settings, FILE *file, struct fault *fault)
{
	struct rules_settings rules;
	const int error = rules_here(settings, &rules, fault);

	if (!error)
		rules_print(&rules, file);
	return error;
}
