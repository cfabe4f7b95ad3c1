#ifndef NATBOX_KEEPALIVE_H
#define NATBOX_KEEPALIVE_H

#include <natbox/base.h>
#include <natbox/endpoints.h>
#include <natbox/settings.h>
#include <natbox/sip.h>

/* Keepalive messages: what is sent, and how its answer is recognised without a table: the branch of
 * its Via carries the time it was sent and a keyed MAC over client, proxy and that time. */

/* The longest keepalive: a From of nothing but PROXY, the extra headers, and all other lines. */
enum { KEEPALIVE_MAX = FROM_MAX / 5 * ADDRESS_TEXT_MAX + EXTRA_HEADERS_MAX + 1024 };

struct keepalive {
	const struct settings *settings;
	struct hash_key key;
};

/* Writes one and returns its length. sent_us makes it unique for its client. */
size_t keepalive_build(const struct keepalive *keepalive, const struct address *client,
	const struct address *proxy, uint64_t sent_us, char out[static KEEPALIVE_MAX]);

/* Whether a user agent can be expected to answer; CRLF and zero bytes it does not. */
bool keepalive_is_answered(const struct keepalive *keepalive);

/* Whether this message's top Via is one that keepalive_build wrote for this client and proxy: the
 * keepalive itself or its answer. *sent_us is when it was sent. */
bool keepalive_recognise(const struct keepalive *keepalive, const struct sip_message *message,
	const struct address *client, const struct address *proxy, uint64_t *sent_us);

/* When an endpoint gets its keepalive, and whether it still answers. */

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

/* A look at every endpoint, after the settings have changed or natbox was away: whether it is still
 * wanted, and when its next keepalive is due. There may be a million, so it is done in slices. */

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
