#include "disk.h"
#include "phones.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum {
	PERIOD_US = 500000,
	WRITES = 16, /* remembered */
	/* Whatever went on since then may have kept natbox from writing. */
	REMEMBERED_US = 5000000,
};

struct write {
	uint64_t due_us, end_us; /* end_us: 0 while it goes on */
};

static struct write writes[WRITES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void note(struct write *write, uint64_t due_us, uint64_t end_us)
{
	pthread_mutex_lock(&lock);
	*write = (struct write){due_us, end_us};
	pthread_mutex_unlock(&lock);
}

static void sleep_until(uint64_t until_us)
{
	uint64_t time_us = now_us();

	if (time_us < until_us)
		usleep((useconds_t)(until_us - time_us));
}

static void *watch(void *context)
{
	const int file = *(const int *)context;
	uint64_t due_us = now_us();

	for (unsigned i = 0;; i = (i + 1) % WRITES) {
		note(&writes[i], due_us, 0);
		sleep_until(due_us);
		/* What fails is no measure, but natbox is told of it as well. */
		(void)!pwrite(file, &due_us, sizeof(due_us), 0);
		fsync(file);
		note(&writes[i], due_us, now_us());
		due_us = now_us() + PERIOD_US;
	}
	return NULL;
}

bool disk_watch(const char *path)
{
	static int file;
	pthread_t thread;

	file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	return file >= 0 && pthread_create(&thread, NULL, watch, &file) == 0;
}

uint64_t disk_slowest_us(void)
{
	const uint64_t time_us = now_us();
	uint64_t slowest_us = 0;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < WRITES; i++) {
		const uint64_t end_us = writes[i].end_us ? writes[i].end_us : time_us;

		if (!writes[i].due_us || end_us + REMEMBERED_US < time_us)
			continue;
		if (end_us > writes[i].due_us && end_us - writes[i].due_us > slowest_us)
			slowest_us = end_us - writes[i].due_us;
	}
	pthread_mutex_unlock(&lock);
	return slowest_us;
}
