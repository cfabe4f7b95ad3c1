/* Which reasons have changed since somebody last looked: a set of slots (indices of the pool of
 * reasons) that costs a bit each and a few instructions to add to. However often one changes, it
 * stands in the set once. */
#ifndef NATBOX_CHANGES_H
#define NATBOX_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

struct changes {
	uint64_t *slots; /* a bit a slot; NULL: nobody wants to know */
	uint64_t *words; /* a bit for each word of slots that is not 0 */
	uint32_t limit;  /* the highest slot */
};

/* 0 or -ENOMEM. Until then, adding to it does nothing. */
int changes_init(struct changes *changes, uint32_t limit);
void changes_free(struct changes *changes);

static inline void changes_add(struct changes *changes, uint32_t slot)
{
	if (!changes->slots)
		return;
	changes->slots[slot / 64] |= 1ull << slot % 64;
	changes->words[slot / 4096] |= 1ull << slot / 64 % 64;
}

/* Takes the first slot from that one on out of the set and returns it; 0 when there is none. */
uint32_t changes_take(struct changes *changes, uint32_t from);

bool changes_any(const struct changes *changes);

#endif
