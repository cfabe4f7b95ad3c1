#include "backing.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

struct backing {
	pthread_t thread;
	sem_t news;
	atomic_bool stops;
	struct fillings fillings; /* the loop's */
	/* Of each, in bytes from its beginning: what the loop has asked for, and what the thread
	 * has done, which is its own. */
	_Atomic size_t wanted[FILLINGS_MAX];
	size_t backed[FILLINGS_MAX];
};

static void back(struct backing *backing)
{
	for (unsigned i = 0; i < backing->fillings.count; i++) {
		const size_t wanted = atomic_load(&backing->wanted[i]);

		if (backing->backed[i] < wanted)
			table_back(backing->fillings.list[i].table, backing->backed[i], wanted);
		backing->backed[i] = wanted;
	}
}

static void *run(void *context)
{
	struct backing *backing = context;

	while (!atomic_load(&backing->stops)) {
		sem_wait(&backing->news);
		back(backing);
	}
	return NULL;
}

/* Whether there is more to do for the thread. */
static bool look(struct backing *backing)
{
	bool is_due = false;

	for (unsigned i = 0; i < backing->fillings.count; i++) {
		struct filling *filling = &backing->fillings.list[i];

		if (!filling_is_due(filling))
			continue;
		atomic_store(&backing->wanted[i], filling_wants(filling));
		is_due = true;
	}
	return is_due;
}

struct backing *backing_start(const struct engine *engine, const struct state *state)
{
	struct backing *backing = calloc(1, sizeof(*backing));

	if (!backing)
		return NULL;
	engine_list_fillings(engine, &backing->fillings);
	state_list_fillings(state, &backing->fillings);
	look(backing);
	back(backing);
	sem_init(&backing->news, 0, 0);
	if (thread_start(&backing->thread, run, backing) == 0)
		return backing;
	sem_destroy(&backing->news);
	free(backing);
	return NULL;
}

void backing_run(struct backing *backing)
{
	if (backing && look(backing))
		sem_post(&backing->news);
}

void backing_stop(struct backing *backing)
{
	if (!backing)
		return;
	atomic_store(&backing->stops, true);
	sem_post(&backing->news);
	pthread_join(backing->thread, NULL);
	sem_destroy(&backing->news);
	free(backing);
}
