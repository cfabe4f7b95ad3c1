#include "proxy_addresses.h"

/* Asked every second about addresses that are known; what is left out is told once. */
static void add(struct live *live, const struct address *proxy)
{
	char text[ADDRESS_TEXT_MAX];

	if (engine_is_proxy(live->engine, proxy))
		return;
	address_format(proxy, text);
	if (engine_add_proxy(live->engine, proxy) != 0) {
		if (!live->told_too_many_proxies)
			log_warning(
				"too many proxy addresses: %s is left out, and what comes later",
				text);
		live->told_too_many_proxies = true;
	} else if (live->is_ready) {
		log_info("one proxy address more: %s", text);
	} else {
		log_debug("a proxy's address: %s", text);
	}
}

int proxy_addresses_find(struct live *live, struct fault *fault)
{
	struct address list[PROXIES_MAX];
	int count = wire_find_proxies(&live->wire.settings, list, fault);

	if (count > 0 && fault->line[0] && !live->told_too_many_proxies) {
		log_warning("%s", fault->line);
		live->told_too_many_proxies = true;
	}
	for (int i = 0; i < count; i++)
		add(live, &list[i]);
	return count < 0 ? count : 0;
}

void proxy_addresses_take_stored(void *context, const struct address *proxy)
{
	struct live *live = context;
	const struct wire_settings *settings = &live->wire.settings;
	bool is_ours = false;

	for (unsigned i = 0; i < settings->named_count; i++)
		is_ours |= address_is_unspecified(&settings->named[i]) &&
			   settings->named[i].port == proxy->port;
	if (is_ours && !live->wire.kind->proxies_stay)
		add(live, proxy);
}
