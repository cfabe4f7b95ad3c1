/* Work that may have to wait for a disk, in a thread of its own. */
#ifndef STATE_JOB_H
#define STATE_JOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct job {
	pthread_t thread;
	bool runs; /* has been started, and job_wait has not said yet that it is done */
};

/* 0 or a negative errno: threads may be short. */
int job_start(struct job *job, void *(*work)(void *context), void *context);

/* Waits until it is done, or until_us is over on CLOCK_MONOTONIC, as 0 always is: whether it is
 * done, or none runs. */
bool job_wait(struct job *job, uint64_t until_us);

#endif
