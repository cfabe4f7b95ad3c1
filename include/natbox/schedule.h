/* A timing wheel: when which item wakes, in ticks of 10 ms. One turn is longer than the longest
 * wait, so an item stands in the slot of its tick and nowhere else. An item that will send
 * something is placed with others in mind: as late as allowed, but in no slot that is already
 * crowded. */
#ifndef NATBOX_SCHEDULE_H
#define NATBOX_SCHEDULE_H

#include <natbox/base.h>

struct wheel;

/* items: the highest index ever placed. longest: the most ticks that an item waits. NULL when
 * memory is short. */
struct wheel *wheel_new(uint32_t items, uint32_t longest, uint32_t now);
void wheel_free(struct wheel *wheel);

/* Wakes item at a tick after now and at most longest ahead; later ones are brought forward to that.
 * An item stands at one place at most: placed again it moves. */
void wheel_place(struct wheel *wheel, uint32_t item, uint32_t tick);

/* The same, for an item that sends when it wakes, as each does once an interval: it takes the last
 * slot from earliest to latest that is not crowded, that is, holds less than its fair share of all
 * senders and a quarter more; latest itself when all of them are. */
void wheel_place_sender(
	struct wheel *wheel, uint32_t item, uint32_t earliest, uint32_t latest, uint32_t interval);

void wheel_remove(struct wheel *wheel, uint32_t item);

uint32_t wheel_tick_of(const struct wheel *wheel, uint32_t item);

/* The next tick at which an item may wake: none wakes before. False when the wheel is empty. */
bool wheel_next(struct wheel *wheel, uint32_t *tick);

/* Turns the wheel to tick, which is not after wheel_next; then wheel_pop hands out the items of
 * that tick, in the order they were placed, 0 when there is none left. *sender: it was placed to
 * send. */
void wheel_turn(struct wheel *wheel, uint32_t tick);
uint32_t wheel_pop(struct wheel *wheel, bool *sender);

/* The one that wheel_pop hands out next, if nothing is placed or removed before; 0 when none is
 * left. The one after it begins to be fetched into the cache. */
uint32_t wheel_peek(const struct wheel *wheel);

#endif
