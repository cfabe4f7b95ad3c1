/* The schedule: when a keepalive is due, and what wakes when. It knows items by their index and
 * times in ticks of 10 ms (base.h); what an item is, it does not know. Two layers: the schedule
 * decides when, the wheel below it keeps what was decided. */
#ifndef NATBOX_SCHEDULE_H
#define NATBOX_SCHEDULE_H

#include <natbox/settings.h>

/* The wheel: which item wakes at which tick. One turn is longer than the longest wait, so an item
 * stands in the slot of its tick and nowhere else. An item that will send something is placed with
 * others in mind: as late as allowed, but in no slot that is already crowded. */

struct wheel;

/* items: the highest index ever placed. longest: the most ticks that an item waits. NULL when
 * memory is short. */
struct wheel *wheel_new(uint32_t items, uint32_t longest, uint32_t now);
void wheel_free(struct wheel *wheel);

/* What of it fills up with the items. used: the highest index of one that has been placed, or may
 * be soon. */
void wheel_list_fillings(
	const struct wheel *wheel, const uint32_t *used, struct fillings *fillings);

/* Wakes item at a tick after now and at most longest ahead; later ones are brought forward to that.
 * An item stands at one place at most: placed again it moves. */
void wheel_place(struct wheel *wheel, uint32_t item, uint32_t tick);

/* The same, for an item that sends when it wakes, as each does once an interval: it takes the last
 * slot from earliest to latest that is not crowded, that is, holds less than its fair share of all
 * senders and a quarter more; latest itself when all of them are. Items of one pace have one
 * interval. Those with a shorter interval than a slot is ahead have no share in it yet. */
enum { PACES_MAX = 128 };
void wheel_place_sender(struct wheel *wheel, uint32_t item, uint32_t earliest, uint32_t latest,
	uint32_t interval, unsigned pace);

void wheel_remove(struct wheel *wheel, uint32_t item);

uint32_t wheel_tick_of(const struct wheel *wheel, uint32_t item);

/* Whether it is placed to send. */
bool wheel_is_sender(const struct wheel *wheel, uint32_t item);

/* How many items are placed to send at a tick, which is not before now nor further ahead than
 * longest. */
uint32_t wheel_senders_at(const struct wheel *wheel, uint32_t tick);

/* The next tick at which an item may wake: none wakes before. False when the wheel is empty. */
bool wheel_next(struct wheel *wheel, uint32_t *tick);

/* Turns the wheel to tick, which is not after wheel_next; then wheel_pop hands out the items of
 * that tick, in the order they were placed, 0 when there is none left. *sender: it was placed to
 * send. */
void wheel_turn(struct wheel *wheel, uint32_t tick);
uint32_t wheel_pop(struct wheel *wheel, bool *sender);

/* Where an item is placed begins to be fetched into the cache. */
void wheel_prefetch(const struct wheel *wheel, uint32_t item);

/* The item that wheel_pop hands out next, if nothing is placed or removed before; or the one after
 * that item, which is to be one of them. 0 when there is none. The one after it begins to be
 * fetched into the cache. */
uint32_t wheel_peek(const struct wheel *wheel);
uint32_t wheel_peek_after(const struct wheel *wheel, uint32_t item);

/* The schedule: a keepalive is due one interval after the item was refreshed, by a sign of life
 * or the keepalive before. Interval, time for an answer and whether there are keepalives at all are
 * what the settings say at the moment of each call, the interval and that last for each class of
 * items. Classes are numbers below PACES_MAX. */

/* A time in which natbox did not run, in ticks: nothing was heard. */
struct pause {
	uint32_t from, until;
};

/* Pauses that are remembered: as many may fall between a keepalive and the moment at which the lack
 * of its answer is noticed, which is an interval at most. */
enum { PAUSES_MAX = 8 };

struct schedule {
	const struct settings *settings;
	const struct keepalive_rules *rules; /* of each class */
	struct wheel *wheel;
	struct pause pauses[PAUSES_MAX];
	unsigned pause_count; /* in all; number i stands at i % PAUSES_MAX */
	bool is_held;         /* nothing is to be sent for now (schedule_hold) */
	uint32_t held_since;
	/* Keepalives that are overdue take turns: the tick of the latest of them, and how many of
	 * them are sent in it. */
	uint32_t overdue_tick, overdue_count;
	uint32_t overdue_longest; /* the longest interval of any class then, in ticks */
};

/* items: the highest index ever placed. rules: PACES_MAX of them. These and the settings are
 * pointed to. 0 or -ENOMEM. */
int schedule_init(struct schedule *schedule, const struct settings *settings,
	const struct keepalive_rules *rules, uint32_t items, uint32_t now);
void schedule_free(struct schedule *schedule);

/* Whether keepalives are sent to items of this class. */
static inline bool schedule_sends(const struct schedule *schedule, unsigned class)
{
	return schedule->rules[class].scope != KEEPALIVE_OFF && !schedule->is_held;
}

/* From now on nothing is sent, whatever the settings say, and what is not answered does not count,
 * until schedule_release: that was a pause then. The places of before come to nothing on their
 * own, those after need new ones. */
void schedule_hold(struct schedule *schedule, uint32_t now);
void schedule_release(struct schedule *schedule, uint32_t now);

/* An item wakes for its next keepalive, not before the tick earliest and when it is due at the
 * latest; or when it expires, where that comes first or no keepalives are wanted. */
void schedule_place(struct schedule *schedule, uint32_t item, unsigned class, uint32_t earliest,
	uint32_t refreshed, uint32_t expires);

/* The same, for an item that is to send for the first time: soon after now. */
void schedule_place_soon(
	struct schedule *schedule, uint32_t item, unsigned class, uint32_t now, uint32_t expires);

/* The same as schedule_place, for an item that has its round behind it: the next begins in time to
 * spread again what was sent in a burst. */
void schedule_place_next(struct schedule *schedule, uint32_t item, unsigned class,
	uint32_t refreshed, uint32_t expires);

/* The same, after a restart or a pause, or when the interval has changed. Items that are overdue
 * are placed one after the other, as fast as they can well be sent. Returns the tick at which the
 * item counts as refreshed from now on. */
uint32_t schedule_place_anew(struct schedule *schedule, uint32_t item, unsigned class, uint32_t now,
	uint32_t refreshed, uint32_t expires);

/* An item gets nothing more before it expires. */
void schedule_place_end(struct schedule *schedule, uint32_t item, uint32_t expires);

/* An item that is placed wakes at tick at the latest. */
void schedule_wake_by(struct schedule *schedule, uint32_t item, uint32_t tick);

/* The tick until which the answer to a keepalive sent at tick to one of this class is waited for:
 * until the next keepalive at most. */
uint32_t schedule_answer_end(const struct schedule *schedule, unsigned class, uint32_t sent);

/* The tick at which the next keepalive to an item is due. since_placed: it was refreshed after it
 * was placed. */
uint32_t schedule_next(const struct schedule *schedule, uint32_t item, unsigned class,
	uint32_t refreshed, bool since_placed);

/* Nothing was heard, or will be, between these ticks: what is overdue waits for the end of it. */
void schedule_note_pause(struct schedule *schedule, uint32_t from, uint32_t until);

/* Whether an answer to a keepalive sent at tick to one of this class may have come while nobody
 * listened. */
bool schedule_paused_after(const struct schedule *schedule, unsigned class, uint32_t sent);

#endif
