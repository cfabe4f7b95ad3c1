/* A ledger of what happened a short while ago, by key: when it was, and a number. It has a fixed
 * number of entries; where there is no room for another, the oldest of a few gives way, so a key
 * that is not found may have been there. Keys are keyed hashes. */
#ifndef NATBOX_LEDGER_H
#define NATBOX_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

struct ledger_entry;

struct ledger {
	struct ledger_entry *entries;
	uint32_t mask;
};

/* At least so many entries. 0 or -ENOMEM. */
int ledger_init(struct ledger *ledger, uint32_t entries);
void ledger_free(struct ledger *ledger);

/* Notes that it was at tick, in place of what was noted for this key before. */
void ledger_note(struct ledger *ledger, uint64_t key, uint32_t tick, uint32_t number);

/* Whether it is noted, with its tick and number, either of which may be NULL. */
bool ledger_find(const struct ledger *ledger, uint64_t key, uint32_t *tick, uint32_t *number);

/* Begins to fetch what ledger_note and ledger_find look at. */
void ledger_expect(const struct ledger *ledger, uint64_t key);

#endif
