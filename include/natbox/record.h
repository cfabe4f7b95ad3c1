/* What a restart must not lose: each reason as a record of its own, with all that is needed to put
 * it and its endpoint back. A reason stands in one slot (its index in the pool) from the moment it
 * is added until it ends, also while it is refreshed, renamed or moved to another endpoint; a store
 * that keeps records by slot so overwrites the old state of a reason with the new one.
 *
 * Transactions are not kept. An early dialog leg comes back without the INVITE that it belongs to,
 * and is known by its Call-ID until a message shows what has become of the call.
 *
 * Times are relative to the engine's present. */
#ifndef NATBOX_RECORD_H
#define NATBOX_RECORD_H

#include <natbox/endpoint.h>

struct record {
	struct address client, proxy;
	unsigned nat; /* set of enum nat_test */
	enum reason_kind kind;
	bool early;
	uint64_t key;
	struct text id;    /* AOR or Call-ID; of a record read, valid until something changes */
	uint64_t left_us;  /* until it runs out */
	uint64_t quiet_us; /* since the endpoint's binding was last refreshed */
};

/* Has changes noted from now on. 0 or -ENOMEM. */
int records_watch(struct endpoints *endpoints);

/* Declares that everything there is has changed. */
void records_change_all(struct endpoints *endpoints);

/* The record in a slot; false when it is empty. A reason whose time is over but which has not been
 * woken yet counts as none. */
bool record_read(const struct endpoints *endpoints, uint32_t slot, struct record *record);

/* The endpoint of the reason in a slot has been quiet for this long. False when it is empty. */
bool record_quiet(const struct endpoints *endpoints, uint32_t slot, uint64_t *quiet_us);

/* Puts a record back into its slot, without an event; slots in ascending order, before anything
 * else is in the tables. It may stay out for this time, as the settings are other ones now: then
 * nobody gets its slot, so that a store goes on keeping it. The result is
 *     -ENOENT  its proxy is none of the proxies
 *     -EPERM   the settings do not want it: an exempt network, a kind of reason that does not count
 * Or it stays out for good, and the slot counts as changed:
 *     -ETIME   its time is over
 *     -EEXIST  the slot is not empty, or another reason has its key
 *     -ENOSPC  a limit is reached */
int record_restore(struct endpoints *endpoints, uint32_t slot, const struct record *record);

/* The same in steps: between them memory has time to come into the cache, when there are half a
 * dozen records each. The second step may be left out. The record's id must live on. */
struct record_return {
	uint32_t slot;
	struct reason_claim claim;
	struct reason_place place;
	uint64_t left_us, quiet_us;
};
struct record_return record_prepare(
	const struct endpoints *endpoints, uint32_t slot, const struct record *record);
void record_approach(const struct endpoints *endpoints, const struct record_return *prepared);
int record_finish(struct endpoints *endpoints, const struct record_return *prepared);

/* After the last record_restore: starts the keepalives, each at most one interval after the
 * endpoint was last heard or sent one, and never too many at once. */
void records_resume(struct endpoints *endpoints);

#endif
