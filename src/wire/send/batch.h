/* A batch: as many datagrams as one call hands to the kernel or takes from it. Its memory is
 * touched only where it is used. */
#ifndef NATBOX_BATCH_H
#define NATBOX_BATCH_H

#include <stddef.h>
#include <stdint.h>
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

/* How long the kernel is to take for those that it is handed by one call. A whole batch takes that
 * long where each has many rules to pass: then fewer are handed over at a time, but not so few that
 * the call itself would be what takes the time. */
enum { BATCH_US = 250, BATCH_MIN = 8 };

/* How many the next call is to have, where it took the last one so long to hand over count of
 * them. */
static inline unsigned batch_limit(unsigned count, uint64_t took_us)
{
	const uint64_t limit = count * (uint64_t)BATCH_US / (took_us ? took_us : 1);

	if (limit >= BATCH_MAX)
		return BATCH_MAX;
	return limit > BATCH_MIN ? (unsigned)limit : BATCH_MIN;
}

/* Datagrams are seldom longer than an Ethernet frame. */
enum { BATCH_USUAL = 1536 };

/* Backs what is used of a batch most of the time: its memory would come page by page with the first
 * datagrams, in a virtual machine in milliseconds. All of it, where datagrams stand one after the
 * other, is at its beginning. */
static inline void batch_back(char *from, size_t length)
{
	const uintptr_t page = 4096, start = (uintptr_t)from & ~(page - 1);

	(void)madvise((void *)start, (uintptr_t)from + length - start, MADV_POPULATE_WRITE);
}

/* Room for BATCH_MAX datagrams, or NULL. */
static inline char *batch_new(void)
{
	void *room = mmap(NULL, (size_t)BATCH_MAX * BATCH_ROOM, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return NULL;
	/* Else a child process would share it, and each page be written to by way of a fault. */
	(void)madvise(room, (size_t)BATCH_MAX * BATCH_ROOM, MADV_DONTFORK);
	batch_back(room, (size_t)BATCH_MAX * BATCH_USUAL);
	return room;
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
