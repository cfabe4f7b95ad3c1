#include "batch.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

void timestamp_now(struct timestamp *timestamp)
{
	const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	*timestamp = (struct timestamp){.wall_us = (int64_t)clock_us(CLOCK_REALTIME),
		.boot_us = (int64_t)clock_us(CLOCK_BOOTTIME)};
	if (fd < 0)
		return;
	(void)!read(fd, timestamp->boot_id, BOOT_ID_SIZE - 1);
	close(fd);
}

int64_t timestamp_elapsed(const struct timestamp *from, const struct timestamp *to)
{
	int64_t passed = to->wall_us - from->wall_us;

	if (*from->boot_id && memcmp(from->boot_id, to->boot_id, BOOT_ID_SIZE) == 0)
		return to->boot_us > from->boot_us ? to->boot_us - from->boot_us : 0;
	return passed > 0 && passed <= REASON_SECONDS_MAX * INT64_C(1000000) ? passed : 0;
}
