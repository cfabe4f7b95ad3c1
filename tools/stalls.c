/* Prints how often this machine has stood still: a loop that only reads the clock, for SECONDS, and
 * finds more than MILLISECONDS passed between two looks. In virtual machines that is their host's
 * doing; elsewhere it is other programs' on the same core.
 *
 *     stalls SECONDS MILLISECONDS */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static unsigned count_stalls(uint64_t length_ns, uint64_t stall_ns)
{
	const uint64_t start_ns = now_ns();
	uint64_t last_ns = start_ns, at_ns;
	unsigned stalls = 0;

	do {
		at_ns = now_ns();
		stalls += at_ns - last_ns > stall_ns;
		last_ns = at_ns;
	} while (at_ns - start_ns < length_ns);
	return stalls;
}

int main(int argc, char **argv)
{
	const long seconds = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	const long milliseconds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (seconds <= 0 || milliseconds <= 0) {
		fprintf(stderr, "usage: stalls SECONDS MILLISECONDS\n");
		return 2;
	}
	printf("%u\n",
		count_stalls((uint64_t)seconds * 1000000000, (uint64_t)milliseconds * 1000000));
	return 0;
}
