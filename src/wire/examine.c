/* Whether what natbox.proxy names can be served from this host. */
#include "host.h"
#include "named.h"
#include "tell.h"
#include "way.h"

#include <string.h>

/* A proxy is on this host, or what is sent to it leaves by one of its interfaces. */
static void examine_proxy(struct wire *wire, const struct host *host, const struct address *proxy)
{
	char text[ADDRESS_TEXT_MAX];
	unsigned interface;

	if (host_has(host, proxy) || way_to(proxy, &interface) != 0 || interface)
		return;
	address_format(proxy, text);
	tell(wire, WIRE_ERROR,
		"natbox.proxy: %s is no address of this host, and no route leads there; name the "
		"proxy's own address, or add the route",
		text);
}

void wire_examine(struct wire *wire)
{
	const struct wire_settings *settings = &wire->settings;
	static struct host host;
	static struct address list[PROXIES_MAX];
	struct fault fault;

	host_read(&host);
	for (unsigned i = 0; i < settings->named_count; i++) {
		if (!wire_names_any(&settings->named[i]))
			examine_proxy(wire, &host, &settings->named[i]);
	}
	if (wire_find_proxies(settings, list, &fault) < 0) {
		tell(wire, WIRE_ERROR, "%s", fault.line);
		return;
	}
	if (fault.line[0])
		tell(wire, WIRE_WARNING, "%s", fault.line);
	if (wire->kind->examine)
		wire->kind->examine(wire);
}
