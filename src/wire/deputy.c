#include "deputy.h"

#include <natbox/base.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct deputy {
	unsigned patience_ms;
	pthread_t thread;
	bool runs; /* the thread, from the first work on */
	atomic_bool is_busy;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t change;
	void (*work)(void *context);
	void *context;
	bool ends;
};

struct deputy *deputy_new(unsigned patience_ms)
{
	struct deputy *deputy = calloc(1, sizeof(*deputy));

	if (!deputy)
		return NULL;
	deputy->patience_ms = patience_ms;
	pthread_mutex_init(&deputy->lock, NULL);
	pthread_cond_init(&deputy->change, NULL);
	return deputy;
}

bool deputy_is_free(const struct deputy *deputy)
{
	return !atomic_load_explicit(&deputy->is_busy, memory_order_acquire);
}

/* With the lock held, but while it works. */
static void do_work(struct deputy *deputy)
{
	pthread_mutex_unlock(&deputy->lock);
	deputy->work(deputy->context);
	pthread_mutex_lock(&deputy->lock);
	atomic_store_explicit(&deputy->is_busy, false, memory_order_release);
	pthread_cond_broadcast(&deputy->change);
}

static void *serve(void *context)
{
	struct deputy *deputy = context;

	pthread_mutex_lock(&deputy->lock);
	while (!deputy->ends || !deputy_is_free(deputy)) {
		if (!deputy_is_free(deputy))
			do_work(deputy);
		else
			pthread_cond_wait(&deputy->change, &deputy->lock);
	}
	pthread_mutex_unlock(&deputy->lock);
	return NULL;
}

static bool start(struct deputy *deputy)
{
	if (!deputy->runs)
		deputy->runs = thread_start(&deputy->thread, serve, deputy) == 0;
	return deputy->runs;
}

/* With the lock held. */
static void await(struct deputy *deputy)
{
	const struct timespec until = clock_in_ms(deputy->patience_ms);
	int error = 0;

	while (!deputy_is_free(deputy) && error != ETIMEDOUT)
		error = pthread_cond_clockwait(
			&deputy->change, &deputy->lock, CLOCK_MONOTONIC, &until);
}

bool deputy_do(struct deputy *deputy, void (*work)(void *context), void *context)
{
	bool is_done;

	if (!start(deputy)) {
		work(context);
		return true;
	}
	pthread_mutex_lock(&deputy->lock);
	deputy->work = work;
	deputy->context = context;
	atomic_store_explicit(&deputy->is_busy, true, memory_order_relaxed);
	pthread_cond_broadcast(&deputy->change);
	await(deputy);
	is_done = deputy_is_free(deputy);
	pthread_mutex_unlock(&deputy->lock);
	return is_done;
}

void deputy_free(struct deputy *deputy)
{
	if (!deputy)
		return;
	pthread_mutex_lock(&deputy->lock);
	deputy->ends = true;
	pthread_cond_broadcast(&deputy->change);
	pthread_mutex_unlock(&deputy->lock);
	if (deputy->runs)
		pthread_join(deputy->thread, NULL);
	pthread_cond_destroy(&deputy->change);
	pthread_mutex_destroy(&deputy->lock);
	free(deputy);
}
