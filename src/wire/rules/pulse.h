/* Work that is done every half second for as long as the event loop turns: each piece by a thread
 * of its own, so that none waits for another. */
#ifndef NATBOX_PULSE_H
#define NATBOX_PULSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A pause between two ticks that is longer is taken for a hang. */
enum { PULSE_WORK_MS = 500, PULSE_TICK_MS = 250 };

/* Of one event loop. */
struct pulse {
	atomic_uint ticks;
	pthread_mutex_t lock; /* of stopping */
	pthread_cond_t stop;
	bool stopping;
};

struct pulse_thread {
	struct pulse *pulse;
	void (*work)(void *context);
	void *context;
	pthread_t thread;
	bool runs;
};

void pulse_init(struct pulse *pulse);
void pulse_destroy(struct pulse *pulse);

/* The event loop turns. From its thread, every PULSE_TICK_MS at least; costs nothing. */
void pulse_tick(struct pulse *pulse);

/* *thread stays where it is until it is joined. 0 or a negative errno. */
int pulse_start(struct pulse *pulse, struct pulse_thread *thread, void (*work)(void *context),
	void *context);

/* Each thread ends once it has done what it is at, for which it is joined. One that was not started
 * is fine. */
void pulse_stop(struct pulse *pulse);
void pulse_join(struct pulse_thread *thread);

#endif
