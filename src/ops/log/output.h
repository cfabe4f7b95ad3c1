/* Where lines go: a file, a FIFO, a pipe, a terminal or a socket. By default a write waits for
 * whoever reads there; output_stop_waiting is for the packet loop, which nobody may stop by not
 * reading. A regular file always waits for its disk.
 *
 * A standard stream is shared with whoever started natbox, so it is never set non-blocking: that
 * would hold for the others too. A pipe or a terminal is opened once more for natbox alone; where
 * that is not allowed the kernel is asked before each write whether there is room; a socket takes a
 * flag with each write. */
#ifndef NATBOX_OUTPUT_H
#define NATBOX_OUTPUT_H

#include "../rights.h"

struct output {
	int fd;
	bool is_standard;    /* not natbox's to close */
	bool waits;          /* for who reads */
	bool is_socket;      /* of a standard stream */
	bool asks_first;     /* may be made to wait, so it is asked for room */
	bool is_unread_fifo; /* when it was opened */
};

/* Opens path to add to, creating it; NULL: that standard stream, which is open. `what` it is for
 * people, a log for one. Does not wait for a FIFO's reader. owner: as rights_open. It waits. 0 or a
 * negative errno. */
int output_open(const char *what, const char *path, int standard, const struct identity *owner,
	struct output *output, struct fault *fault);

/* It no longer waits. */
void output_stop_waiting(struct output *output);

/* Writes what there is room for. Returns how much, or a negative errno; -EAGAIN: there is none. */
ssize_t output_write(const struct output *output, const char *bytes, size_t length);

/* Why that failed, for people. */
const char *output_explain(int error);

void output_close(struct output *output);

#endif
