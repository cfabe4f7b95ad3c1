#include "job.h"

#include <natbox/base.h>

#include <time.h>

int job_start(struct job *job, void *(*work)(void *context), void *context)
{
	const int error = thread_start(&job->thread, work, context);

	job->runs = error == 0;
	return error;
}

/* Waits for a moment, on a clock that may be set. */
static bool wait_a_moment(struct job *job)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	return pthread_timedjoin_np(job->thread, NULL, &until) == 0;
}

bool job_wait(struct job *job, uint64_t until_us)
{
	if (job->runs && pthread_tryjoin_np(job->thread, NULL) == 0)
		job->runs = false;
	while (job->runs && clock_us(CLOCK_MONOTONIC) < until_us)
		job->runs = !wait_a_moment(job);
	return !job->runs;
}

void job_leave(struct job *job)
{
	if (job->runs)
		pthread_detach(job->thread);
	job->runs = false;
}
