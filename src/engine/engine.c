#include "engine.h"

#include <errno.h>
#include <stdlib.h>

/* Each user of the seed has a key of its own, so that no hash seen of one helps with
 * another. */
static struct hash_key derive_key(const struct hash_key *key, uint64_t purpose)
{
	struct hash_key derived;

	for (unsigned i = 0; i < 2; i++) {
		struct hash hash;

		hash_start(&hash, key);
		hash_add_number(&hash, purpose);
		hash_add_number(&hash, i);
		derived.k[i] = hash_end(&hash);
	}
	return derived;
}

struct engine *engine_new(const struct settings *settings, bool repairs,
	const uint8_t seed[static 16], const struct engine_sink *sink)
{
	/* What is kept over a restart is keyed by these numbers, too. */
	enum { KEEPALIVE = 0, ENDPOINTS = 1, FOLLOW = 3, PURPOSES };
	const struct hash_key key = hash_key_from(seed);
	struct hash_key keys[PURPOSES];
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	for (unsigned i = 0; i < PURPOSES; i++)
		keys[i] = derive_key(&key, i);
	engine->settings = *settings;
	engine->repairs = repairs;
	engine->report.sink = *sink;
	engine_want_events(engine, EVENTS_ALL);
	engine->report.work_limit = UINT64_MAX;
	engine->keepalive =
		(struct keepalive){.settings = &engine->settings, .key = keys[KEEPALIVE]};
	if (endpoints_init(&engine->endpoints, &engine->settings, &engine->report, &engine->proxies,
		    &keys[ENDPOINTS]) == 0 &&
		follow_init(&engine->follow, &engine->settings, &engine->report, &engine->endpoints,
			&keys[FOLLOW]) == 0)
		return engine;
	engine_free(engine);
	return NULL;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	endpoints_free(&engine->endpoints);
	follow_free(&engine->follow);
	free(engine);
}

void engine_want_events(struct engine *engine, unsigned events)
{
	engine->report.events = engine->report.sink.event ? events : 0;
}

struct endpoints *engine_endpoints(struct engine *engine)
{
	return &engine->endpoints;
}

unsigned engine_reconfigure(struct engine *engine, const struct settings *settings)
{
	unsigned fixed = 0;
	bool places;

	engine->report.work = 0;
	engine->settings = *settings;
	keepalive_forget(&engine->keepalive);
	places = classes_set(&engine->endpoints.classes, &engine->settings);
	if (!endpoints_set_limit(&engine->endpoints, settings->limits.endpoints))
		fixed |= FIXED_ENDPOINTS;
	if (!follow_set_limit(&engine->follow, settings->limits.transactions))
		fixed |= FIXED_TRANSACTIONS;
	review_start(&engine->endpoints, places);
	run_review(engine);
	return fixed;
}

void engine_bound_work(struct engine *engine, uint32_t endpoints)
{
	engine->report.work_limit = (uint64_t)endpoints * 2 * WORK_EVENT;
}

void engine_list_fillings(const struct engine *engine, struct fillings *fillings)
{
	endpoints_list_fillings(&engine->endpoints, fillings);
	follow_list_fillings(&engine->follow, fillings);
}

int engine_add_proxy(struct engine *engine, const struct address *proxy)
{
	return proxies_add(&engine->proxies, proxy) == PROXY_NONE ? -ENOSPC : 0;
}

bool engine_is_proxy(const struct engine *engine, const struct address *address)
{
	return proxies_find(&engine->proxies, address) != PROXY_NONE;
}

const struct proxies *engine_proxies(const struct engine *engine)
{
	return &engine->proxies;
}

struct engine_counters engine_counters(const struct engine *engine)
{
	return engine->report.counters;
}
