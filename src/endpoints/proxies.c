#include <natbox/endpoints.h>

/* The operator chooses what stands in the table, so it needs no keyed hash. */
static unsigned hash_of(const struct address *address)
{
	uint64_t words[2];

	memcpy(words, address->ip, sizeof(words));
	words[0] = (words[0] ^ words[1] ^ (uint64_t)address->port << 16) * 0x9e3779b97f4a7c15;
	return (unsigned)(words[0] >> 32) % PROXIES_BUCKETS;
}

/* The bucket where the address stands, or the empty one where it would. */
static unsigned bucket_of(const struct proxies *proxies, const struct address *address)
{
	unsigned bucket = hash_of(address);

	while (proxies->buckets[bucket] &&
		!address_equal(&proxies->list[proxies->buckets[bucket] - 1], address))
		bucket = (bucket + 1) % PROXIES_BUCKETS;
	return bucket;
}

uint16_t proxies_find(const struct proxies *proxies, const struct address *address)
{
	uint16_t number = proxies->buckets[bucket_of(proxies, address)];

	return number ? number - 1 : PROXY_NONE;
}

uint16_t proxies_add(struct proxies *proxies, const struct address *address)
{
	unsigned bucket = bucket_of(proxies, address);

	if (proxies->buckets[bucket])
		return proxies->buckets[bucket] - 1;
	if (proxies->count == PROXIES_MAX)
		return PROXY_NONE;
	proxies->list[proxies->count] = *address;
	proxies->buckets[bucket] = ++proxies->count;
	return proxies->count - 1;
}
