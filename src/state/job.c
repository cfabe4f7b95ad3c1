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

bool job_wait(struct job *job, uint64_t wait_us)
{
	struct timespec until;

	if (!job->runs)
		return true;
	clock_gettime(CLOCK_MONOTONIC, &until);
	wait_us += (uint64_t)until.tv_nsec / 1000;
	until.tv_sec += (time_t)(wait_us / 1000000);
	until.tv_nsec = (long)(wait_us % 1000000 * 1000);
	if (pthread_clockjoin_np(job->thread, NULL, CLOCK_MONOTONIC, &until) == 0)
		job->runs = false;
	return !job->runs;
}

void job_leave(struct job *job)
{
	if (job->runs)
		pthread_detach(job->thread);
	job->runs = false;
}
