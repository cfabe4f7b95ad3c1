/* A batch: as many datagrams as one call hands to the kernel or takes from it. Its memory is
 * touched only where it is used. */
#ifndef NATBOX_BATCH_H
#define NATBOX_BATCH_H

#include <stddef.h>
#include <sys/mman.h>

/* Datagrams of a batch. */
enum { BATCH_MAX = 64 };

/* Room for the longest datagram and the header in front of it. The KiB on top staggers the starts
 * of the datagrams: at a distance of 64 KiB all of them would compete for the same few cache
 * lines. */
enum { BATCH_ROOM = 65536 + 1024 };

/* The kernel's buffers of each socket: 4 MiB take the 2 000 or so datagrams that come while the
 * event loop is busy for 10 ms with something else. */
enum { SOCKET_BUFFER = 4 << 20 };

/* Room for BATCH_MAX datagrams, or NULL. */
static inline char *batch_new(void)
{
	void *room = mmap(NULL, (size_t)BATCH_MAX * BATCH_ROOM, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room == MAP_FAILED ? NULL : room;
}

static inline void batch_free(char *batch)
{
	if (batch)
		munmap(batch, (size_t)BATCH_MAX * BATCH_ROOM);
}

static inline char *batch_at(char *batch, unsigned i)
{
	return batch + (size_t)i * BATCH_ROOM;
}

#endif
