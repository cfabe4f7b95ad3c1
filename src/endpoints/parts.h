/* What the files of this room share. How endpoints come and go, for reasons: the first brings one,
 * the last takes it along. And how reasons come back, for records. */
#ifndef NATBOX_ENDPOINTS_PARTS_H
#define NATBOX_ENDPOINTS_PARTS_H

#include <natbox/endpoints.h>

/* Where the tables have a client at a proxy, or would have it. */
struct endpoint_bucket {
	uint32_t *head, *address_counter;
};
struct endpoint_bucket endpoint_bucket(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy);

/* Whether it is the one of a client at a proxy. */
static inline bool endpoint_is_at(
	const struct endpoint *endpoint, const struct address *client, uint16_t proxy)
{
	return endpoint->proxy == proxy && address_equal(&endpoint->client, client);
}

/* endpoint_find where the head of its list is known. */
uint32_t endpoint_find_in(const struct endpoints *endpoints, const uint32_t *head,
	const struct address *client, uint16_t proxy);

/* What is kept of a Contact's user: it without password where it is not the AOR's and may stand in
 * a message, else nothing. */
struct text contact_user(struct text aor, struct text user);

/* Puts the endpoint of a claim into the tables, without a word and on no schedule. Its index, or 0
 * when a limit is reached, which *refusal names. */
uint32_t endpoint_enter(struct endpoints *endpoints, const struct reason_claim *claim,
	const struct endpoint_bucket *bucket, enum refusal *refusal);

/* It is proven; nothing else follows. False when it has been. */
bool endpoint_set_proven(struct endpoints *endpoints, uint32_t endpoint);

/* The unproven endpoint of a client's address that has been there longest, 0: there is none; with
 * how many endpoints the address has, and how many of these are unproven. */
uint32_t endpoint_oldest_unproven(const struct endpoints *endpoints, const struct address *client,
	uint32_t *count, uint32_t *unproven);

/* So many unproven ones make room for one claim at most, as packets wait meanwhile. One is enough,
 * but where a reload has lowered a limit. */
enum { MAKE_ROOM_MAX = 1024 };

/* Whether there would be room for a client once another endpoint is gone, or what is unproven has
 * made some; 0: none is. */
bool endpoint_has_room(const struct endpoints *endpoints, const struct address *client,
	uint32_t gone, enum refusal *refusal);

/* Takes an endpoint without a reason left out of the tables, without a word. */
void endpoint_leave(struct endpoints *endpoints, uint32_t endpoint);

/* The same with their events; a new endpoint is scheduled. */
uint32_t endpoint_add(struct endpoints *endpoints, const struct reason_claim *claim);
void endpoint_drop(
	struct endpoints *endpoints, uint32_t endpoint, const char *why, struct text aor);

/* A copy of the AOR of an endpoint that is going to lose its last reason, for endpoint_drop; of
 * none, where nobody wants to know. */
enum { AOR_COPY_MAX = LABEL_MAX };
struct text endpoint_copy_aor(
	const struct endpoints *endpoints, uint32_t endpoint, char copy[static AOR_COPY_MAX]);

/* A claim is refused: 0, and an event that says so. */
uint32_t claim_refuse(
	struct endpoints *endpoints, const struct reason_claim *claim, enum refusal refusal);

/* Adds the reason of a claim to its endpoint. Its index, 0 when a limit refuses it. */
uint32_t reason_add(
	struct endpoints *endpoints, const struct reason_claim *claim, uint32_t endpoint);
bool endpoint_has_reasons_enough(const struct endpoints *endpoints, uint32_t endpoint);

/* Puts back a reason that there was before a restart: no event, no keepalive yet (records_resume).
 * Its index, -EEXIST when the key is taken or -ENOSPC when a limit is reached. */
int64_t reason_restore(struct endpoints *endpoints, const struct reason_claim *claim,
	const struct endpoint_bucket *bucket, uint64_t left_us, uint32_t refreshed);

/* Where the tables have the reasons with a key: the first of a list, linked by hash_next. */
static inline uint32_t *reason_head(const struct endpoints *endpoints, uint64_t key)
{
	return &endpoints->reason_heads[key & endpoints->reason_mask];
}

/* Where the tables have the endpoints of a client at a proxy; likewise. */
uint32_t *endpoint_head(
	const struct endpoints *endpoints, const struct address *client, uint16_t proxy);

/* What an endpoint is found to be: natted, lost, of a class. */

/* One endpoint more or, with -1, less: counted by what it is. */
void endpoint_count(struct endpoints *endpoints, const struct endpoint *endpoint, int by);

/* What a store keeps of its reasons has changed. */
void endpoint_note_change(struct endpoints *endpoints, const struct endpoint *endpoint);

/* These tests hit it; nothing else follows. False when that was known. */
bool endpoint_join_nat(struct endpoints *endpoints, uint32_t endpoint, unsigned nat);

/* It was lost before a restart. */
void endpoint_restore_lost(struct endpoints *endpoints, uint32_t endpoint);

/* It is of this class; nothing else follows. */
void endpoint_join_class(struct endpoints *endpoints, uint32_t endpoint, unsigned class);

/* It gets a new place on the schedule, for when its keepalive is due. */
void endpoint_place_anew(struct endpoints *endpoints, uint32_t endpoint);

/* How endpoints and reasons are told of. */

/* Reports an endpoint that is new, or restored, where that is wanted. */
void endpoint_report_added(struct endpoints *endpoints, uint32_t endpoint, bool restored);

/* Reports an event of a reason, where it is wanted. why: of reason-end. */
void reason_report(
	struct endpoints *endpoints, uint32_t reason, enum event_type type, const char *why);

/* Notes all that there is as restored and not told of, where such events are wanted; and tells of
 * one endpoint before anything else is told of it, or changes in it. */
void restored_note(struct endpoints *endpoints);
void restored_tell_now(struct endpoints *endpoints, uint32_t endpoint);
static inline void restored_tell_first(struct endpoints *endpoints, uint32_t endpoint)
{
	if (restored_are_untold(endpoints))
		restored_tell_now(endpoints, endpoint);
}

#endif
