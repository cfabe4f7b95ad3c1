/* Memory for a batch of datagrams, touched only where it is used. */
#ifndef NATBOX_IO_SLOTS_H
#define NATBOX_IO_SLOTS_H

#include "relay.h"

#include <sys/mman.h>

/* Room for the longest datagram and the header in front of it. The KiB on top staggers the starts
 * of the slots: at a distance of 64 KiB all of them would compete for the same few cache lines. */
enum { SLOT_SIZE = 65536 + 1024 };

/* The kernel's buffers of each socket: 4 MiB take the 2 000 or so datagrams that come while the
 * event loop is busy for 10 ms with something else. */
enum { RELAY_SOCKET_BUFFER = 4 << 20 };

/* RELAY_BATCH slots, or NULL. */
static inline char *slots_new(void)
{
	void *slots = mmap(NULL, (size_t)RELAY_BATCH * SLOT_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return slots == MAP_FAILED ? NULL : slots;
}

static inline void slots_free(char *slots)
{
	if (slots)
		munmap(slots, (size_t)RELAY_BATCH * SLOT_SIZE);
}

static inline char *slots_at(char *slots, unsigned i)
{
	return slots + (size_t)i * SLOT_SIZE;
}

#endif
