/* What the engine consists of. Its files: engine.c sets it up, packet.c is one datagram's way
 * through it, clock.c one tick's. */
#ifndef NATBOX_ENGINE_ENGINE_H
#define NATBOX_ENGINE_ENGINE_H

#include <natbox/engine.h>
#include <natbox/follow.h>
#include <natbox/keepalive.h>

/* UDP's largest payload over IPv4 (RFC 768, RFC 791). */
enum { DATAGRAM_MAX = 65507 };

struct engine {
	struct settings settings;
	bool repairs;
	struct report report;
	struct proxies proxies;
	struct keepalive keepalive;
	struct endpoints endpoints;
	struct follow follow;
	struct sip_message message;
	struct edits edits;
	struct grants grants;
	uint32_t draw; /* where in its range the last expiry was that a phone was told */
	char edited[DATAGRAM_MAX];
};

/* Without a bound each call does all there is to do (engine_bound_work). */
static inline bool work_is_bounded(const struct engine *engine)
{
	return engine->report.work_limit != UINT64_MAX;
}

/* Sets the clock forward; it never goes back. */
static inline void set_clock(struct engine *engine, uint64_t now_us)
{
	if (now_us > engine->report.now_us)
		engine->report.now_us = now_us;
}

/* Goes on with the review of the endpoints (endpoints.h) for half of what may be done, so that
 * neither the clock nor the review waits for the other. */
static inline void run_review(struct engine *engine)
{
	review_run(&engine->endpoints, engine->report.work_limit / 2);
}

#endif
