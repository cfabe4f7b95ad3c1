/* Enquiries: questions that the kernel may answer only once others have done changing interfaces
 * and routes, as containers do all the while; which ones, differs from kernel to kernel. A deputy
 * asks them, one at a time. */
#ifndef NATBOX_ENQUIRIES_H
#define NATBOX_ENQUIRIES_H

#include "questions.h"

struct enquiries;

/* patience_ms: how long the caller of any of these waits at most. 0 or a negative errno. */
int enquiries_open(unsigned patience_ms, struct enquiries **enquiries);
void enquiries_close(struct enquiries *enquiries); /* NULL is fine */

/* Whether nothing is under way: then the next one may be asked. */
bool enquiries_are_free(const struct enquiries *enquiries);

/* False: the kernel has not answered as yet, or with an error. What it answers later counts for
 * nothing, as notifications may have told of something newer by then. */
bool enquire_device(struct enquiries *enquiries, unsigned interface, struct device *device);
bool enquire_neighbour(struct enquiries *enquiries, unsigned interface, const uint8_t ip[static 16],
	struct neighbour_state *state);

/* As ask_segments: what it names is the deputy's until they are free again, and then there is the
 * result. */
void enquire_segments(struct enquiries *enquiries, struct segments *segments,
	struct routing_kinds kinds[static 2]);
int enquiries_result(const struct enquiries *enquiries);

#endif
