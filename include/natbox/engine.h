/* The engine: the rooms of the core joined. It takes (time, flow, bytes) and gives back a verdict,
 * bytes, events and datagrams to send. It opens nothing, reads no clock, keeps no global and blocks
 * on nothing; after engine_new it allocates nothing.
 *
 * Times are microseconds on a clock of the caller's choice that does not jump: the monotonic clock
 * when live, the capture's own when replayed. A time before the last one counts as the last one. */
#ifndef NATBOX_ENGINE_H
#define NATBOX_ENGINE_H

#include <natbox/report.h>
#include <natbox/settings.h>

struct engine;

struct outcome {
	enum verdict verdict;
	struct text bytes; /* what to send on; valid until the next call into this engine */
};

/* repairs: whether messages are to be rewritten (relay mode) or only followed (sniff mode). seed
 * keys every hash and MAC: random when live, constant in a replay. NULL when memory is short.
 * *settings is copied; the sink's callbacks are called from engine_packet and engine_advance. */
struct engine *engine_new(const struct settings *settings, bool repairs,
	const uint8_t seed[static 16], const struct engine_sink *sink);
void engine_free(struct engine *engine);

/* What could not change without a restart: it would need bigger tables. A set of bits. */
enum engine_fixed {
	FIXED_ENDPOINTS = 1 << 0,    /* limits.endpoints stays at what it was at the start */
	FIXED_TRANSACTIONS = 1 << 1, /* and so does limits.transactions */
};

/* Other settings from now on. Endpoints live through it, with their keepalives at the new interval,
 * except those that the new settings do not want: they, and reasons of a kind that counts no more,
 * end. What comes in meets the new settings at once; the endpoints there are do one after the
 * other, in this call and in calls of engine_advance. Returns a set of enum engine_fixed. */
unsigned engine_reconfigure(struct engine *engine, const struct settings *settings);

/* Whether endpoints are still to be looked at, after engine_reconfigure or a restart. */
bool engine_is_reviewing(const struct engine *engine);

/* How much is done at a time from now on: about what it takes to remove so many endpoints, or half
 * as many keepalives again. What engine_advance and engine_reconfigure leave over the next
 * engine_advance goes on with, and until then engine_next is the present; engine_packet leaves to
 * it all that the clock has to do. Without this call they do all there is to do, as a replay wants
 * it. */
void engine_bound_work(struct engine *engine, uint32_t endpoints);

/* The tables that fill up while packets come (base.h). They belong to the engine. */
struct fillings;
void engine_list_fillings(const struct engine *engine, struct fillings *fillings);

/* Which events the sink is handed from now on, a set of enum event_type: all until then. What is
 * not wanted is not composed either. Without a sink for events there is none to want. */
void engine_want_events(struct engine *engine, unsigned events);

/* The table of endpoints, for those who keep it, show it or put it back. It belongs to the
 * engine. */
struct endpoints;
struct endpoints *engine_endpoints(struct engine *engine);

/* Makes an address one of the proxies'; adding it again changes nothing. 0 or -ENOSPC. */
int engine_add_proxy(struct engine *engine, const struct address *proxy);
bool engine_is_proxy(const struct engine *engine, const struct address *address);

/* All of them, for whoever asks at every datagram. It belongs to the engine. */
struct proxies;
const struct proxies *engine_proxies(const struct engine *engine);

/* Runs the clock up to now: expiries, keepalives, misses. Unless work is bounded, engine_packet
 * does this first itself. */
void engine_advance(struct engine *engine, uint64_t now_us);

/* Sets the clock to now where the engine was not run for a while, as its process was stopped or its
 * machine suspended: what it missed is not made up for. No keepalive counts as unanswered whose
 * answer may have been lost in that time, or may be in the next deaf_us; then those that are
 * overdue go out one after the other. */
void engine_resume(struct engine *engine, uint64_t now_us, uint64_t deaf_us);

/* A hand brake: while keepalives are held none is sent, whatever the settings say, and none counts
 * as unanswered. When they are not held any more, what is due goes out as after engine_resume. */
void engine_hold_keepalives(struct engine *engine, bool held);
bool engine_holds_keepalives(const struct engine *engine);

/* When engine_advance next has something to do; UINT64_MAX: not before another packet. */
uint64_t engine_next(const struct engine *engine);

/* engine_packet is going to be called for these flows, in this order, though maybe not for each:
 * what is known of them is fetched into the cache. It changes nothing but the time that takes. */
void engine_expect(struct engine *engine, const struct flow *flows, unsigned count);

/* One datagram's way through the house. */
struct outcome engine_packet(
	struct engine *engine, uint64_t now_us, const struct flow *flow, struct text datagram);

struct engine_counters engine_counters(const struct engine *engine);

#endif
