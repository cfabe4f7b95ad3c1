#include "gathering.h"

#include <string.h>

static void put_address(const struct address *address, uint8_t ip[static 16], uint16_t *port)
{
	memcpy(ip, address->ip, sizeof(address->ip));
	*port = address->port;
}

bool gather_reason(struct batch *batch, const struct endpoints *endpoints, uint32_t slot)
{
	struct record record;
	struct stored_reason stored;
	uint8_t *bytes;

	if (!record_read(endpoints, slot, &record))
		return batch_add(batch, STORE_REASONS, slot, 0) != NULL;
	bytes = batch_add(batch, STORE_REASONS, slot, sizeof(stored) + record.id.length);
	if (!bytes)
		return false;
	stored = (struct stored_reason){
		.key = record.key,
		.expires_us = batch->meta.state_us + (int64_t)record.left_us,
		.taken_us = batch->meta.state_us,
		.quiet_us = record.quiet_us,
		.nat = (uint8_t)record.nat,
		.kind = (uint8_t)record.kind,
		.early = record.early,
		.label_length = (uint16_t)record.id.length,
	};
	put_address(&record.client, stored.client_ip, &stored.client_port);
	put_address(&record.proxy, stored.proxy_ip, &stored.proxy_port);
	memcpy(bytes, &stored, sizeof(stored));
	memcpy(bytes + sizeof(stored), record.id.at, record.id.length);
	return true;
}

bool gather_quiet(struct batch *batch, const struct endpoints *endpoints, uint32_t block)
{
	struct stored_quiet *stored = batch_add(batch, STORE_QUIET, block, sizeof(*stored));

	if (!stored)
		return false;
	memset(stored, 0, sizeof(*stored));
	stored->taken_us = batch->meta.state_us;
	for (uint32_t i = 0; i < QUIET_SLOTS; i++) {
		uint64_t quiet_us;

		if (record_quiet(endpoints, block * QUIET_SLOTS + i, &quiet_us))
			stored->quiet[i] = (uint16_t)(2 + quiet_us / QUIET_UNIT_US);
	}
	return true;
}
