/* A look at every endpoint, after the settings have changed or natbox was away: whether it is still
 * wanted, and when its next keepalive is due. There may be a million, so it is done in slices. */
#ifndef NATBOX_REVIEW_H
#define NATBOX_REVIEW_H

#include <natbox/endpoint.h>

/* Begins one, also in the middle of another: every endpoint is then looked at once from now on.
 * places: each gets a new place on the wheel (liveness_place_anew). */
void review_start(struct endpoints *endpoints, bool places);

static inline bool review_is_pending(const struct endpoints *endpoints)
{
	return endpoints->review.next != 0;
}

/* Whether a review that is under way, if one is, has this endpoint behind it. */
static inline bool review_has_reached(const struct endpoints *endpoints, uint32_t endpoint)
{
	return endpoint < endpoints->review.next || !review_is_pending(endpoints);
}

/* Looks at one before it is its turn. False when it is gone, or has got its new place. */
bool review_one(struct endpoints *endpoints, uint32_t endpoint);

/* Goes on with it for so much work (report.h). */
void review_run(struct endpoints *endpoints, uint64_t work);

#endif
