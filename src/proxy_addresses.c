#include "proxy_addresses.h"

#include <natbox/ops.h>

/* Asked every second about addresses that are known; what is left out is told once. */
static void add(struct proxy_addresses *addresses, const struct address *proxy)
{
	char text[ADDRESS_TEXT_MAX];

	if (engine_is_proxy(addresses->engine, proxy))
		return;
	address_format(proxy, text);
	if (engine_add_proxy(addresses->engine, proxy) != 0) {
		if (!addresses->told_limit)
			log_warning(
				"too many proxy addresses: %s is left out, and what comes later",
				text);
		addresses->told_limit = true;
	} else if (addresses->is_ready) {
		log_info("one proxy address more: %s", text);
	} else {
		log_debug("a proxy's address: %s", text);
	}
}

int proxy_addresses_find(struct proxy_addresses *addresses, struct fault *fault)
{
	struct address list[PROXIES_MAX];
	int count = wire_find_proxies(&addresses->wire->settings, list, fault);

	if (count > 0 && fault->line[0] && !addresses->told_limit) {
		log_warning("%s", fault->line);
		addresses->told_limit = true;
	}
	for (int i = 0; i < count; i++)
		add(addresses, &list[i]);
	return count < 0 ? count : 0;
}

void proxy_addresses_take_stored(struct proxy_addresses *addresses, const struct address *proxy)
{
	const struct wire_settings *settings = &addresses->wire->settings;
	bool is_ours = false;

	for (unsigned i = 0; i < settings->named_count; i++)
		is_ours |= address_is_unspecified(&settings->named[i]) &&
			   settings->named[i].port == proxy->port;
	if (is_ours && !addresses->wire->kind->proxies_stay)
		add(addresses, proxy);
}
