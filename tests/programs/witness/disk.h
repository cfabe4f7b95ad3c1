/* The disk that natbox keeps its state on, seen beside it: how late a small write is on it that is
 * due now. What natbox could not have written in time, because disk or processor were busy with
 * something else, nobody can expect of it. */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stdint.h>

/* Writes to a file, which it makes, twice a second from now on. False where that cannot be done. */
bool disk_watch(const char *path);

/* The longest time from when a write was due until it was on the disk, of those that went on within
 * the last few seconds. */
uint64_t disk_slowest_us(void);

#endif
