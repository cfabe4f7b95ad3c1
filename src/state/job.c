#include "job.h"

#include <signal.h>
#include <time.h>

int job_start(struct job *job, void *(*work)(void *context), void *context)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&job->thread, NULL, work, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	job->runs = error == 0;
	return -error;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Waits for a moment, on a clock that may be set. */
static bool wait_a_moment(struct job *job)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	return pthread_timedjoin_np(job->thread, NULL, &until) == 0;
}

bool job_wait(struct job *job, uint64_t wait_us)
{
	const uint64_t began_us = now_us();

	if (job->runs && pthread_tryjoin_np(job->thread, NULL) == 0)
		job->runs = false;
	while (job->runs && now_us() - began_us < wait_us)
		job->runs = !wait_a_moment(job);
	return !job->runs;
}

void job_leave(struct job *job)
{
	if (job->runs)
		pthread_detach(job->thread);
	job->runs = false;
}
