#include <natbox/proxies.h>

#include <string.h>

void proxies_init(struct proxies *proxies, const struct hash_key *key)
{
	memset(proxies, 0, sizeof(*proxies));
	proxies->key = *key;
}

/* The slot where the address stands, or the empty one where it would. */
static uint16_t slot_of(const struct proxies *proxies, const struct address *address)
{
	struct hash hash;
	uint16_t slot;

	hash_start(&hash, &proxies->key);
	hash_add(&hash, address->ip, sizeof(address->ip));
	hash_add_number(&hash, address->port);
	slot = hash_end(&hash) % PROXIES_SLOTS;
	while (proxies->slots[slot] &&
		!address_equal(&proxies->list[proxies->slots[slot] - 1], address))
		slot = (slot + 1) % PROXIES_SLOTS;
	return slot;
}

uint16_t proxies_find(const struct proxies *proxies, const struct address *address)
{
	uint16_t number = proxies->slots[slot_of(proxies, address)];

	return number ? number - 1 : PROXY_NONE;
}

uint16_t proxies_add(struct proxies *proxies, const struct address *address)
{
	uint16_t slot = slot_of(proxies, address);

	if (proxies->slots[slot])
		return proxies->slots[slot] - 1;
	if (proxies->count == PROXIES_MAX)
		return PROXY_NONE;
	proxies->list[proxies->count] = *address;
	proxies->slots[slot] = ++proxies->count;
	return proxies->count - 1;
}
