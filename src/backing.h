/* Backs the memory of tables that fill up (base.h) before packets need it, in a thread of its
 * own. */
#ifndef NATBOX_BACKING_H
#define NATBOX_BACKING_H

#include <natbox/engine.h>
#include <natbox/state.h>

struct backing;

/* What these have in use already is backed when this returns. NULL where memory or threads are
 * short: then memory comes as it is touched, and a turn may be long. */
struct backing *backing_start(const struct engine *engine, const struct state *state);

/* In each turn of the loop: has backed what will be needed soon. NULL is fine. */
void backing_run(struct backing *backing);

/* Before the tables go. NULL is fine. */
void backing_stop(struct backing *backing);

#endif
