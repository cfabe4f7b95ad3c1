#include "parts.h"

static uint64_t hash_of(
	const struct endpoints *endpoints, const struct sip_uri *uri, uint16_t proxy)
{
	const struct address *address = &endpoints->proxies->list[proxy];
	struct hash hash;

	hash_start(&hash, &endpoints->key);
	hash_add_number(&hash, hash_address(&endpoints->key, address, address->port));
	uri_hash_user(&hash, uri);
	uri_hash_host_port(&hash, uri);
	return hash_end(&hash);
}

uint64_t registration_key(
	const struct endpoints *endpoints, const struct aor *aor, uint64_t identity)
{
	uint64_t hash = hash_of(endpoints, &aor->uri, aor->proxy);

	return (identity & ~(uint64_t)UINT32_MAX) | (uint32_t)hash;
}

bool registration_is_identical(const struct reason *registration, uint64_t identity)
{
	return registration->key[1] == (uint32_t)(identity >> 32);
}

/* Whether a registration whose half of the key is that of an AOR is one of it. */
static bool is_of(const struct endpoints *endpoints, uint32_t reason, const struct aor *aor)
{
	struct text label = label_text(&endpoints->labels, reason_at(endpoints, reason)->label);
	struct sip_uri uri;

	if (reason_endpoint(endpoints, reason)->proxy != aor->proxy)
		return false;
	if (text_equal(label, aor->uri.whole))
		return true;
	return sip_uri_parse(label, &uri) == 0 &&
	       hash_of(endpoints, &uri, aor->proxy) == hash_of(endpoints, &aor->uri, aor->proxy);
}

uint32_t registration_next(
	const struct endpoints *endpoints, const struct aor *aor, uint64_t key, uint32_t after)
{
	uint32_t index =
		after ? reason_at(endpoints, after)->hash_next : *reason_head(endpoints, key);

	for (; index; index = reason_at(endpoints, index)->hash_next) {
		const struct reason *reason = reason_at(endpoints, index);

		if (reason->key[0] == (uint32_t)key && reason->kind == REASON_REGISTRATION &&
			(reason_key(reason) == key || !aor || is_of(endpoints, index, aor)))
			break;
	}
	return index;
}
