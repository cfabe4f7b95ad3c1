#include "config_parsers.h"

#include <errno.h>

int config_network(struct text item, struct network *network, struct fault *fault)
{
	if (network_parse(item, network) == 0)
		return 0;
	return config_refuse(fault, item,
		"is not a network such as 10.0.0.0/8 or 2001:db8::/32 with its host bits zero");
}

int config_parse_exempt(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct settings *settings = target;
	struct text list = config_list_start(value), item;
	struct network network;

	(void)key;
	settings->nat.exempt.count = 0;
	while (config_list_next(&list, &item)) {
		if (config_network(item, &network, fault) != 0)
			return -EINVAL;
		if (networks_add(&settings->nat.exempt, &network) != 0)
			return fault_set(fault, -EINVAL, "more than %d networks", NETWORKS_MAX);
	}
	return 0;
}

/* "*" or "*:PORT". */
static bool parse_any_host(struct text item, struct proxy_entry *entry)
{
	uint32_t port = 5060;

	if (!text_starts_with(item, TEXT("*")))
		return false;
	if (item.length > 1 &&
		(item.at[1] != ':' ||
			!text_number((struct text){item.at + 2, item.length - 2}, &port)))
		return false;
	if (port == 0 || port > UINT16_MAX)
		return false;
	*entry = (struct proxy_entry){.any = true, .address.port = (uint16_t)port};
	return true;
}

/* 2001:db8::1:5060 is an address itself, but whoever writes it means SIP's port. */
static bool seems_with_port(struct text item)
{
	const char *colon = item.length ? memrchr(item.at, ':', item.length) : NULL;
	struct address address;
	struct text host;
	uint32_t port;

	if (!colon || *item.at == '[')
		return false;
	host = (struct text){item.at, (size_t)(colon - item.at)};
	return host.length && memchr(host.at, ':', host.length) &&
	       address_parse_host(host, &address) &&
	       text_number((struct text){colon + 1, item.length - host.length - 1}, &port) &&
	       port >= 5060 && port <= 5099;
}

static int parse_proxy(struct text item, struct proxy_entry *entry, struct fault *fault)
{
	if (parse_any_host(item, entry))
		return 0;
	*entry = (struct proxy_entry){0};
	if (address_parse(item, 5060, &entry->address) < 0)
		return config_refuse(fault, item,
			"is not an address such as 192.0.2.1:5060, [2001:db8::1]:5060 or *:5060 "
			"(names are not looked up)");
	if (seems_with_port(item))
		return config_refuse(fault, item,
			"may be with a port or without: write IPv6 addresses in brackets, as in "
			"[2001:db8::1]:5060");
	if (address_is_unspecified(&entry->address))
		return fault_set(fault, -EINVAL, "%.*s: for any address of this host write *:%u",
			config_shown(item), item.at, entry->address.port);
	if (!address_is_one_host(&entry->address))
		return config_refuse(fault, item, "is not the address of one host");
	return 0;
}

static bool has_proxy(const struct config *config, const struct proxy_entry *entry)
{
	for (unsigned i = 0; i < config->proxy_count; i++) {
		if (config->proxies[i].any == entry->any &&
			address_equal(&config->proxies[i].address, &entry->address))
			return true;
	}
	return false;
}

/* One that is named twice counts once. */
int config_parse_proxies(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct config *config = target;
	struct text list = config_list_start(value), item;

	(void)key;
	memset(config->proxies, 0, sizeof(config->proxies));
	config->proxy_count = 0;
	if (value.length == 0)
		return fault_set(fault, -EINVAL, "no proxy: give its address and port, or *:5060");
	while (config_list_next(&list, &item)) {
		struct proxy_entry entry;

		if (parse_proxy(item, &entry, fault) < 0)
			return -EINVAL;
		if (has_proxy(config, &entry))
			continue;
		if (config->proxy_count == CONFIG_PROXIES_MAX)
			return fault_set(
				fault, -EINVAL, "more than %d proxies", CONFIG_PROXIES_MAX);
		config->proxies[config->proxy_count++] = entry;
	}
	return 0;
}

int config_parse_listen(
	const struct config_key *key, struct text value, void *target, struct fault *fault)
{
	struct address *address = target;

	(void)key;
	*address = (struct address){0};
	if (value.length == 0 || address_parse(value, 0, address) == 0)
		return 0;
	return config_refuse(fault, value, "is not an address and port such as 127.0.0.1:9560");
}
