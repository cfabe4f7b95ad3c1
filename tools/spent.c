/* Prints how many nanoseconds of CPU a process has spent, with all of its threads, those that have
 * ended too, and how many its first thread: what /proc tells of the threads there are forgets
 * those, and of the process it tells hundredths of a second.
 *
 *     spent PID */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long first_thread(long pid)
{
	char path[64];
	long long nanoseconds = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid);
	stream = fopen(path, "re");
	if (!stream || fscanf(stream, "%lld", &nanoseconds) != 1)
		nanoseconds = 0;
	if (stream)
		fclose(stream);
	return nanoseconds;
}

int main(int argc, char **argv)
{
	const long pid = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	struct timespec spent;
	clockid_t clock;

	if (pid <= 0) {
		fprintf(stderr, "usage: spent PID\n");
		return 2;
	}
	errno = clock_getcpuclockid((pid_t)pid, &clock);
	if (errno || clock_gettime(clock, &spent) < 0) {
		fprintf(stderr, "spent: %ld: %s\n", pid, strerror(errno));
		return 1;
	}
	printf("%lld %lld\n", (long long)spent.tv_sec * 1000000000 + spent.tv_nsec,
		first_thread(pid));
	return 0;
}
