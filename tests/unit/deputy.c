/* A deputy: who waits for what it does, and for how long. */
#include "wire/deputy.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

enum { LONG_MS = 60000, TRIES = 6000, TRY_US = 10000 };

static struct deputy *deputy;
static sem_t allowed;
static unsigned done;
static pthread_t doer;

static void cleanup(void)
{
	deputy_free(deputy);
}

TestSuite(deputy, .fini = cleanup, .timeout = 120);

static void begin(unsigned patience_ms)
{
	sem_init(&allowed, 0, 0);
	deputy = deputy_new(patience_ms);
	cr_assert(deputy && deputy_is_free(deputy));
}

static void work(void *context)
{
	sem_wait(&allowed);
	doer = pthread_self();
	*(unsigned *)context += 1;
}

static bool comes_free(void)
{
	for (unsigned i = 0; i < TRIES; i++) {
		if (deputy_is_free(deputy))
			return true;
		usleep(TRY_US);
	}
	return false;
}

Test(deputy, what_is_done_at_once_is_waited_for)
{
	begin(LONG_MS);
	for (unsigned i = 1; i <= 3; i++) {
		sem_post(&allowed);
		cr_expect(deputy_do(deputy, work, &done));
		cr_expect_eq(done, i);
		cr_expect(deputy_is_free(deputy));
		cr_expect_not(pthread_equal(doer, pthread_self()));
	}
}

Test(deputy, what_takes_long_goes_on_while_the_caller_does)
{
	begin(1);
	cr_expect_not(deputy_do(deputy, work, &done));
	cr_expect_not(deputy_is_free(deputy));
	sem_post(&allowed);
	cr_assert(comes_free());
	cr_expect_eq(done, 1);
	cr_expect_not(
		deputy_do(deputy, work, &done), "the end of the last is not that of the next");
	sem_post(&allowed);
	cr_assert(comes_free());
	cr_expect_eq(done, 2);
}

Test(deputy, it_ends_once_what_it_is_at_is_done)
{
	begin(1);
	cr_expect_not(deputy_do(deputy, work, &done));
	sem_post(&allowed);
	deputy_free(deputy);
	deputy = NULL;
	cr_expect_eq(done, 1);
}
