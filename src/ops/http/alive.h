/* When natbox counts as alive. */
#ifndef NATBOX_HTTP_ALIVE_H
#define NATBOX_HTTP_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	/* The loop turns at least once a second, however little there is to do. When it has not for
	 * three times as long, it hangs: a busy host alone does not hold it up that long, and in
	 * relay mode the kernel has let SIP flow past it by then. */
	METRICS_HANG_US = 3 * 1000 * 1000,
};

/* Whether a loop that has turned last at turned_us is alive. */
static inline bool metrics_is_alive(uint64_t turned_us, uint64_t now_us)
{
	return now_us <= turned_us || now_us - turned_us <= METRICS_HANG_US;
}

#endif
