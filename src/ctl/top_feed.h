/* A connection to natbox, for natboxctl top, and the lines that come over it. */
#ifndef NATBOX_CTL_TOP_FEED_H
#define NATBOX_CTL_TOP_FEED_H

#include "ctl.h"

struct feed {
	int fd; /* -1: it is not connected */
	char *bytes;
	size_t used, size;
};

/* One that is not. False with errno set. */
bool feed_open(struct feed *feed, const struct ctl *ctl);
void feed_close(struct feed *feed);

/* Reads what is there, and hands each line on. False: it has ended, or is no natbox's. */
bool feed_read(struct feed *feed, void (*take)(void *context, const json_t *line), void *context);

#endif
