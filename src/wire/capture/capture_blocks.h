/* The blocks of a pcapng file on their way to libpcap, which refuses a file whose interfaces differ
 * in link type or snapshot length. So it is told that they do not, and the link type of each packet
 * is kept here. It also refuses sections that differ in byte order, as a file has that was put
 * together on several machines: where the order changes, it is told that the file ends. */
#ifndef NATBOX_CAPTURE_BLOCKS_H
#define NATBOX_CAPTURE_BLOCKS_H

#include <stdbool.h>
#include <stdio.h>

struct blocks;

/* Whether file, at its start, is pcapng. Leaves it at its start. */
bool blocks_are_in(FILE *file);

/* A stream for libpcap of what is in file, from its start. It owns file and *blocks once this has
 * succeeded. NULL with errno. */
FILE *blocks_open(FILE *file, struct blocks **blocks);

/* Whether the file goes on where it seemed to end, with a section in the other byte order. */
bool blocks_have_more(const struct blocks *blocks);

/* A stream of what follows there, like that of blocks_open. It takes the file over from these
 * blocks; they and their stream remain to be closed. NULL with errno. */
FILE *blocks_go_on(struct blocks *blocks, struct blocks **next);

/* The link type (LINKTYPE_, as files have it) of the interface that the packet read last came from;
 * before the first packet, of the first interface. -1: not known. */
int blocks_link_type(const struct blocks *blocks);

#endif
