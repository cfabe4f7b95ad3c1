#include <natbox/endpoints.h>

#include <string.h>

void proxies_init(struct proxies *proxies)
{
	memset(proxies, 0, sizeof(*proxies));
}

/* The operator chooses what stands in the table, so it needs no keyed hash. */
static unsigned hash_of(const struct address *address)
{
	uint64_t words[2];

	memcpy(words, address->ip, sizeof(words));
	words[0] = (words[0] ^ words[1] ^ (uint64_t)address->port << 16) * 0x9e3779b97f4a7c15;
	return (unsigned)(words[0] >> 32) % PROXIES_SLOTS;
}

/* The slot where the address stands, or the empty one where it would. */
static unsigned slot_of(const struct proxies *proxies, const struct address *address)
{
	unsigned slot = hash_of(address);

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
	unsigned slot = slot_of(proxies, address);

	if (proxies->slots[slot])
		return proxies->slots[slot] - 1;
	if (proxies->count == PROXIES_MAX)
		return PROXY_NONE;
	proxies->list[proxies->count] = *address;
	proxies->slots[slot] = ++proxies->count;
	return proxies->count - 1;
}
