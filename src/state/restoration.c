#include "restoration.h"

#include <errno.h>
#include <string.h>

/* For how long an endpoint has been quiet that was last heard, or sent a keepalive, between these
 * two times. If it was due again while natbox still ran, it got one since; when is not known, but
 * not before the time was noted. */
static uint64_t quiet_since(const struct restoration *restoration, int64_t earliest_us,
	int64_t latest_us, int64_t noted_us)
{
	const struct store_meta *meta = restoration->meta;
	int64_t last_us = earliest_us;

	if (latest_us + (int64_t)meta->interval_us <= meta->state_us)
		last_us = noted_us;
	return restoration->now_us > last_us ? (uint64_t)(restoration->now_us - last_us) : 0;
}

static uint64_t quiet_of(const struct restoration *restoration, uint32_t slot,
	const struct stored_reason *reason, const struct stored_quiet *quiet)
{
	unsigned units = quiet ? quiet->quiet[slot % QUIET_SLOTS] : 0;
	int64_t last_us = reason->taken_us - (int64_t)reason->quiet_us;
	uint64_t own_us = quiet_since(restoration, last_us, last_us, reason->taken_us);
	uint64_t later_us;

	if (!units || quiet->taken_us < reason->taken_us)
		return own_us;
	last_us = quiet->taken_us - (int64_t)(units - 1) * QUIET_UNIT_US;
	later_us = quiet_since(restoration, last_us, last_us + QUIET_UNIT_US, quiet->taken_us);
	return later_us < own_us ? later_us : own_us;
}

static struct address stored_address(const uint8_t ip[static 16], uint16_t port)
{
	struct address address = {.port = port};

	memcpy(address.ip, ip, sizeof(address.ip));
	return address;
}

static void restore_record(struct restoration *restoration, unsigned number)
{
	switch (record_finish(
		restoration->endpoints, &restoration->waiting[number % RECORDS_AHEAD])) {
	case 0:
		restoration->restored++;
		break;
	case -ETIME:
		restoration->over++;
		break;
	case -ENOENT:
		restoration->without_proxy++;
		break;
	case -ENOSPC:
		restoration->beyond_limits++;
		break;
	default:
		restoration->unwanted++;
		break;
	}
}

/* Looks its place up, also when its proxy becomes one only now. */
static struct record_return prepare(
	const struct restoration *restoration, uint32_t slot, const struct record *record)
{
	const struct state_options *options = restoration->options;
	struct record_return prepared = record_prepare(restoration->endpoints, slot, record);

	if (prepared.claim.proxy == PROXY_NONE && options->add_proxy &&
		options->add_proxy(options->context, &record->proxy))
		prepared = record_prepare(restoration->endpoints, slot, record);
	return prepared;
}

static void restore_ahead(void *context, uint32_t slot, const struct stored_reason *reason,
	const char *label, const struct stored_quiet *quiet)
{
	struct restoration *restoration = context;
	int64_t left_us = reason->expires_us - restoration->now_us;
	struct record record = {
		.client = stored_address(reason->client_ip, reason->client_port),
		.proxy = stored_address(reason->proxy_ip, reason->proxy_port),
		.nat = reason->nat,
		.kind = reason->kind,
		.early = reason->early,
		.key = reason->key,
		.id = {label, reason->label_length},
		.left_us = left_us > 0 ? (uint64_t)left_us : 0,
		.quiet_us = quiet_of(restoration, slot, reason, quiet),
	};

	if (restoration->read >= RECORDS_AHEAD) {
		restore_record(restoration, restoration->read);
		record_approach(restoration->endpoints,
			&restoration->waiting[(restoration->read + RECORDS_AHEAD / 2) %
					      RECORDS_AHEAD]);
	}
	restoration->waiting[restoration->read++ % RECORDS_AHEAD] =
		prepare(restoration, slot, &record);
}

/* All have been read: what still waits is restored. */
static void restore_rest(void *context)
{
	struct restoration *restoration = context;
	unsigned waiting = restoration->read < RECORDS_AHEAD ? restoration->read : RECORDS_AHEAD;

	for (unsigned i = restoration->read - waiting; i < restoration->read; i++)
		restore_record(restoration, i);
}

int restoration_run(struct restoration *restoration, struct store *store, struct fault *fault)
{
	int result = store_read(store, restore_ahead, restore_rest, restoration, fault);

	if (result == 0)
		records_resume(restoration->endpoints);
	return result;
}
