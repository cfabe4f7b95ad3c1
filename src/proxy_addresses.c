/* Whom natbox serves: the addresses of natbox.proxy. */
#include "live.h"

#include "wire/host.h"
#include <natbox/ops.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Asked every second about addresses that are known; what is left out is told once. */
static void add_proxy(struct live *live, const struct address *proxy)
{
	static bool told;
	char text[ADDRESS_TEXT_MAX];

	if (engine_is_proxy(live->engine, proxy))
		return;
	address_format(proxy, text);
	if (live->proxy_count == PROXY_ADDRESSES_MAX ||
		engine_add_proxy(live->engine, proxy) != 0) {
		if (!told)
			log_warning(
				"too many proxy addresses: %s is left out, and what comes later",
				text);
		told = true;
		return;
	}
	live->proxies[live->proxy_count++] = *proxy;
	if (live->is_ready)
		log_info("one proxy address more: %s", text);
	else
		log_debug("a proxy's address: %s", text);
}

int live_list_proxies(const struct config *config, struct address list[static PROXY_ADDRESSES_MAX],
	struct fault *fault)
{
	static struct host host;
	int count = 0, result = host_read(&host);

	if (result != 0)
		return fault_set(fault, result,
			"cannot list the addresses of this host: %s: name them in natbox.proxy",
			strerror(-result));
	for (unsigned i = 0; i < config->proxy_count; i++) {
		const struct proxy_entry *entry = &config->proxies[i];

		if (!entry->any && count < PROXY_ADDRESSES_MAX)
			list[count++] = entry->address;
		for (unsigned j = 0; entry->any && j < host.count; j++) {
			if (count == PROXY_ADDRESSES_MAX)
				break;
			list[count] = host.list[j];
			list[count++].port = entry->address.port;
		}
	}
	if (count)
		return count;
	return fault_set(fault, -ENOENT,
		"this host has no address that a proxy could have: set natbox.proxy");
}

int live_find_proxies(struct live *live, struct fault *fault)
{
	struct address list[PROXY_ADDRESSES_MAX];
	int count = live_list_proxies(live->config, list, fault);

	for (int i = 0; i < count; i++)
		add_proxy(live, &list[i]);
	return count < 0 ? count : 0;
}

bool live_is_loopback(const struct address *address)
{
	static const struct network loopback4 = {{[10] = 0xff, [11] = 0xff, [12] = 127}, 96 + 8};
	static const struct network loopback6 = {{[15] = 1}, 128};

	return network_contains(&loopback4, address) || network_contains(&loopback6, address);
}

/* The first *:PORT of the configuration; NULL: there is none. */
static const struct proxy_entry *find_any(const struct config *config)
{
	for (unsigned i = 0; i < config->proxy_count; i++) {
		if (config->proxies[i].any)
			return &config->proxies[i];
	}
	return NULL;
}

const char *live_name_proxies(
	const struct config *config, const struct address *proxies, size_t count)
{
	static char text[ADDRESS_TEXT_MAX + 64];
	const struct proxy_entry *any = find_any(config);
	size_t named = 0, length;

	while (named < count && live_is_loopback(&proxies[named]))
		named++;
	if (named == count && any) {
		snprintf(text, sizeof(text),
			"*:%u, so far loopback addresses, which no phone reaches",
			any->address.port);
		return text;
	}
	length = address_format(&proxies[named < count ? named : 0], text);
	if (count > 1)
		snprintf(text + length, sizeof(text) - length, " and %zu more", count - 1);
	return text;
}

bool live_stored_proxy(void *context, const struct address *proxy)
{
	struct live *live = context;
	bool is_ours = false;

	for (unsigned i = 0; i < live->config->proxy_count; i++) {
		const struct proxy_entry *entry = &live->config->proxies[i];

		is_ours |= entry->any && entry->address.port == proxy->port;
	}
	if (is_ours && live->config->mode == MODE_SNIFF)
		add_proxy(live, proxy);
	return engine_is_proxy(live->engine, proxy);
}
