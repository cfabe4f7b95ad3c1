#include "errands.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int errands_init(struct errands *errands)
{
	pthread_mutex_init(&errands->mutex, NULL);
	errands->asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	errands->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return errands->asked < 0 || errands->done < 0 ? -errno : 0;
}

void errands_free(struct errands *errands)
{
	if (errands->asked >= 0)
		close(errands->asked);
	if (errands->done >= 0)
		close(errands->done);
	pthread_mutex_destroy(&errands->mutex);
}

static bool become(struct errand *errand, enum errand_state from, enum errand_state to)
{
	int expected = from;

	return atomic_compare_exchange_strong(&errand->state, &expected, to);
}

static struct errand *find_free(struct errands *errands)
{
	for (unsigned i = 0; i < ERRANDS_MAX; i++) {
		struct errand *errand = &errands->list[i];

		if (!errand->is_held && atomic_load(&errand->state) == ERRAND_FREE)
			return errand;
	}
	return NULL;
}

struct errand *errand_ask(struct errands *errands, const struct survey_question *question,
	uint64_t now_us, void *asker, void (*suspend)(void *asker))
{
	struct errand *errand;

	pthread_mutex_lock(&errands->mutex);
	errand = errands->is_closed ? NULL : find_free(errands);
	if (errand) {
		errand->question = *question;
		errand->answer = (struct json){.bytes = errand->bytes};
		errand->is_held = errand->waits = true;
		errand->asked_us = now_us;
		errand->asker = asker;
		suspend(asker);
		atomic_fetch_add(&errands->open, 1);
		atomic_store(&errand->state, ERRAND_WANTED);
	}
	pthread_mutex_unlock(&errands->mutex);
	if (errand)
		eventfd_write(errands->asked, 1);
	return errand;
}

bool errand_is_answered(struct errand *errand)
{
	return atomic_load(&errand->state) == ERRAND_DONE;
}

void errand_release(struct errands *errands, struct errand *errand)
{
	pthread_mutex_lock(&errands->mutex);
	become(errand, ERRAND_DONE, ERRAND_FREE);
	errand->is_held = errand->waits = false;
	pthread_mutex_unlock(&errands->mutex);
}

/* It is the loop's to let go. */
static void give_up(struct errand *errand)
{
	if (!become(errand, ERRAND_WANTED, ERRAND_GIVEN_UP))
		become(errand, ERRAND_RUNNING, ERRAND_GIVEN_UP);
}

void errands_wake(struct errands *errands, uint64_t now_us, void (*wake)(void *asker))
{
	eventfd_t count;

	eventfd_read(errands->done, &count);
	pthread_mutex_lock(&errands->mutex);
	for (unsigned i = 0; i < ERRANDS_MAX; i++) {
		struct errand *errand = &errands->list[i];
		const bool is_late = now_us > errand->asked_us + ERRAND_LIMIT_US;

		if (!errand->waits)
			continue;
		if (is_late)
			give_up(errand);
		if (!is_late && atomic_load(&errand->state) != ERRAND_DONE)
			continue;
		errand->waits = false;
		wake(errand->asker);
	}
	pthread_mutex_unlock(&errands->mutex);
}

void errands_close(struct errands *errands, void (*wake)(void *asker))
{
	pthread_mutex_lock(&errands->mutex);
	errands->is_closed = true;
	pthread_mutex_unlock(&errands->mutex);
	errands_wake(errands, UINT64_MAX, wake);
}

/* In turn, so that who asks again and again keeps nobody else waiting. */
static void take_next(struct errands *errands, struct endpoints *endpoints)
{
	for (unsigned i = 0; i < ERRANDS_MAX && !errands->current; i++) {
		struct errand *errand = &errands->list[errands->taken++ % ERRANDS_MAX];

		if (become(errand, ERRAND_WANTED, ERRAND_RUNNING))
			errands->current = errand;
		else if (become(errand, ERRAND_GIVEN_UP, ERRAND_FREE))
			atomic_fetch_sub(&errands->open, 1);
	}
	if (errands->current)
		survey_start(&errands->survey, &errands->current->question, endpoints,
			&errands->current->answer);
}

static void finish(struct errands *errands)
{
	struct errand *errand = errands->current;

	errands->current = NULL;
	atomic_fetch_sub(&errands->open, 1);
	if (become(errand, ERRAND_RUNNING, ERRAND_DONE))
		eventfd_write(errands->done, 1);
	else
		atomic_store(&errand->state, ERRAND_FREE);
}

static void run_until(struct errands *errands, uint64_t until_us)
{
	bool goes_on = atomic_load(&errands->current->state) == ERRAND_RUNNING;

	while (goes_on) {
		goes_on = survey_step(&errands->survey);
		if (goes_on && clock_us(CLOCK_MONOTONIC) >= until_us)
			return;
	}
	finish(errands);
}

void errands_run(struct errands *errands, struct endpoints *endpoints, uint64_t budget_us)
{
	const uint64_t until_us = clock_us(CLOCK_MONOTONIC) + budget_us;
	eventfd_t count;

	eventfd_read(errands->asked, &count);
	if (!errands->current)
		take_next(errands, endpoints);
	if (errands->current)
		run_until(errands, until_us);
}
