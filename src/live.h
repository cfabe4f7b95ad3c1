/* natbox on the network: what the event loop (live.c) and a reload share. */
#ifndef NATBOX_LIVE_H
#define NATBOX_LIVE_H

#include "options.h"
#include "proxy_addresses.h"
#include "turns.h"

#include <natbox/engine.h>
#include <natbox/wire.h>

struct live {
	const struct options *options;
	struct config *config; /* what is in force */
	struct wire wire;
	struct engine *engine;
	struct state *state;
	struct events *events;   /* NULL: none */
	struct metrics *metrics; /* NULL: off */
	struct turns turns;
	uint64_t now_us;   /* CLOCK_BOOTTIME, which goes on while the machine is suspended */
	bool is_reviewing; /* a reload has not reached all endpoints yet */
	bool is_ready;     /* everything is open, the loop runs */
	struct proxy_addresses proxies;
};

/* Events bear the time of the wall clock, which may be set: looked at once a turn, and whenever the
 * stream is another. */
void live_time_events(const struct live *live);

/* SIGHUP: files are opened anew for log rotation, and the configuration is read again. What can
 * change while natbox runs does, the rest is named in a warning; a bad file changes nothing. */
void live_reload(struct live *live);

#endif
