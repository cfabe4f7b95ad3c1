#include <natbox/base.h>

#include <time.h>

uint64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct timespec clock_in_ms(unsigned ms)
{
	const uint64_t us = clock_us(CLOCK_MONOTONIC) + ms * UINT64_C(1000);

	return (struct timespec){
		.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000)};
}
