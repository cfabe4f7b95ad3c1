/* The structure of an LMDB file below its records: what reading may get by with, but writing
 * trusts. */
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>

/* Walks every page in use and the list of those that are free (LMDB 0.9, data format 1): heads and
 * nodes fit their pages, and no page has two uses. last_write: the transaction whose pages these
 * are. 0, -EBADMSG, or an errno of reading the file. A page beyond the end of the file is a
 * SIGBUS. */
int pages_check(const char *path, size_t last_write);

#endif
