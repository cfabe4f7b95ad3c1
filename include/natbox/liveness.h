/* When an endpoint gets its keepalive, and whether it still answers. */
#ifndef NATBOX_LIVENESS_H
#define NATBOX_LIVENESS_H

#include <natbox/endpoint.h>

/* A new endpoint's first place on the wheel. */
void liveness_start(struct endpoints *endpoints, uint32_t endpoint);

/* One of its reasons now runs out at tick, maybe before anything else wakes it. */
void liveness_expires(struct endpoints *endpoints, uint32_t endpoint, uint32_t tick);

/* Places it anew, as after a restart or when the interval has changed: for when it is due. Those
 * that are overdue are placed one after the other, as fast as they can well be sent. */
void liveness_place_anew(struct endpoints *endpoints, uint32_t endpoint);

/* Nothing ran from one tick until now: keepalives whose answers may have been lost in that time are
 * not missed. */
void liveness_note_pause(struct endpoints *endpoints, uint32_t from);

/* A packet came from it: the binding is fresh and the user agent lives. */
void liveness_heard(struct endpoints *endpoints, uint32_t endpoint);

/* It answered the keepalive sent at sent_us. */
void liveness_replied(
	struct endpoints *endpoints, uint32_t endpoint, unsigned status, uint64_t sent_us);

/* The wheel handed it out, to send or for something else: reasons end, a keepalive is sent or found
 * missed, and it is placed again. */
void liveness_wake(struct endpoints *endpoints, uint32_t endpoint, bool send);

#endif
