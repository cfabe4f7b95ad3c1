#include "deputy.h"

#include <natbox/base.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

struct deputy {
	unsigned patience_ms;
	bool runs, is_free; /* the caller's */
	pthread_t thread;
	sem_t begun, done;
	void (*work)(void *context); /* NULL: to end */
	void *context;
};

struct deputy *deputy_new(unsigned patience_ms)
{
	struct deputy *deputy = calloc(1, sizeof(*deputy));

	if (!deputy)
		return NULL;
	deputy->patience_ms = patience_ms;
	deputy->is_free = true;
	sem_init(&deputy->begun, 0, 0);
	sem_init(&deputy->done, 0, 0);
	return deputy;
}

static void *serve(void *context)
{
	struct deputy *deputy = context;

	for (;;) {
		while (sem_wait(&deputy->begun) != 0 && errno == EINTR)
			;
		if (!deputy->work)
			return NULL;
		deputy->work(deputy->context);
		sem_post(&deputy->done);
	}
}

static bool start(struct deputy *deputy)
{
	if (!deputy->runs)
		deputy->runs = thread_start(&deputy->thread, serve, deputy) == 0;
	return deputy->runs;
}

static struct timespec end_of_patience(const struct deputy *deputy)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += deputy->patience_ms / 1000;
	at.tv_nsec += deputy->patience_ms % 1000 * 1000000L;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

bool deputy_do(struct deputy *deputy, void (*work)(void *context), void *context)
{
	const struct timespec until = end_of_patience(deputy);
	int failed;

	if (!start(deputy)) {
		work(context);
		return true;
	}
	deputy->work = work;
	deputy->context = context;
	sem_post(&deputy->begun);
	do
		failed = sem_clockwait(&deputy->done, CLOCK_MONOTONIC, &until);
	while (failed && errno == EINTR);
	deputy->is_free = !failed;
	return deputy->is_free;
}

bool deputy_is_free(struct deputy *deputy)
{
	if (!deputy->is_free)
		deputy->is_free = sem_trywait(&deputy->done) == 0;
	return deputy->is_free;
}

void deputy_free(struct deputy *deputy)
{
	if (!deputy)
		return;
	while (!deputy->is_free)
		deputy->is_free = sem_wait(&deputy->done) == 0;
	deputy->work = NULL;
	sem_post(&deputy->begun);
	if (deputy->runs)
		pthread_join(deputy->thread, NULL);
	sem_destroy(&deputy->begun);
	sem_destroy(&deputy->done);
	free(deputy);
}
