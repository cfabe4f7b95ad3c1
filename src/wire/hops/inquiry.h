/* Inquiries: those questions (questions.h) for which the kernel may have to wait until others have
 * changed interfaces or routes. A deputy asks them, one at a time. */
#ifndef NATBOX_INQUIRY_H
#define NATBOX_INQUIRY_H

#include "questions.h"

struct inquiry;

/* patience_ms: how long the caller waits for an answer. 0 or a negative errno. */
int inquiry_open(unsigned patience_ms, struct inquiry **inquiry);
void inquiry_close(struct inquiry *inquiry); /* NULL is fine */

/* All return what the question does, or -EAGAIN: there is no answer yet. One that comes late is
 * nobody's, as it may be older than what the kernel has told since. */
int inquiry_neighbour(struct inquiry *inquiry, unsigned interface, const uint8_t ip[static 16],
	struct neighbour_state *state);
int inquiry_device(struct inquiry *inquiry, unsigned interface, struct device *device);

/* Of segments alone a late answer counts: asked for again, the same reading goes on, and segments
 * and kinds are its own until it has come to its end. */
int inquiry_segments(
	struct inquiry *inquiry, struct segments *segments, struct routing_kinds kinds[static 2]);

#endif
