#include "timestamp.h"
#include <natbox/endpoints.h>

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void read_boot_id(char id[static BOOT_ID_SIZE])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, id, BOOT_ID_SIZE - 1) : 0;

	if (fd >= 0)
		close(fd);
	if (length < 0)
		length = 0;
	memset(id + length, 0, BOOT_ID_SIZE - (size_t)length);
}

void timestamp_now(struct timestamp *timestamp)
{
	timestamp->wall_us = (int64_t)clock_us(CLOCK_REALTIME);
	timestamp->boot_us = (int64_t)clock_us(CLOCK_BOOTTIME);
	read_boot_id(timestamp->boot_id);
}

int64_t timestamp_elapsed(const struct timestamp *from, const struct timestamp *to)
{
	int64_t passed = to->wall_us - from->wall_us;

	if (*from->boot_id && memcmp(from->boot_id, to->boot_id, BOOT_ID_SIZE) == 0)
		return to->boot_us > from->boot_us ? to->boot_us - from->boot_us : 0;
	return passed > 0 && passed <= REASON_SECONDS_MAX * INT64_C(1000000) ? passed : 0;
}
