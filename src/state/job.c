#include "job.h"

#include <natbox/base.h>

#include <time.h>

int job_start(struct job *job, void *(*work)(void *context), void *context)
{
	const int error = thread_start(&job->thread, work, context);

	job->runs = error == 0;
	return error;
}

/* A second at a time, as the clock of that may be set. */
bool job_wait(struct job *job, uint64_t until_us)
{
	struct timespec soon;

	if (job->runs && pthread_tryjoin_np(job->thread, NULL) == 0)
		job->runs = false;
	while (job->runs && clock_us(CLOCK_MONOTONIC) < until_us) {
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_sec++;
		job->runs = pthread_timedjoin_np(job->thread, NULL, &soon) != 0;
	}
	return !job->runs;
}
