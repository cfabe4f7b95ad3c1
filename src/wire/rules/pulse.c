#include "pulse.h"

#include <natbox/base.h>

#include <errno.h>

void pulse_init(struct pulse *pulse)
{
	pthread_mutex_init(&pulse->lock, NULL);
	pthread_cond_init(&pulse->stop, NULL);
}

void pulse_destroy(struct pulse *pulse)
{
	pthread_cond_destroy(&pulse->stop);
	pthread_mutex_destroy(&pulse->lock);
}

void pulse_tick(struct pulse *pulse)
{
	const unsigned ticks = atomic_load_explicit(&pulse->ticks, memory_order_relaxed);

	atomic_store_explicit(&pulse->ticks, ticks + 1, memory_order_relaxed);
}

/* False when the threads are to end. */
static bool wait_for_next_look(struct pulse *pulse)
{
	const struct timespec at = clock_in_ms(PULSE_TICK_MS);
	bool stopping;

	pthread_mutex_lock(&pulse->lock);
	while (!pulse->stopping && pthread_cond_clockwait(&pulse->stop, &pulse->lock,
					   CLOCK_MONOTONIC, &at) != ETIMEDOUT)
		;
	stopping = pulse->stopping;
	pthread_mutex_unlock(&pulse->lock);
	return !stopping;
}

/* Looks more often than it works, so that a hang is not prolonged by what was before it. */
static void *watch(void *context)
{
	struct pulse_thread *thread = context;
	struct pulse *pulse = thread->pulse;
	unsigned seen = atomic_load(&pulse->ticks);
	int looks = 0;

	while (wait_for_next_look(pulse)) {
		const unsigned ticks = atomic_load_explicit(&pulse->ticks, memory_order_relaxed);

		looks++;
		if (ticks != seen && looks >= PULSE_WORK_MS / PULSE_TICK_MS) {
			thread->work(thread->context);
			looks = 0;
		}
		seen = ticks;
	}
	return NULL;
}

int pulse_start(struct pulse *pulse, struct pulse_thread *thread, void (*work)(void *context),
	void *context)
{
	int error;

	*thread = (struct pulse_thread){.pulse = pulse, .work = work, .context = context};
	error = thread_start(&thread->thread, watch, thread);
	thread->runs = !error;
	return error;
}

void pulse_stop(struct pulse *pulse)
{
	pthread_mutex_lock(&pulse->lock);
	pulse->stopping = true;
	pthread_cond_broadcast(&pulse->stop);
	pthread_mutex_unlock(&pulse->lock);
}

void pulse_join(struct pulse_thread *thread)
{
	if (thread->runs)
		pthread_join(thread->thread, NULL);
	thread->runs = false;
}
