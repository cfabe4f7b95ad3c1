#include "named.h"

#include "hops/questions.h"
#include "host.h"
#include "tell.h"

#include <errno.h>
#include <stdio.h>

/* The first *:PORT of the settings; NULL: there is none. */
static const struct address *find_any(const struct wire_settings *settings)
{
	for (unsigned i = 0; i < settings->named_count; i++) {
		if (address_is_unspecified(&settings->named[i]))
			return &settings->named[i];
	}
	return NULL;
}

/* Appends an address with this port. False: there is no room. */
static bool append(struct address *list, int *count, struct address address, uint16_t port)
{
	if (*count == PROXIES_MAX)
		return false;
	address.port = port;
	list[(*count)++] = address;
	return true;
}

int wire_find_proxies(const struct wire_settings *settings, struct address list[static PROXIES_MAX],
	struct fault *fault)
{
	static struct host host;
	const bool any = find_any(settings) != NULL;
	int count = 0, result = any ? host_read(&host) : 0;
	bool is_cut = any && host.is_cut;

	fault->line[0] = 0;
	if (result != 0)
		return fault_set(fault, result,
			"cannot list the addresses of this host: %s: name them in natbox.proxy",
			strerror(-result));
	for (unsigned i = 0; i < settings->named_count; i++) {
		const struct address *named = &settings->named[i];

		if (!address_is_unspecified(named))
			is_cut |= !append(list, &count, *named, named->port);
		else
			for (unsigned j = 0; j < host.count; j++)
				is_cut |= !append(list, &count, host.list[j], named->port);
	}
	if (is_cut)
		fault_set(fault, 0,
			"natbox.proxy means more than %d addresses, and those beyond are left out: "
			"name the ones that phones use",
			PROXIES_MAX);
	if (count)
		return count;
	return fault_set_kind(fault, FAULT_ABSENT, -ENOENT,
		"this host has no address that a proxy could have: set natbox.proxy");
}

const char *named_line(
	const struct wire_settings *settings, const struct address *proxies, size_t count)
{
	static char text[ADDRESS_TEXT_MAX + 64];
	const struct address *any = find_any(settings);
	size_t named = 0, length;

	while (named < count && address_is_loopback(&proxies[named]))
		named++;
	if (named == count && any) {
		snprintf(text, sizeof(text),
			"*:%u, so far loopback addresses, which no phone reaches", any->port);
		return text;
	}
	length = address_format(&proxies[named < count ? named : 0], text);
	if (count > 1)
		snprintf(text + length, sizeof(text) - length, " and %zu more", count - 1);
	return text;
}

/* A proxy is on this host, or what is sent to it leaves by one of its interfaces. */
static void examine_proxy(const struct wire *wire, enum wire_notice notice, const struct host *host,
	const struct address *proxy)
{
	char text[ADDRESS_TEXT_MAX];
	unsigned interface;

	if (host_has(host, proxy) || ask_way(proxy, &interface) != 0 || interface)
		return;
	address_format(proxy, text);
	tell(wire, notice,
		"natbox.proxy: %s is no address of this host, and no route leads there; name the "
		"proxy's own address, or add the route",
		text);
}

void named_examine(const struct wire *wire, enum wire_notice notice)
{
	const struct wire_settings *settings = &wire->settings;
	static struct host host;

	host_read(&host);
	for (unsigned i = 0; i < settings->named_count; i++) {
		if (!address_is_unspecified(&settings->named[i]))
			examine_proxy(wire, notice, &host, &settings->named[i]);
	}
}

void wire_examine(struct wire *wire)
{
	const struct wire_settings *settings = &wire->settings;
	static struct address list[PROXIES_MAX];
	struct fault fault;

	named_examine(wire, WIRE_ERROR);
	if (wire_find_proxies(settings, list, &fault) < 0) {
		tell(wire, WIRE_ERROR, "%s", fault.line);
		return;
	}
	if (fault.line[0])
		tell(wire, WIRE_WARNING, "%s", fault.line);
	/* What another natbox has that does the same is in use, and told by the claim. */
	if (!wire->kind->claim || wire->claim_count)
		wire->kind->examine(wire);
}
