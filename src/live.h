/* natbox on the network: what the event loop, opening, telling and a reload share. */
#ifndef NATBOX_LIVE_H
#define NATBOX_LIVE_H

#include "turns.h"

#include <natbox/engine.h>
#include <natbox/ops.h>
#include <natbox/wire.h>

/* What of the loop's time is for those who control natbox, or look at its status page. */
struct hosting {
	int64_t saved_us;   /* that they may have in busy turns; below 0: have had too much of */
	bool is_pages_turn; /* of the two it is the page that is served next */
};

struct live {
	const struct config_source *source; /* where the configuration is read from again */
	bool dry_run;
	struct config *config; /* what is in force */
	struct wire wire;
	struct engine *engine;
	struct state *state;
	char state_taken[FAULT_MAX]; /* that another natbox has its directory; empty: it has not */
	struct events *events;       /* NULL: none */
	struct metrics *metrics;     /* NULL: off */
	struct control *control;     /* NULL: none */
	struct backing *backing;     /* NULL: none */
	struct control_interest interest;
	struct turns turns;
	struct hosting hosting;
	struct sightings sightings;
	unsigned step_endpoints; /* endpoints of the next step of the clock: as engine_bound_work */
	uint64_t now_us;         /* CLOCK_BOOTTIME, which goes on while the machine is suspended */
	struct {
		uint64_t time_us, keepalives;
	} status;          /* at the last that the service manager was told */
	bool is_reviewing; /* a reload has not reached all endpoints yet */
	bool is_ready;     /* everything is open, the loop runs */
	bool told_too_many_proxies;
};

#endif
