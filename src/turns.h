/* How long the turns of the event loop take. A turn is all that is done between two waits: packets,
 * timers, signals, files. While it lasts no other packet is handled. */
#ifndef NATBOX_TURNS_H
#define NATBOX_TURNS_H

#include <natbox/ops.h>

/* By the clock, and by what this thread had of a processor in that time. The difference is other
 * programs' doing, or a disk's. */
struct turn_length {
	uint64_t clock_us, processor_us;
};

struct turns {
	struct turn_length longest;      /* since turns_forget_longest; not of one turn */
	struct turn_length longest_ever; /* the same since the start */
	struct turn_length last;
	struct turn_counters counters;
	uint64_t begun_us;
	uint64_t processor_us; /* this thread's, at the end of the last turn */
};

/* How long after its beginning a turn still takes packets, and how long it still does other things
 * that can wait for the next one. The clock is looked at after some dozen microseconds of work, so
 * that a slow machine, or one that does other things besides, does less in a turn, and no turn
 * lasts much longer. Shorter ones would cost more: each has some microseconds of its own. */
enum { TURN_PACKETS_US = 2000, TURN_US = 2500 };

/* What the engine's clock does before the time is looked at, as engine_bound_work counts it: what
 * takes a tenth of a millisecond. Where each datagram takes long to send there is less, so that it
 * takes not much longer. */
enum { STEP_ENDPOINTS_MAX = 50, STEP_ENDPOINTS_MIN = 4, STEP_US = 200 };

/* The first of a turn: memory that nobody has touched for seconds comes slowly, where it comes from
 * the host of a virtual machine. */
enum { STEP_ENDPOINTS_FIRST = 12 };

/* Before the first turn. */
void turns_start(struct turns *turns);

/* Around each turn, in the thread of the loop. */
void turns_begin(struct turns *turns);
void turns_end(struct turns *turns);

/* Microseconds since this turn began, by the clock. */
uint64_t turns_passed_us(const struct turns *turns);

void turns_forget_longest(struct turns *turns);

#endif
